// Cgroups of the node's pods, on cgroup v1 and v2: kubepods, a level for each QoS class, one for each pod.
//
//   <root>/kubepods[/burstable|/besteffort]/pod<uid>      the runtime puts containers below it; by systemd's names: cgroup-names.ts
//
// What the root is: agents/cgroup-root.ts. On v2 a cgroup that holds processes cannot hand controllers down, so this process then moves
// itself into a leaf of it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../../../internal/base/errors.ts';
import { foldersIn } from '../../../internal/base/files.ts';
import { removeCgroup } from '../../cgroup-folders.ts';
import { CGROUP_MOUNT, LEAF, cgroupRoot, type CgroupRoot } from '../../cgroup-root.ts';

const V1_CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'cpuset', 'blkio', 'hugetlb', 'devices', 'freezer', 'net_cls', 'perf_event', 'systemd', 'name=systemd'];
const V2_CONTROLLERS = ['cpu', 'memory', 'pids', 'io', 'cpuset', 'hugetlb'];

export interface CgroupLimits {
  cpuShares?: number;
  cpuQuota?: number;
  cpuPeriod?: number;
  memoryLimitBytes?: number;
  pidsLimit?: number;
  /** Bytes by page size (`2MB`); sizes that are not named are not changed. */
  hugepageLimits?: Readonly<Record<string, number>>;
}

export interface CgroupTree {
  readonly version: 1 | 2;
  /** Makes it in every hierarchy with these limits; idempotent. The path is relative to the root: `/kubepods/burstable`. */
  set(path: string, limits: CgroupLimits): Promise<void>;
  /** Removes it with all below; what still holds processes stays. */
  remove(path: string): Promise<void>;
  /** Names directly below. */
  children(path: string): string[];
  /** Directory of a controller's files. */
  directory(path: string, controller: string): string;
}

/** `below`: a path under the root to use as the root, for several nodes in one cgroup. */
export function openCgroupTree(below = ''): CgroupTree {
  const root = cgroupRoot();
  return root.version === 2 ? openV2(root, below) : openV1(root, below);
}

function openV1(root: CgroupRoot, below: string): CgroupTree {
  const controllers = root.controllers.filter((name) => V1_CONTROLLERS.includes(name) && existsSync(join(CGROUP_MOUNT, name.replace('name=', ''))));
  const directory = (path: string, controller: string): string => join(root.directory(controller), below, path);
  return {
    version: 1,
    directory,
    async set(path, limits) {
      for (const controller of controllers) makeV1(directory(path, controller), controller);
      write(directory(path, 'cpu'), 'cpu.shares', limits.cpuShares);
      write(directory(path, 'cpu'), 'cpu.cfs_period_us', limits.cpuQuota === undefined ? undefined : limits.cpuPeriod);
      write(directory(path, 'cpu'), 'cpu.cfs_quota_us', limits.cpuQuota);
      write(directory(path, 'memory'), 'memory.limit_in_bytes', limits.memoryLimitBytes);
      write(directory(path, 'pids'), 'pids.max', limits.pidsLimit);
      for (const [size, limit] of Object.entries(limits.hugepageLimits ?? {})) write(directory(path, 'hugetlb'), `hugetlb.${size}.limit_in_bytes`, limit);
    },
    async remove(path) {
      for (const controller of controllers) removeCgroup(directory(path, controller));
    },
    children: (path) => foldersIn(directory(path, 'memory')),
  };
}

/** A new cpuset allows nothing until it is told what. */
function makeV1(directory: string, controller: string): void {
  if (existsSync(directory)) return;
  const parent = join(directory, '..');
  if (!existsSync(parent)) makeV1(parent, controller);
  mkdirSync(directory, { recursive: true });
  if (controller === 'memory') write(directory, 'memory.use_hierarchy', 1);
  if (controller !== 'cpuset') return;
  for (const file of ['cpuset.cpus', 'cpuset.mems']) write(directory, file, readFileSync(join(parent, file), 'utf8').trim());
}

function openV2({ directory: rootFor }: CgroupRoot, below: string): CgroupTree {
  const root = join(rootFor(''), below);
  const directory = (path: string): string => join(root, path);
  handDown(rootFor(''), true);
  if (below !== '') {
    mkdirSync(root, { recursive: true });
    handDown(root, false);
  }
  return {
    version: 2,
    directory,
    async set(path, limits) {
      let at = '';
      for (const part of path.split('/').filter((name) => name !== '')) {
        if (at !== '') handDown(directory(at), false);
        at = `${at}/${part}`;
        mkdirSync(directory(at), { recursive: true });
      }
      handDown(directory(path), false);
      write(directory(path), 'cpu.weight', limits.cpuShares === undefined ? undefined : weightOf(limits.cpuShares));
      write(directory(path), 'cpu.max', limits.cpuQuota === undefined ? undefined : `${limits.cpuQuota < 0 ? 'max' : String(limits.cpuQuota)} ${String(limits.cpuPeriod ?? 100_000)}`);
      write(directory(path), 'memory.max', limits.memoryLimitBytes === undefined ? undefined : limits.memoryLimitBytes < 0 ? 'max' : limits.memoryLimitBytes);
      write(directory(path), 'pids.max', limits.pidsLimit === undefined || limits.pidsLimit >= 0 ? limits.pidsLimit : 'max');
      for (const [size, limit] of Object.entries(limits.hugepageLimits ?? {})) write(directory(path), `hugetlb.${size}.max`, limit);
    },
    async remove(path) {
      removeCgroup(directory(path));
    },
    children: (path) => foldersIn(directory(path)),
  };
}

function handDown(directory: string, moveSelf: boolean): void {
  const have = readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ');
  const given = readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  const wanted = V2_CONTROLLERS.filter((name) => have.includes(name) && !given.includes(name));
  if (wanted.length === 0) return;
  const line = wanted.map((name) => `+${name}`).join(' ');
  try {
    writeFileSync(join(directory, 'cgroup.subtree_control'), line);
  } catch (error) {
    if (!isErrno(error, 'EBUSY') || !moveSelf) throw error;
    mkdirSync(join(directory, LEAF), { recursive: true });
    writeFileSync(join(directory, LEAF, 'cgroup.procs'), String(process.pid));
    writeFileSync(join(directory, 'cgroup.subtree_control'), line);
  }
}

/** cpu.shares (2…262144) as cpu.weight (1…10000), as runc maps it (KEP-2254). */
export function weightOf(shares: number): number {
  return Math.max(1, Math.min(10_000, 1 + Math.floor(((shares - 2) * 9999) / 262_142)));
}

function write(directory: string, file: string, value: number | string | undefined): void {
  const path = join(directory, file);
  // A kernel without the controller has no such file: then there is nothing to limit with.
  if (value === undefined || !existsSync(path)) return;
  if (readFileSync(path, 'utf8').trim() !== String(value)) writeFileSync(path, String(value));
}
