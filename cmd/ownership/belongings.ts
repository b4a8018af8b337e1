// What of Skiff is on the machine beside files, in the order in which it goes: each kind found anew when its turn comes, since much goes with what
// went before it, and so that an interrupted run is finished by the next.
import { existsSync, readdirSync, readFileSync, realpathSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isErrno } from '../../internal/base/errors.ts';
import { delay, type Clock } from '../../internal/base/clock.ts';
import { tryCommand } from '../../internal/base/command.ts';
import { foldersIn } from '../../internal/base/files.ts';
import { DEFAULT_PROFILE, isLoaded, REMOVE_FILE } from '../../agents/apparmor.ts';
import { findOwnLinks, findOwnRoutes, removeLink, removeRoute } from '../../agents/network/removal.ts';
import { findEmptyTables, findOwnRules, removeEmptyTable, removeOwnRules } from '../../agents/network/own-chains.ts';
import { mountPointsUnder } from '../../agents/kubelet/volumes/mount-table.ts';
import { isAlive, processOf, signal } from '../../agents/runtime/runc/process.ts';
import type { Site } from './site.ts';

/** One thing of Skiff's, with the line that --dry-run says of it. */
export interface Belonging {
  line: string;
  /** Idempotent: it may have gone with another. Gives why it stays, when it is to. */
  remove(): Promise<string | void> | string | void;
}

export interface Kind {
  name: string;
  find(): Promise<Belonging[]> | Belonging[];
}

const SIGKILL = 9;
const PATIENCE_MS = 10_000;
const POLL_MS = 25;

/** All that does not outlive a boot; pods must have been ended. */
export function volatileKinds(site: Site, clock: Clock): Kind[] {
  return [
    { name: 'processes', find: () => strayProcesses(site, clock) },
    { name: 'mounts', find: () => ownMounts(site) },
    { name: 'routes', find: async () => (await findOwnRoutes()).map((line) => ({ line: `route ${line}`, remove: () => removeRoute(line) })) },
    { name: 'links', find: () => findOwnLinks().map((name) => ({ line: `link ${name}`, remove: () => removeLink(name) })) },
    { name: 'packet rules', find: packetRules },
    { name: 'packet tables', find: () => emptyTables(site) },
    { name: 'cgroups', find: () => ownCgroups(site).map((directory) => ({ line: `cgroup ${directory}`, remove: () => (directory.endsWith('.slice') ? removeSlice(directory, clock) : removeCgroup(directory, clock)) })) },
    { name: 'sysctls', find: () => changedSysctls(site) },
    { name: 'AppArmor', find: ownProfile },
  ];
}

/** Of containers: in the cgroups that were made for them, and the conmon of each, known by the folder it tells their ends to. */
function strayProcesses(site: Site, clock: Clock): Belonging[] {
  const pids = new Set([...ownCgroups(site).filter((directory) => /\/kubepods(\.slice)?$/.test(directory)).flatMap(processesIn), ...conmons(site)]);
  return [...pids].filter((pid) => pid !== process.pid).flatMap((pid) => {
    const found = processOf(pid);
    if (found === undefined || !isAlive(found)) return [];
    return [{
      line: `process ${String(pid)} ${readQuietly(`/proc/${String(pid)}/comm`).trim()}`,
      async remove() {
        if (isAlive(found)) signal(found, SIGKILL);
        await until(() => !isAlive(found), clock);
      },
    }];
  });
}

export function conmons({ runDir }: Pick<Site, 'runDir'>): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    const words = readQuietly(`/proc/${String(pid)}/cmdline`).split('\0');
    return words[0]?.endsWith('conmon') === true && words[words.indexOf('--exit-dir') + 1]?.startsWith(`${runDir}/`) === true;
  });
}

/** Below our folders only (the kernel names them without links); a folder that is itself where a disk of the user's is mounted is not among them. */
function ownMounts({ dataDir, runDir, kubeletDir }: Site): Belonging[] {
  const below = [join(dataDir, 'agent/containers'), join(dataDir, 'agent/sandboxes'), runDir, kubeletDir].filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder));
  const points = below.flatMap((folder) => mountPointsUnder(folder).filter((point) => point !== folder));
  // The same place may hold several, one over the other.
  return points.map((point) => ({ line: `mount ${point}`, remove: () => unmount(point) }));
}

