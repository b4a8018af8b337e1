// Which pod goes first when the node runs short: those that use more than they asked for, then lower priority, then by how much more they
// use than they asked for (upstream's order). Pure.
import { formatQuantityBytes } from './words.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { quantityValue } from '../../../internal/api/quantity.ts';
import { podRequest } from '../cgroups/pod-resources.ts';
import type { DiskUse, PodUsage } from '../stats/usage.ts';
import { MEANING, type Shortage } from './signals.ts';

export interface Candidate {
  pod: Pod;
  usage: PodUsage | undefined;
  /** Layers, logs and emptyDirs; only known under disk pressure. */
  disk: DiskUse;
  /** Logs of each container, likewise. */
  logBytes?: ReadonlyMap<string, number>;
}

export function rank(candidates: readonly Candidate[], { signal }: Pick<Shortage, 'signal'>): Candidate[] {
  const { condition, resource } = MEANING[signal];
  const priority = ({ pod }: Candidate): number => pod.spec.priority ?? 0;
  if (condition === 'PIDPressure') return [...candidates].sort((a, b) => priority(a) - priority(b) || (b.usage?.processes ?? 0) - (a.usage?.processes ?? 0));
  const [name, used] = condition === 'MemoryPressure'
    ? ['memory', ({ usage }: Candidate) => usage?.memoryWorkingSetBytes ?? Infinity] as const
    : resource === 'inodes' ? ['inodes', ({ disk }: Candidate) => disk.inodes] as const : ['ephemeral-storage', ({ disk }: Candidate) => disk.bytes] as const;
  const over = (candidate: Candidate): number => used(candidate) - podRequest(candidate.pod, name);
  const exceeds = (candidate: Candidate): number => (over(candidate) > 0 ? 0 : 1);
  return [...candidates].sort((a, b) => exceeds(a) - exceeds(b) || priority(a) - priority(b) || (over(a) === over(b) ? 0 : over(b) - over(a)));
}

export function evictionMessage({ pod, usage, logBytes }: Candidate, { signal, threshold, available }: Shortage): string {
  const { resource } = MEANING[signal];
  const inBytes = resource === 'memory' || resource === 'ephemeral-storage';
  const words = (value: number): string => (inBytes ? formatQuantityBytes(value) : String(value));
  const details = (usage?.containers ?? []).flatMap(({ status, stats }) => {
    const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === status.config.name);
    const used = resource === 'memory' ? stats.memoryWorkingSetBytes : resource === 'ephemeral-storage' ? stats.rootfsUsedBytes + (logBytes?.get(status.config.name) ?? 0) : 0;
    const asked = spec?.resources?.requests?.[resource] ?? '0';
    return spec === undefined || used <= quantityValue(asked) ? [] : [`Container ${spec.name} was using ${words(used)}, request is ${asked}, has larger consumption of ${resource}. `];
  });
  const whole = pod.spec.resources?.requests?.[resource];
  const ofPod = resource !== 'memory' || whole === undefined || usage === undefined ? '' : `Pod ${pod.metadata.name} was using ${words(usage.memoryWorkingSetBytes)}, request is ${whole}, has larger consumption of ${resource}. `;
  return `The node was low on resource: ${resource}. Threshold quantity: ${words(threshold)}, available: ${words(available)}. ${ofPod}${details.join('')}`;
}
