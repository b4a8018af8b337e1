// What of the node runs short, by upstream's eviction signals: readings and thresholds in, signals met out.
import { parseDuration } from '../../../internal/api/duration.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { openCgroupTree, type CgroupTree } from '../cgroups/cgroup-tree.ts';
import { amountOf, DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';
import { fileSystemOf, machineMemory, processesOf } from '../stats/machine.ts';

export type Signal = 'memory.available' | 'allocatableMemory.available' | 'nodefs.available' | 'nodefs.inodesFree' | 'imagefs.available' | 'imagefs.inodesFree' | 'pid.available';

export interface Observation {
  signal: Signal;
  available: number;
  capacity: number;
}

export interface Threshold {
  signal: Signal;
  /** An amount, or a share of the capacity: `100Mi`, `10%`. */
  value: string;
  /** Once met, it is only left behind with so much more. */
  reclaim?: string;
  /** Soft: for so long it must have been met before a pod has to go. Hard: 0. */
  graceMs: number;
}

/** Memory first, as it kills soonest; of one signal the hard ones before the soft ones. */
const ORDER: readonly Signal[] = ['memory.available', 'allocatableMemory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree', 'pid.available'];

type Thresholds = Pick<KubeletConfiguration, 'evictionHard' | 'evictionSoft' | 'evictionSoftGracePeriod' | 'evictionMinimumReclaim' | 'enforceNodeAllocatable'>;

/** What holds for the node's memory holds for that of all pods together as well, where that is limited. */
export function thresholdsOf({ evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim, enforceNodeAllocatable }: Thresholds): Threshold[] {
  const of = (values: Readonly<Record<string, string>>, grace: (signal: string) => number): Threshold[] => ORDER.flatMap((signal) => {
    const like = signal === 'allocatableMemory.available' && values === evictionHard && enforceNodeAllocatable.includes('pods') ? 'memory.available' : signal;
    const [value, reclaim] = [values[signal] ?? values[like], evictionMinimumReclaim[signal] ?? evictionMinimumReclaim[like]];
    // 0 and 100 % are how a threshold is turned off.
    return value === undefined || value === '0%' || value === '100%' ? [] : [{ signal, value, graceMs: grace(signal), ...(reclaim !== undefined && { reclaim }) }];
  });
  return [...of(evictionHard, () => 0), ...of(evictionSoft, (signal) => parseDuration(evictionSoftGracePeriod[signal] ?? '0'))].sort((a, b) => ORDER.indexOf(a.signal) - ORDER.indexOf(b.signal));
}

/** Hard and soft thresholds of one signal are met, and left behind, each by itself. */
export function thresholdKey({ signal, graceMs }: Pick<Threshold, 'signal' | 'graceMs'>): string {
  return `${signal} ${String(graceMs)}`;
}

const DEFAULTS = thresholdsOf(DEFAULT_CONFIGURATION);

/** The node's condition and the resource in messages, of each signal. */
export const MEANING: Readonly<Record<Signal, { condition: 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'; resource: string }>> = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory' },
  'allocatableMemory.available': { condition: 'MemoryPressure', resource: 'memory' },
  'nodefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' },
  'imagefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'pid.available': { condition: 'PIDPressure', resource: 'pids' },
};

export interface Shortage extends Observation {
  threshold: number;
  graceMs: number;
}

/** A file system without a count of inodes has no shortage of them. `met`: of these (by `thresholdKey`) some must be won back beyond the threshold. */
export function shortagesOf(observations: readonly Observation[], thresholds: readonly Threshold[] = DEFAULTS, met: ReadonlySet<string> = new Set()): Shortage[] {
  return thresholds.flatMap(({ signal, value, reclaim, graceMs }): Shortage[] => {
    const observed = observations.find((observation) => observation.signal === signal);
    if (observed === undefined || observed.capacity === 0) return [];
    const threshold = amountOf(value, observed.capacity);
    const wanted = threshold + (reclaim !== undefined && met.has(thresholdKey({ signal, graceMs })) ? amountOf(reclaim, observed.capacity) : 0);
    return observed.available < wanted ? [{ ...observed, threshold, graceMs }] : [];
  });
}

/** `pods`: of the cgroup that all pods are in. */
export function createObserver({ nodeDir, imagesDir, pods }: { nodeDir: string; imagesDir: string; pods?: MemoryFiles }): () => Observation[] {
  const tree = openCgroupTree();
  const allocatable = (): Observation[] => {
    const within = pods === undefined ? undefined : withinLimit(pods);
    return within === undefined ? [] : [{ signal: 'allocatableMemory.available', ...within }];
  };
  return () => {
    const memory = memoryAvailable(tree);
    const [node, images] = [fileSystemOf(nodeDir), fileSystemOf(imagesDir)];
    const { max, current } = processesOf();
    return [
      { signal: 'memory.available', ...memory }, ...allocatable(),
      { signal: 'nodefs.available', available: node.availableBytes, capacity: node.capacityBytes }, { signal: 'nodefs.inodesFree', available: node.inodesFree, capacity: node.inodes },
      { signal: 'imagefs.available', available: images.availableBytes, capacity: images.capacityBytes }, { signal: 'imagefs.inodesFree', available: images.inodesFree, capacity: images.inodes },
      { signal: 'pid.available', available: max - current, capacity: max },
    ];
  };
}

interface MemoryFiles {
  version: 1 | 2;
  directory: string;
}

/** Of the machine, or of the cgroup that this process stands in where that has less. */
function memoryAvailable(tree: CgroupTree): { available: number; capacity: number } {
  const machine = machineMemory();
  const own = { available: machine.totalBytes - machine.workingSetBytes, capacity: machine.totalBytes };
  const within = withinLimit({ version: tree.version, directory: tree.directory('', 'memory') });
  return within === undefined || within.capacity >= machine.totalBytes ? own : { available: Math.min(own.available, within.available), capacity: within.capacity };
}

/** What a cgroup may still use; undefined where it has no limit. */
function withinLimit({ version, directory }: MemoryFiles): { available: number; capacity: number } | undefined {
  const number = (file: string): number => Number(readFileIfThere(`${directory}/${file}`)?.trim() ?? '');
  const capacity = number(version === 1 ? 'memory.limit_in_bytes' : 'memory.max');
  if (!Number.isFinite(capacity) || capacity <= 0) return undefined;
  const inactive = Number(new RegExp(`^${version === 1 ? 'total_inactive_file' : 'inactive_file'} (\\d+)`, 'm').exec(readFileIfThere(`${directory}/memory.stat`) ?? '')?.[1] ?? '0');
  return { available: capacity - Math.max(0, number(version === 1 ? 'memory.usage_in_bytes' : 'memory.current') - inactive), capacity };
}
