// Where the cgroups of a node's pods start, for every part alike (kubelet, runtime): found once, before anything moves this process.
//
//   no unit of systemd's     where the process stands: hosts that share a machine, and containers, each have their own
//   a service or a scope     the top of the hierarchy, as every kubelet does: a unit's own cgroup is gone or busy when the unit starts again,
//                            and pods outlive that
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const CGROUP_MOUNT = '/sys/fs/cgroup';
/** On v2, a cgroup that hands controllers down holds no process: a root that would is left for this leaf of it. */
export const LEAF = 'skiff';

export interface CgroupRoot {
  readonly version: 1 | 2;
  /** Names of the v1 hierarchies this process is in, `name=systemd` among them. */
  readonly controllers: readonly string[];
  /** Directory of the root; on v2 the same for all controllers. */
  directory(controller: string): string;
  /** The unit of systemd's that the process is in, whose cgroup is to be empty when the unit has ended. */
  readonly unit: string | undefined;
  /** As config.json wants it, for a path below the root. */
  pathForRunc(path: string): string;
}

let found: CgroupRoot | undefined;

export function cgroupRoot(): CgroupRoot {
  return (found ??= rootOf(readFileSync('/proc/self/cgroup', 'utf8'), existsSync(join(CGROUP_MOUNT, 'cgroup.controllers')) ? 2 : 1));
}

/** `membership`: /proc/self/cgroup's text. */
export function rootOf(membership: string, version: 1 | 2): CgroupRoot {
  const own = pathsOf(membership);
  const roots = new Map([...own].map(([controller, path]) => [controller, unitOf(path) !== undefined ? '' : version === 2 && path.endsWith(`/${LEAF}`) ? path.slice(0, -LEAF.length - 1) : path]));
  const relative = version === 1 && [...own].every(([controller, path]) => roots.get(controller) === path);
  return {
    version,
    unit: [...own.values()].map(unitOf).find((name) => name !== undefined),
    controllers: [...own.keys()].filter((name) => name !== ''),
    directory: (controller) => (version === 2 ? join(CGROUP_MOUNT, roots.get('') ?? '') : join(CGROUP_MOUNT, controller.replace('name=', ''), roots.get(controller) ?? '')),
    // On v1 runc takes a relative path from where it runs itself, in each hierarchy; an absolute one from the top of all.
    pathForRunc: (path) => (relative ? path.replace(/^\/+/, '') : join('/', version === 2 ? (roots.get('') ?? '') : '', path)),
  };
}

/** By controller; '' for v2. Above the root of a cgroup namespace the kernel shows `..`: then the namespace's root is what can be used. */
function pathsOf(membership: string): Map<string, string> {
  return new Map(membership.trim().split('\n').flatMap((line) => {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return names.split(',').map((name): [string, string] => [name, path === '/' || path.startsWith('/..') ? '' : path]);
  }));
}

function unitOf(path: string): string | undefined {
  return /([^/]+\.(?:service|scope))(?:\/|$)/.exec(path)?.[1];
}
