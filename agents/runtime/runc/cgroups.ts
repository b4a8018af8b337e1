// Cgroups of containers as files: where they are, what they count, whom they hold. Made and limited by runc and the kubelet.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MOUNT = '/sys/fs/cgroup';

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
  const version = existsSync(join(MOUNT, 'cgroup.controllers')) ? 2 : 1;
  const own = ownPaths();
  // The kubelet moves this process into a leaf on v2, and what it hands down starts above that.
  const unified = (own.get('') ?? '').replace(/\/skiff$/, '');
  const directory = (path: string, controller: string): string => (version === 2 ? join(MOUNT, unified, path) : join(MOUNT, controller.replace('name=', ''), own.get(controller) ?? '', path));
  return {
    version,
    directory,
    // runc takes a relative path from where it runs itself, in each v1 hierarchy; on v2 from one level above.
    pathForRunc: (path) => (version === 2 ? join('/', unified, path) : path.replace(/^\/+/, '')),
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

/** Where this process stands, by controller; '' for v2. Above the root of a cgroup namespace the kernel shows `..`. */
function ownPaths(): Map<string, string> {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  return new Map(lines.flatMap((match) => (match?.[1] ?? '').split(',').map((controller): [string, string] => [controller, match?.[2] === undefined || match[2] === '/' || match[2].startsWith('/..') ? '' : match[2]])));
}
