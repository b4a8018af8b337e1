// What every pod uses now: the runtime's readings put together by pod. The basis of /stats/summary, the metrics, and eviction.
import { existsSync } from 'node:fs';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { folderUsage } from '../../folder-usage.ts';
import type { ContainerStats, ContainerStatus } from '../../runtime/runtime.ts';
import { LABEL } from '../labels.ts';
import { podDirectory, podLogDirectory, type NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { remoteFileSystem, remoteMountOf } from '../volumes/remote.ts';
import type { MountedVolume } from '../volumes/volume.ts';
import { fileSystemOf, networkOf, type FileSystem, type NetworkInterface } from './machine.ts';

export interface ContainerUsage {
  status: ContainerStatus;
  stats: ContainerStats;
}

/** Of a pod as much as of its containers together. */
const SUMMED = ['cpuUsageNanos', 'memoryUsageBytes', 'memoryWorkingSetBytes', 'memoryRssBytes', 'pageFaults', 'majorPageFaults', 'processes'] as const;

export interface PodUsage extends Pick<ContainerStats, (typeof SUMMED)[number]> {
  namespace: string;
  name: string;
  uid: string;
  containers: ContainerUsage[];
  startedAt: number;
  network: NetworkInterface[];
}

export async function usageOfPods({ runtime }: Pick<NodeContext, 'runtime'>): Promise<PodUsage[]> {
  const pods = new Map<string, PodUsage>();
  const hostNetwork = new Set(runtime.listSandboxes().filter(({ config }) => config.hostNetwork).map(({ id }) => id));
  for (const stats of await runtime.stats()) {
    const status = runtime.status(stats.id);
    if (status === undefined) continue;
    const { labels } = status.config;
    const uid = labels[LABEL.podUid] ?? '';
    const pod = pods.get(uid) ?? emptyUsage(uid, labels);
    pods.set(uid, pod);
    pod.containers.push({ status, stats });
    for (const name of SUMMED) pod[name] += stats[name];
    pod.startedAt = pod.startedAt === 0 ? status.startedAt : Math.min(pod.startedAt, status.startedAt);
    if (pod.network.length === 0 && status.pid !== undefined && !hostNetwork.has(status.sandboxId)) pod.network = networkOf(status.pid);
  }
  return [...pods.values()];
}

function emptyUsage(uid: string, labels: Record<string, string>): PodUsage {
  return {
    uid, namespace: labels[LABEL.podNamespace] ?? '', name: labels[LABEL.podName] ?? '', containers: [], network: [], startedAt: 0,
    cpuUsageNanos: 0, memoryUsageBytes: 0, memoryWorkingSetBytes: 0, memoryRssBytes: 0, pageFaults: 0, majorPageFaults: 0, processes: 0,
  };
}

export interface DiskUse {
  bytes: number;
  inodes: number;
}

/** What the pod has on the node's disk beside its containers' own layers: emptyDirs and logs. */
export function podDiskUsage(pod: Pick<Pod, 'metadata' | 'spec'>, node: Pick<NodeContext, 'kubeletDir' | 'logsDir'>): { volumes: Map<string, DiskUse>; logs: DiskUse } {
  const onDisk = (pod.spec.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined && emptyDir.medium !== 'Memory');
  return {
    volumes: new Map(onDisk.map(({ name }) => [name, folderUsage(`${podDirectory(node, pod.metadata.uid)}/volumes/kubernetes.io~empty-dir/${name}`)])),
    logs: folderUsage(podLogDirectory(node, pod)),
  };
}

export interface VolumeUsage {
  uid: string;
  namespace: string;
  /** The pod's own name for the volume. */
  volume: string;
  /** Absent of a volume that the pod brings with it. */
  claim?: string;
  fileSystem: FileSystem;
}

/** File systems behind claims of the pods, NFS volumes, and whatever a CSI driver tells of its volumes. */
export async function usageOfVolumes(pods: Pods, node: Pick<NodeContext, 'csi'>, uid?: string): Promise<VolumeUsage[]> {
  const asked = pods.workers().filter(({ pod }) => uid === undefined || pod.metadata.uid === uid);
  const all = asked.flatMap(({ pod: { metadata }, memory }) => (memory.standing?.volumes ?? []).map(async (volume): Promise<VolumeUsage[]> => {
    const fileSystem = await fileSystemBehind(volume, metadata.uid, node);
    return fileSystem === undefined ? [] : [{ uid: metadata.uid, namespace: metadata.namespace ?? '', volume: volume.name, ...(volume.claim !== undefined && { claim: volume.claim }), fileSystem }];
  }));
  return (await Promise.all(all)).flat();
}

/** A driver that fails here says so where its volumes are mounted; of a server that does not answer nothing is told. */
async function fileSystemBehind({ name, claim, hostPath, stats, block }: MountedVolume, uid: string, { csi }: Pick<NodeContext, 'csi'>): Promise<FileSystem | undefined> {
  if (stats === 'csi') return csi.loaded()?.stats(uid, name).catch(() => undefined);
  const isTold = block !== true && (claim !== undefined || hostPath.includes('/kubernetes.io~nfs/'));
  const remote = isTold ? remoteMountOf(hostPath) : undefined;
  if (remote !== undefined) return remoteFileSystem(remote);
  return isTold && existsSync(hostPath) ? fileSystemOf(hostPath) : undefined;
}
