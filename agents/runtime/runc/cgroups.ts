// Cgroups of containers as files: where they are, what they count, whom they hold. Made and limited by runc and the kubelet.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn } from '../../../internal/base/files.ts';
import { removeCgroup } from '../../cgroup-folders.ts';
import { CGROUP_MOUNT, cgroupRoot, type CgroupRoot } from '../../cgroup-root.ts';

/** Where the processes stand that watch containers: they outlive the unit that Skiff runs in. A leaf, as on v2 only such may hold processes. */
export const WATCHERS = '/kubepods/conmon';

export interface Cgroups {
  readonly version: 1 | 2;
  /** As config.json wants it, for a path relative to the node's root. */
  pathForRunc(path: string): string;
  /** Directory of a controller's files (v2: of all). */
  directory(path: string, controller: string): string;
  /** Pids in it and below. */
  processes(path: string): number[];
  /** Times the kernel killed something there for want of memory. */
  oomKills(path: string): number;
  /** Moves a watcher of containers out of systemd's sight, if it is in that: what is left in a unit's cgroup is warned of, or killed. */
  setApart(pid: number): void;
  /** Removes it with all below, in every hierarchy; what holds processes stays. */
  remove(path: string): void;
  /** Names directly below. */
  children(path: string): string[];
}

export function openCgroups(root = cgroupRoot()): Cgroups {
  const { version } = root;
  const directory = (path: string, controller: string): string => join(root.directory(controller), path);
  return {
    version,
    directory,
    pathForRunc: (path) => root.pathForRunc(path),
    processes: (path) => (readText(join(directory(path, 'devices'), 'cgroup.procs')) ?? '').split('\n').filter((line) => line !== '').map(Number),
    oomKills(path) {
      const text = readText(join(directory(path, 'memory'), version === 2 ? 'memory.events' : 'memory.oom_control')) ?? '';
      return Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0);
    },
    setApart(pid) {
      if (root.unit !== undefined) for (const hierarchy of hierarchiesOf(root)) moveTo(hierarchy, pid);
    },
    remove: (path) => { for (const hierarchy of hierarchiesOf(root)) removeCgroup(join(hierarchy, path)); },
    children: (path) => [...new Set(hierarchiesOf(root).flatMap((hierarchy) => foldersIn(join(hierarchy, path))))],
  };
}

/** The node's root in each hierarchy; runc joins v2's as well where that stands beside v1. */
function hierarchiesOf(root: CgroupRoot): string[] {
  if (root.version === 2) return [root.directory('')];
  return [...root.controllers.map((controller) => root.directory(controller)), join(CGROUP_MOUNT, 'unified')].filter((directory) => existsSync(directory));
}

/** Only below what the kubelet has made. Where it cannot be done the process stays where it is, which harms nothing but the order. */
function moveTo(hierarchy: string, pid: number): void {
  const directory = join(hierarchy, WATCHERS);
  try {
    if (!existsSync(directory)) mkdirSync(directory);
    for (const file of ['cpuset.cpus', 'cpuset.mems']) if (readText(join(directory, file))?.trim() === '' && !existsSync(join(directory, 'cgroup.controllers'))) writeFileSync(join(directory, file), readText(join(directory, '..', file)) ?? '');
    writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  } catch {
    // gone already, or no such hierarchy
  }
}

/** Undefined when the cgroup has gone. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
