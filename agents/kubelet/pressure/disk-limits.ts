// What pods have on disk, and who has more than its limits allow: a container its own, all of a pod together theirs, an emptyDir its size.
import { canonicalQuantity, compareQuantities, quantityValue } from '../../../internal/api/quantity.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { podLimits } from '../../../internal/kinds/pod-spec/requirements.ts';
import { folderUsage } from '../../folder-usage.ts';
import { podLogDirectory, type NodeContext } from '../node-context.ts';
import { podDiskUsage, type DiskUse, type PodUsage } from '../stats/usage.ts';

/** Why a pod goes, in words and as the metrics have it. */
export interface EvictionCause {
  message: string;
  signal: string;
}

type DiskContext = Pick<NodeContext, 'kubeletDir' | 'logsDir'>;

export function hasDiskLimit({ spec }: Pod): boolean {
  const limited = [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined);
  return limited || (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory' && compareQuantities(emptyDir.sizeLimit, '0') > 0);
}

/** Why the pod has more on disk than its limits allow. */
export function diskExcess(pod: Pod, usage: PodUsage | undefined, node: DiskContext): EvictionCause | undefined {
  const { volumes } = podDiskUsage(pod, node);
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit !== undefined && compareQuantities(limit, '0') > 0 && (volumes.get(name)?.bytes ?? 0) > quantityValue(limit)) return { signal: 'emptydirfs.limit', message: `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(canonicalQuantity(limit))}. ` };
  }
  const total = podLimits(pod)['ephemeral-storage'];
  if (total !== undefined && diskOf(pod, usage, node).bytes > quantityValue(total)) return { signal: 'ephemeralpodfs.limit', message: `Pod ephemeral local storage usage exceeds the total limit of containers ${canonicalQuantity(total)}. ` };
  for (const { status, stats } of usage?.containers ?? []) {
    const limit = pod.spec.containers.find(({ name }) => name === status.config.name)?.resources?.limits?.['ephemeral-storage'];
    const used = stats.rootfsUsedBytes + (logBytesOf(pod, node).get(status.config.name) ?? 0);
    if (limit !== undefined && quantityValue(limit) > 0 && used > quantityValue(limit)) return { signal: 'ephemeralcontainerfs.limit', message: `Container ${status.config.name} exceeded its local ephemeral storage limit ${JSON.stringify(canonicalQuantity(limit))}. ` };
  }
  return undefined;
}

/** Layers, logs and emptyDirs. */
export function diskOf(pod: Pod, usage: PodUsage | undefined, node: DiskContext): DiskUse {
  const { volumes, logs } = podDiskUsage(pod, node);
  const layers = (usage?.containers ?? []).map(({ stats }) => ({ bytes: stats.rootfsUsedBytes, inodes: stats.rootfsInodes }));
  return [...volumes.values(), ...layers].reduce((sum, { bytes, inodes }) => ({ bytes: sum.bytes + bytes, inodes: sum.inodes + inodes }), logs);
}

/** By container. */
export function logBytesOf(pod: Pod, node: DiskContext): Map<string, number> {
  return new Map([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => [name, folderUsage(`${podLogDirectory(node, pod)}/${name}`).bytes]));
}
