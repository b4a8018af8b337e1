// `skiff uninstall`: everything that Skiff made on this machine goes, and what it changed is set back; what was there before stays. Asks nothing, so that
// scripts can call it: --dry-run says beforehand what goes, line by line. An interrupted run is finished by the next.
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { systemClock } from '../internal/base/clock.ts';
import { messageOf, unlessErrno } from '../internal/base/errors.ts';
import { mountPointsUnder } from '../agents/kubelet/volumes/mount-table.ts';
import { volatileKinds, type Kind } from './ownership/belongings.ts';
import { describeStep, planFiles, removeFiles, type FileFacts } from './ownership/files.ts';
import { endAllPods, podLines, podLogs } from './ownership/pods.ts';
import { forgetService } from './ownership/service.ts';
import { findSite, type Site } from './ownership/site.ts';
import { keptAlive, needRoot, processLines, quietLog, reportTo, stopProcesses, survey, takeAway } from './ownership/taking-down.ts';
import { gaveHelp, PLACE_FLAGS, placeIn, readWords } from './ownership/words.ts';
import { useUnpackedPrograms } from './programs/carried.ts';

const HELP = `Usage: skiff uninstall [--dry-run] [--purge] [FLAGS]

Removes Skiff from this machine: processes, pods, network, cgroups, files. Data of volumes is kept.

  --dry-run           only say what would be removed, one line each
  --purge             the data of volumes too
  --data-dir DIR      that of the server or agent, where it cannot be found out
  --config FILE       its configuration file
`;

export async function runUninstall(argv: readonly string[]): Promise<number> {
  const { flags } = readWords('uninstall', argv, ['dry-run', 'purge', ...PLACE_FLAGS]);
  if (gaveHelp(flags, HELP)) return 0;
  needRoot();
  const site = findSite(placeIn(flags), process.env);
  useUnpackedPrograms(site.dataDir);
  const purge = flags['purge'] === 'true';
  return flags['dry-run'] === 'true' ? say(site, purge) : keptAlive(() => uninstall(site, purge));
}

async function say(site: Site, purge: boolean): Promise<number> {
  const { steps, keeps } = planFiles(factsOf(site, purge));
  const found = [...(await survey(volatileKinds(site, systemClock))).values()].flat();
  const lines = [...processLines(site), ...podLines(site), ...found.map(({ line }) => line), ...steps.map((step) => describeStep(step, list))];
  for (const line of lines) process.stdout.write(`would remove ${line}\n`);
  for (const line of keeps) process.stdout.write(`would keep ${line}\n`);
  if (lines.length === 0) process.stdout.write('nothing of Skiff is on this machine\n');
  return 0;
}

async function uninstall(site: Site, purge: boolean): Promise<number> {
  const report = reportTo('removed');
  const kinds = volatileKinds(site, systemClock);
  const first = await survey(kinds);
  const processes = processLines(site);
  if (isNothing(processes, first) && planFiles(factsOf(site, purge)).steps.length === 0) process.stdout.write('nothing of Skiff is on this machine\n');
  await stopProcesses(site, report, true);
  for (const line of processes) report.gone(line);
  // What cannot be ended in order is killed with its cgroup: records that nobody can read must not keep Skiff on the machine.
  await endAllPods(site, { remove: true, log: quietLog(), tell: (line) => report.gone(line) }).catch((error: unknown) => process.stderr.write(`skiff: pods are killed, as they could not be ended in order: ${messageOf(error)}\n`));
  await takeAway(kinds, report, first);
  // Something that cannot be ended may still use the files, and the ledger must tell the next run of it.
  if (report.failures === 0) await takeAway([files(site, purge)], report);
  for (const service of site.services) await forgetService(service).catch(() => undefined); // its file has gone: nothing else is to be forgotten
  tellRest(site, purge, report.failures);
  return report.failures === 0 ? 0 : 1;
}

function tellRest(site: Site, purge: boolean, failures: number): void {
  if (failures > 0) process.stderr.write('skiff: something could not be removed: mend what is said above and run skiff uninstall again\n');
  else for (const line of planFiles(factsOf(site, purge)).keeps) process.stdout.write(`kept ${line}\n`);
  if (site.instance?.verb === 'agent') process.stdout.write(`the cluster still lists node ${site.instance.nodeName ?? ''}; on the server: skiff kubectl delete node ${site.instance.nodeName ?? ''}\n`);
}

function isNothing(processes: readonly string[], found: ReadonlyMap<string, readonly unknown[]>): boolean {
  return processes.length === 0 && [...found.values()].every((some) => some.length === 0);
}

function files(site: Site, purge: boolean): Kind {
  return {
    name: 'files',
    find() {
      const points = new Set(mountPointsUnder(''));
      return planFiles(factsOf(site, purge)).steps.map((step) => ({ line: describeStep(step, list), remove: () => removeFiles(step, (path) => points.has(path)) }));
    },
  };
}

function factsOf(site: Site, purge: boolean): FileFacts {
  const points = new Set(mountPointsUnder(''));
  const { dataDir, kept, volatile, pidFiles } = site;
  return { dataDir, kept, volatile, others: [...pidFiles, ...podLogs(site)], purge, list, isMountPoint: (path) => existsSync(path) && points.has(realpathSync(path)), isThere: (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined };
}

function list(path: string): string[] | undefined {
  return unlessErrno(['ENOENT', 'ENOTDIR'], () => readdirSync(path));
}
