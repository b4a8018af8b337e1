// `skiff stop`: the server or agent of this machine, by whoever keeps it running; containers go on. With --pods they are ended as well, each with its
// grace period, critical ones last, and all that belongs to them goes, so that the machine is as after a boot without Skiff; the next start
// brings the pods back.
import { rmSync } from 'node:fs';
import { systemClock } from '../internal/base/clock.ts';
import { isRunning } from './instance.ts';
import { volatileKinds } from './ownership/belongings.ts';
import { endAllPods, findPods } from './ownership/pods.ts';
import { findSite, type Site } from './ownership/site.ts';
import { keptAlive, needRoot, quietLog, reportTo, stopProcesses, survey, takeAway } from './ownership/taking-down.ts';
import { gaveHelp, PLACE_FLAGS, placeIn, readWords } from './ownership/words.ts';
import { useUnpackedPrograms } from './programs/carried.ts';

const HELP = `Usage: skiff stop [--pods] [FLAGS]

Stops the server or agent of this machine. Containers go on without it.

  --pods              end all pods too, each with its grace period, and take down their network
  --data-dir DIR      that of the server or agent, where it cannot be found out
  --config FILE       its configuration file
`;

export async function runStop(argv: readonly string[]): Promise<number> {
  const { flags } = readWords('stop', argv, ['pods', ...PLACE_FLAGS]);
  if (gaveHelp(flags, HELP)) return 0;
  needRoot();
  const site = findSite(placeIn(flags), process.env);
  useUnpackedPrograms(site.dataDir);
  return keptAlive(() => stop(site, flags['pods'] === 'true'));
}

async function stop(site: Site, pods: boolean): Promise<number> {
  const { instance } = site;
  const report = reportTo('stopped');
  const ran = instance !== undefined && isRunning(instance);
  await stopProcesses(site, report, false);
  if (ran) report.gone(`skiff ${instance.verb} (process ${String(instance.pid)})`);
  else process.stdout.write('skiff does not run\n');
  if (!pods) {
    const running = findPods(site).length;
    if (running > 0) process.stdout.write(`${String(running)} pods go on; skiff stop --pods ends them\n`);
    return report.failures === 0 ? 0 : 1;
  }
  const kinds = volatileKinds(site, systemClock);
  const first = await survey(kinds);
  await endAllPods(site, { log: quietLog(), tell: (line) => report.gone(line) });
  // What would not end is ended now with its cgroup.
  await takeAway(kinds, { gone: () => {}, kept: () => {}, failed: (line, error) => report.failed(line, error) }, first);
  if (report.failures === 0) rmSync(site.runDir, { recursive: true, force: true });
  return report.failures === 0 ? 0 : 1;
}
