// What the node has and what pods may use of it, from /proc, the file system and the cgroup that this process stands in.
import { readFileSync, readdirSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { openCgroupTree } from '../cgroups/cgroup-tree.ts';

export interface Capacity {
  capacity: Record<string, string>;
  allocatable: Record<string, string>;
  memoryBytes: number;
}

/** Upstream's default eviction threshold: what is kept from pods. */
const MEMORY_RESERVED_BYTES = 100 * 1024 * 1024;
const MAX_PODS = '110';

export function readCapacity(kubeletDir: string): Capacity {
  const memoryBytes = memoryOf();
  const { blocks, bsize } = statfsSync(kubeletDir);
  const storageBytes = blocks * bsize;
  const hugepages = hugepagesOf();
  const capacity = { cpu: String(availableParallelism()), 'ephemeral-storage': `${String(Math.floor(storageBytes / 1024))}Ki`, ...hugepages, memory: `${String(Math.floor(memoryBytes / 1024))}Ki`, pods: MAX_PODS };
  const free = Math.max(0, memoryBytes - MEMORY_RESERVED_BYTES);
  return { capacity, allocatable: { ...capacity, 'ephemeral-storage': String(Math.floor(storageBytes * 0.9)), memory: `${String(Math.floor(free / 1024))}Ki` }, memoryBytes };
}

function memoryOf(): number {
  const total = Number(/^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? '0') * 1024;
  const tree = openCgroupTree();
  const limit = readFileIfThere(`${tree.directory('', 'memory')}/${tree.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'}`);
  const bytes = Number(limit?.trim() ?? '');
  return Number.isFinite(bytes) && bytes > 0 ? Math.min(total, bytes) : total;
}

function hugepagesOf(): Record<string, string> {
  try {
    const sizes = readdirSync('/sys/kernel/mm/hugepages').map((name) => Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? '0')).filter((kb) => kb > 0);
    return Object.fromEntries(sizes.map((kb) => {
      const count = Number(readFileSync(`/sys/kernel/mm/hugepages/hugepages-${String(kb)}kB/nr_hugepages`, 'utf8'));
      return [`hugepages-${kb >= 1048576 ? `${String(kb / 1048576)}Gi` : `${String(kb / 1024)}Mi`}`, count === 0 ? '0' : `${String(count * kb)}Ki`];
    }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** The lowest oom_score_adj this process may give to a child: without CAP_SYS_RESOURCE, no lower than its own. */
export function lowestOomScoreAdj(): number {
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const CAP_SYS_RESOURCE = 24n;
  return ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n ? -1000 : Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
}
