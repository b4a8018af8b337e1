// /stats/summary (stats/v1alpha1): what node, pods and containers use. Rates need two readings: they are over the time since the last request,
// and left out of the first one.
import { formatTime } from '../../../internal/api/meta.ts';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { bootTimeMs, fileSystemOf, folderUsage, machineCpuNanos, machineMemory, networkOf, processesOf, type FileSystem, type NetworkInterface } from './machine.ts';
import { podDiskUsage, usageOfPods, usageOfVolumes, type ContainerUsage, type DiskUse, type PodUsage } from './usage.ts';

export interface Summaries {
  /** `onlyCpuAndMemory`: without the walk over file systems. */
  read(onlyCpuAndMemory: boolean): Promise<object>;
}

export function createSummaries({ node, pods }: { node: NodeContext; pods: Pods }): Summaries {
  let readings = new Map<string, { nanos: number; at: number }>();

  return {
    async read(onlyCpuAndMemory) {
      const now = node.clock.now();
      const next: typeof readings = new Map();
      const cpu = (key: string, nanos: number): object => {
        const before = readings.get(key);
        next.set(key, { nanos, at: now });
        const rate = before === undefined || before.at === now || nanos < before.nanos ? undefined : Math.round(((nanos - before.nanos) * 1000) / (now - before.at));
        return { time: formatTime(now), ...(rate !== undefined && { usageNanoCores: rate }), usageCoreNanoSeconds: nanos };
      };
      const disk = onlyCpuAndMemory ? undefined : fileSystemOf(node.kubeletDir);
      const usage = await usageOfPods(node);
      const summary = { node: nodeStats(node, { now, cpu, disk }), pods: await Promise.all(usage.map((pod) => podStats(pod, { now, cpu, disk, node, pods }))) };
      readings = next;
      return summary;
    },
  };
}

interface Reading {
  now: number;
  cpu(key: string, nanos: number): object;
  disk: FileSystem | undefined;
}

function nodeStats({ nodeName, images }: NodeContext, { now, cpu, disk }: Reading): object {
  const time = formatTime(now);
  const memory = machineMemory();
  const { max, current } = processesOf();
  const imageBytes = images.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    nodeName, startTime: formatTime(bootTimeMs()), cpu: cpu('node', machineCpuNanos()),
    memory: { time, availableBytes: memory.totalBytes - memory.workingSetBytes, usageBytes: memory.usageBytes, workingSetBytes: memory.workingSetBytes, rssBytes: memory.rssBytes, pageFaults: memory.pageFaults, majorPageFaults: memory.majorPageFaults },
    swap: { time, swapAvailableBytes: memory.swapTotalBytes - memory.swapUsageBytes, swapUsageBytes: memory.swapUsageBytes },
    ...(disk !== undefined && {
      network: networkStats(networkOf('self'), time), fs: { time, ...disk }, rlimit: { time, maxpid: max, curproc: current },
      runtime: { imageFs: { time, ...disk, usedBytes: imageBytes }, containerFs: { time, ...disk } },
    }),
  };
}

function networkStats(interfaces: readonly NetworkInterface[], time: string): object {
  const told = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({ name, rxBytes, rxErrors, txBytes, txErrors }));
  const first = told.find(({ name }) => name === 'eth0') ?? told[0];
  return { time, ...first, interfaces: told };
}

async function podStats(pod: PodUsage, { now, cpu, disk, node, pods }: Reading & { node: NodeContext; pods: Pods }): Promise<object> {
  const time = formatTime(now);
  const spec = pods.workers().find(({ pod: { metadata } }) => metadata.uid === pod.uid)?.pod;
  const used = disk === undefined || spec === undefined ? undefined : podDiskUsage(spec, node);
  const volumes = disk === undefined ? [] : await volumeStats(pod, { disk, time, own: used?.volumes ?? new Map(), node, pods });
  const stores = [...(used?.volumes.values() ?? []), ...(used === undefined ? [] : [used.logs]), ...pod.containers.map(({ stats }) => ({ bytes: stats.rootfsUsedBytes, inodes: stats.rootfsInodes }))];
  return {
    podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid }, startTime: formatTime(pod.startedAt),
    containers: pod.containers.map((container) => containerStats(container, { now, cpu, disk, logFolder: spec === undefined ? undefined : `${node.logsDir}/${pod.namespace}_${pod.name}_${pod.uid}/${container.status.config.name}` })),
    cpu: cpu(pod.uid, pod.cpuUsageNanos), memory: memoryStats(pod, time),
    ...(disk !== undefined && {
      ...(pod.network.length > 0 && { network: networkStats(pod.network, time) }),
      ...(volumes.length > 0 && { volume: volumes }),
      'ephemeral-storage': fsStats(disk, { bytes: stores.reduce((sum, { bytes }) => sum + bytes, 0), inodes: stores.reduce((sum, { inodes }) => sum + inodes, 0) }, time),
      process_stats: { process_count: pod.processes },
    }),
  };
}

async function volumeStats({ uid }: PodUsage, { disk, time, own, node, pods }: { disk: FileSystem; time: string; own: ReadonlyMap<string, DiskUse>; node: NodeContext; pods: Pods }): Promise<object[]> {
  return [
    ...[...own].map(([name, use]) => ({ name, ...fsStats(disk, use, time) })),
    ...(await usageOfVolumes(pods, node, uid)).map(({ volume, claim, namespace, fileSystem }) => ({ name: volume, ...(claim !== undefined && { pvcRef: { name: claim, namespace } }), time, ...fileSystem })),
  ];
}

function containerStats({ status, stats }: ContainerUsage, { now, cpu, disk, logFolder }: Reading & { logFolder: string | undefined }): object {
  const time = formatTime(now);
  return {
    name: status.config.name, startTime: formatTime(status.startedAt), cpu: cpu(stats.id, stats.cpuUsageNanos), memory: memoryStats(stats, time),
    ...(disk !== undefined && { rootfs: fsStats(disk, { bytes: stats.rootfsUsedBytes, inodes: stats.rootfsInodes }, time), ...(logFolder !== undefined && { logs: fsStats(disk, folderUsage(logFolder), time) }) }),
  };
}

function memoryStats(usage: Pick<PodUsage, 'memoryUsageBytes' | 'memoryWorkingSetBytes' | 'memoryRssBytes' | 'pageFaults' | 'majorPageFaults'>, time: string): object {
  return { time, usageBytes: usage.memoryUsageBytes, workingSetBytes: usage.memoryWorkingSetBytes, rssBytes: usage.memoryRssBytes, pageFaults: usage.pageFaults, majorPageFaults: usage.majorPageFaults };
}

function fsStats({ availableBytes, capacityBytes, inodesFree, inodes }: FileSystem, { bytes, inodes: inodesUsed }: DiskUse, time: string): object {
  return { time, availableBytes, capacityBytes, usedBytes: bytes, inodesFree, inodes, inodesUsed };
}