async function unmount(point: string): Promise<void> {
  if (!mountPointsUnder(point).includes(point)) return;
  const { code, stderr } = await tryCommand('umount', ['-l', point]);
  // One that is under another's mount is listed, but not to be reached: it is not ours then.
  if (code !== 0 && !stderr.includes('not mounted') && mountPointsUnder(point).includes(point)) throw new Error(stderr.trim());
}

async function packetRules(): Promise<Belonging[]> {
  return (await findOwnRules()).flatMap((rules) => {
    let done: Promise<void> | undefined;
    const remove = (): Promise<void> => (done ??= removeOwnRules(rules));
    const where = `${rules.family} ${rules.table}`;
    return [...rules.jumps.map((jump) => `rule ${where} ${jump}`), ...rules.chains.map((chain) => `chain ${where} ${chain}`)].map((line) => ({ line, remove }));
  });
}

async function emptyTables({ volatile }: Site): Promise<Belonging[]> {
  const made = volatile.flatMap((entry) => (entry.kind === 'table' ? [entry.name] : []));
  return (await findEmptyTables(made)).map((name) => ({ line: `table iptables ${name}`, remove: () => removeEmptyTable(name) }));
}

function ownCgroups({ volatile }: Site): string[] {
  return volatile.flatMap((entry) => (entry.kind === 'cgroup' && existsSync(entry.path) ? [entry.path] : []));
}

function processesIn(directory: string): number[] {
  const own = readQuietly(join(directory, 'cgroup.procs')).split('\n').filter((line) => line !== '').map(Number);
  return [...own, ...foldersIn(directory).flatMap((name) => processesIn(join(directory, name)))];
}

/** With all units in it; where systemd does not know it, it is a folder as others are. */
async function removeSlice(directory: string, clock: Clock): Promise<void> {
  await tryCommand('systemctl', ['stop', basename(directory)], { timeoutMs: 2 * PATIENCE_MS }).catch(() => undefined);
  if (existsSync(directory)) await removeCgroup(directory, clock);
}

/** A cgroup is busy for a moment after its last process has ended. */
async function removeCgroup(directory: string, clock: Clock): Promise<void> {
  for (const name of foldersIn(directory)) await removeCgroup(join(directory, name), clock);
  let failure: unknown;
  await until(() => {
    try {
      rmdirSync(directory);
      return true;
    } catch (error) {
      failure = error;
      return isErrno(error, 'ENOENT');
    }
  }, clock).catch(() => {
    throw failure;
  });
}

/** Not while containers of another instance stand under it. */
function ownProfile(): Belonging[] {
  const isUsed = (): boolean => readdirSync('/proc').some((name) => /^\d+$/.test(name) && readQuietly(`/proc/${name}/attr/current`).startsWith(`${DEFAULT_PROFILE} (`));
  if (!isLoaded(DEFAULT_PROFILE) || isUsed()) return [];
  return [{ line: `AppArmor profile ${DEFAULT_PROFILE}`, remove: () => { if (isLoaded(DEFAULT_PROFILE)) writeFileSync(REMOVE_FILE, DEFAULT_PROFILE); } }];
}

/** Set back to what each was before the first change of this boot. */
function changedSysctls({ volatile }: Site): Belonging[] {
  return volatile.flatMap((entry) => {
    if (entry.kind !== 'sysctl') return [];
    const path = join('/proc/sys', entry.name);
    if (!existsSync(path) || readQuietly(path).trim() === entry.before) return [];
    return [{ line: `sysctl ${entry.name} back to ${entry.before}`, remove: () => writeFileSync(path, entry.before) }];
  });
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // gone
  }
}

async function until(done: () => boolean, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + PATIENCE_MS;
  while (!done()) {
    if (clock.monotonicMs() > deadline) throw new Error('it does not go');
    await delay(clock, POLL_MS);
  }
}
