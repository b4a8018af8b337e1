// What of the node runs short, by upstream's eviction signals: readings and thresholds in, signals met out.
import { parseDuration } from '../../../internal/api/duration.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { openCgroupTree, type CgroupTree } from '../cgroups/cgroup-tree.ts';
import { amountOf, DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';
import { fileSystemOf, machineMemory, processesOf } from '../stats/machine.ts';

export type Signal = 'memory.available' | 'nodefs.available' | 'nodefs.inodesFree' | 'imagefs.available' | 'imagefs.inodesFree' | 'pid.available';

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

/** Memory first, as it kills soonest; hard ones before soft ones. */
const ORDER: readonly Signal[] = ['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree', 'pid.available'];

export function thresholdsOf({ evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim }: Pick<KubeletConfiguration, 'evictionHard' | 'evictionSoft' | 'evictionSoftGracePeriod' | 'evictionMinimumReclaim'>): Threshold[] {
  const of = (values: Readonly<Record<string, string>>, grace: (signal: string) => number): Threshold[] => ORDER.flatMap((signal) => {
    const [value, reclaim] = [values[signal], evictionMinimumReclaim[signal]];
    // 0 and 100 % are how a threshold is turned off.
    return value === undefined || value === '0%' || value === '100%' ? [] : [{ signal, value, graceMs: grace(signal), ...(reclaim !== undefined && { reclaim }) }];
  });
  return [...of(evictionHard, () => 0), ...of(evictionSoft, (signal) => parseDuration(evictionSoftGracePeriod[signal] ?? '0'))];
}

const DEFAULTS = thresholdsOf(DEFAULT_CONFIGURATION);

/** The node's condition and the resource in messages, of each signal. */
export const MEANING: Readonly<Record<Signal, { condition: 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'; resource: string }>> = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory' }, 'nodefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' }, 'nodefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' }, 'imagefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' }, 'pid.available': { condition: 'PIDPressure', resource: 'pids' },
};

export interface Shortage extends Observation {
  threshold: number;
  graceMs: number;
}

/** A file system without a count of inodes has no shortage of them. `met`: of these signals some must be won back beyond the threshold. */
export function shortagesOf(observations: readonly Observation[], thresholds: readonly Threshold[] = DEFAULTS, met: ReadonlySet<string> = new Set()): Shortage[] {
  return thresholds.flatMap(({ signal, value, reclaim, graceMs }): Shortage[] => {
    const observed = observations.find((observation) => observation.signal === signal);
    if (observed === undefined || observed.capacity === 0) return [];
    const threshold = amountOf(value, observed.capacity);
    const wanted = threshold + (reclaim !== undefined && met.has(signal) ? amountOf(reclaim, observed.capacity) : 0);
    return observed.available < wanted ? [{ ...observed, threshold, graceMs }] : [];
  });
}

export function createObserver({ nodeDir, imagesDir }: { nodeDir: string; imagesDir: string }): () => Observation[] {
  const tree = openCgroupTree();
  return () => {
    const memory = memoryAvailable(tree);
    const [node, images] = [fileSystemOf(nodeDir), fileSystemOf(imagesDir)];
    const { max, current } = processesOf();
    return [
      { signal: 'memory.available', ...memory },
      { signal: 'nodefs.available', available: node.availableBytes, capacity: node.capacityBytes }, { signal: 'nodefs.inodesFree', available: node.inodesFree, capacity: node.inodes },
      { signal: 'imagefs.available', available: images.availableBytes, capacity: images.capacityBytes }, { signal: 'imagefs.inodesFree', available: images.inodesFree, capacity: images.inodes },
      { signal: 'pid.available', available: max - current, capacity: max },
    ];
  };
}

/** Of the machine, or of the cgroup that this process stands in where that has less. */
function memoryAvailable(tree: CgroupTree): { available: number; capacity: number } {
  const machine = machineMemory();
  const own = { available: machine.totalBytes - machine.workingSetBytes, capacity: machine.totalBytes };
  const directory = tree.directory('', 'memory');
  const number = (file: string): number => Number(readFileIfThere(`${directory}/${file}`)?.trim() ?? '');
  const limit = number(tree.version === 1 ? 'memory.limit_in_bytes' : 'memory.max');
  if (!Number.isFinite(limit) || limit <= 0 || limit >= machine.totalBytes) return own;
  const inactive = Number(new RegExp(`^${tree.version === 1 ? 'total_inactive_file' : 'inactive_file'} (\\d+)`, 'm').exec(readFileIfThere(`${directory}/memory.stat`) ?? '')?.[1] ?? '0');
  const used = number(tree.version === 1 ? 'memory.usage_in_bytes' : 'memory.current') - inactive;
  return { available: Math.min(own.available, limit - used), capacity: limit };
}
