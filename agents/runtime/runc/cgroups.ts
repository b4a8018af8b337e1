// Cgroups of containers as files: where they are, what they count, whom they hold. Made and limited by runc and the kubelet.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupRoot } from '../../cgroup-root.ts';

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
}

export function openCgroups(): Cgroups {
  const root = cgroupRoot();
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
  };
}

/** Undefined when the cgroup has gone. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
