// What of the node runs short, by upstream's eviction signals: readings and thresholds in, signals met out. Thresholds for disks are K3s's (5 %,
// as small boards have small disks), that for memory is upstream's.
import { readFileIfThere } from '../../../internal/base/files.ts';
import { openCgroupTree, type CgroupTree } from '../cgroups/cgroup-tree.ts';
import { fileSystemOf, machineMemory, processesOf } from '../stats/machine.ts';

export type Signal = 'memory.available' | 'nodefs.available' | 'nodefs.inodesFree' | 'imagefs.available' | 'imagefs.inodesFree' | 'pid.available';

export interface Observation {
  signal: Signal;
  available: number;
  capacity: number;
}

export interface Threshold {
  signal: Signal;
  /** In units, or as a share of the capacity. */
  bytes?: number;
  share?: number;
}

const THRESHOLDS: readonly Threshold[] = [
  { signal: 'memory.available', bytes: 100 * 1024 * 1024 }, { signal: 'nodefs.available', share: 0.05 }, { signal: 'nodefs.inodesFree', share: 0.05 },
  { signal: 'imagefs.available', share: 0.05 }, { signal: 'imagefs.inodesFree', share: 0.05 }, { signal: 'pid.available', share: 0.05 },
];

/** The node's condition and the resource in messages, of each signal. */
export const MEANING: Readonly<Record<Signal, { condition: 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'; resource: string }>> = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory' }, 'nodefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' }, 'nodefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' }, 'imagefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' }, 'pid.available': { condition: 'PIDPressure', resource: 'pids' },
};

export interface Shortage extends Observation {
  threshold: number;
}

/** Memory first, as it kills soonest. A file system without a count of inodes has no shortage of them. */
export function shortagesOf(observations: readonly Observation[], thresholds: readonly Threshold[] = THRESHOLDS): Shortage[] {
  return thresholds.flatMap(({ signal, bytes, share }): Shortage[] => {
    const observed = observations.find((observation) => observation.signal === signal);
    if (observed === undefined || observed.capacity === 0) return [];
    const threshold = bytes ?? Math.floor((share ?? 0) * observed.capacity);
    return observed.available < threshold ? [{ ...observed, threshold }] : [];
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
