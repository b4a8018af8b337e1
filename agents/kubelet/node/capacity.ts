// What the node has and what pods may use of it, from /proc, the file system and the cgroup that this process stands in.
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { quantityMilliValue, quantityValue } from '../../../internal/api/quantity.ts';
import { openCgroupTree, type CgroupLimits } from '../cgroups/cgroup-tree.ts';
import { hugepageCapacity } from '../cgroups/hugepages.ts';
import { sharesOf } from '../cgroups/pod-resources.ts';
import { processesOf } from '../stats/machine.ts';
import { amountOf, DEFAULT_CONFIGURATION, type KubeletConfiguration } from '../configuration/configuration.ts';

export interface Capacity {
  capacity: Record<string, string>;
  allocatable: Record<string, string>;
  memoryBytes: number;
  /** What all pods together may use: allocatable, and what is kept free for evictions. */
  podsLimits: CgroupLimits;
}

type Reservations = Pick<KubeletConfiguration, 'maxPods' | 'podsPerCore' | 'systemReserved' | 'kubeReserved' | 'evictionHard' | 'enforceNodeAllocatable'>;

export function readCapacity(kubeletDir: string, settings: Reservations = DEFAULT_CONFIGURATION): Capacity {
  const memoryBytes = memoryOf();
  const { blocks, bsize } = statfsSync(kubeletDir);
  const storageBytes = blocks * bsize;
  const hugepages = hugepageCapacity();
  const cores = availableParallelism();
  const pods = settings.podsPerCore > 0 ? Math.min(settings.maxPods, settings.podsPerCore * cores) : settings.maxPods;
  const capacity = { cpu: String(cores), 'ephemeral-storage': `${String(Math.floor(storageBytes / 1024))}Ki`, ...hugepages, memory: `${String(Math.floor(memoryBytes / 1024))}Ki`, pods: String(pods) };
  const evictions = { memory: amountOf(settings.evictionHard['memory.available'] ?? '0', memoryBytes), storage: amountOf(settings.evictionHard['nodefs.available'] ?? '0', storageBytes) };
  const left = (name: string, has: number, kept = 0): number => Math.max(0, has - kept - reserved(name, settings));
  const hugeBytes = Object.values(hugepages).reduce((sum, amount) => sum + quantityValue(amount), 0);
  const allocatable = {
    ...capacity, cpu: cpuText(left('cpu', cores * 1000)), 'ephemeral-storage': String(Math.floor(left('ephemeral-storage', storageBytes, evictions.storage))),
    memory: `${String(Math.floor(Math.max(0, left('memory', memoryBytes, evictions.memory) - hugeBytes) / 1024))}Ki`,
  };
  return { capacity, allocatable, memoryBytes, podsLimits: podsLimits(settings.enforceNodeAllocatable.includes('pods') ? left : (_name, has) => has, { cores, memoryBytes }) };
}

/** Only what was reserved is kept from all pods together, where that is enforced: what the thresholds keep free is for evictions to act before the kernel does. */
function podsLimits(left: (name: string, has: number) => number, { cores, memoryBytes }: { cores: number; memoryBytes: number }): CgroupLimits {
  return { cpuShares: sharesOf(left('cpu', cores * 1000)), memoryLimitBytes: left('memory', memoryBytes), pidsLimit: left('pid', processesOf().max) };
}

function reserved(name: string, { systemReserved, kubeReserved }: Reservations): number {
  const value = name === 'cpu' ? quantityMilliValue : quantityValue;
  return value(systemReserved[name] ?? '0') + value(kubeReserved[name] ?? '0');
}

function cpuText(milli: number): string {
  return milli % 1000 === 0 ? String(milli / 1000) : `${String(milli)}m`;
}

function memoryOf(): number {
  const total = Number(/^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? '0') * 1024;
  const tree = openCgroupTree();
  const limit = readFileIfThere(`${tree.directory('', 'memory')}/${tree.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'}`);
  const bytes = Number(limit?.trim() ?? '');
  return Number.isFinite(bytes) && bytes > 0 ? Math.min(total, bytes) : total;
}

/** The lowest oom_score_adj this process may give to a child: without CAP_SYS_RESOURCE, no lower than its own. */
export function lowestOomScoreAdj(): number {
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const CAP_SYS_RESOURCE = 24n;
  return ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n ? -1000 : Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
}
