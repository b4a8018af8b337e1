// /stats/summary (stats/v1alpha1): what node, pods and containers use. Rates need two readings: they are over the time since the last request,
// and left out of the first one.
import { statSync } from 'node:fs';
import { formatTime } from '../../../internal/api/meta.ts';
import { folderUsage } from '../../folder-usage.ts';
import { CGROUP_NAMES } from '../cgroups/cgroup-names.ts';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { cgroupOf, pathOf } from './cadvisor-rows.ts';
import { readCgroupLimits } from './cgroup-limits.ts';
import { readCgroup, swapBytesIn } from './cgroup-readings.ts';
import { bootTimeMs, fileSystemOf, machineCpuNanos, machineMemory, networkOf, processesOf, type FileSystem, type NetworkInterface } from './machine.ts';
import { stallsOf, type Stalled } from './stalls.ts';
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

function nodeStats(node: NodeContext, { now, cpu, disk }: Reading): object {
  const { nodeName, images } = node;
  const time = formatTime(now);
  const memory = machineMemory();
  const { max, current } = processesOf();
  const imageBytes = images.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    nodeName, startTime: formatTime(bootTimeMs()), systemContainers: [podsStats(node, { now, cpu, disk })], cpu: { ...cpu('node', machineCpuNanos()), ...stallsOf('cpu') },
    memory: { time, availableBytes: memory.totalBytes - memory.workingSetBytes, usageBytes: memory.usageBytes, workingSetBytes: memory.workingSetBytes, rssBytes: memory.rssBytes, pageFaults: memory.pageFaults, majorPageFaults: memory.majorPageFaults, ...stallsOf('memory') },
    swap: { time, swapAvailableBytes: memory.swapTotalBytes - memory.swapUsageBytes, swapUsageBytes: memory.swapUsageBytes },
    ...(disk !== undefined && {
      io: { time, ...stallsOf('io') }, network: networkStats(networkOf('self'), time), fs: { time, ...disk }, rlimit: { time, maxpid: max, curproc: current },
      runtime: { imageFs: { time, ...disk, usedBytes: imageBytes }, containerFs: { time, ...disk } },
    }),
  };
}

/** The cgroup of all pods. */
function podsStats({ cgroups }: NodeContext, { now, cpu, disk }: Reading): object {
  const directory = (controller: string): string => cgroups.directory(CGROUP_NAMES[cgroups.driver].parents.Guaranteed, controller);
  const time = formatTime(now);
  const { cpuNanos, memoryBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults, swapBytes } = readCgroup(directory, cgroups.version);
  const limitBytes = readCgroupLimits(directory, cgroups.version).memory?.limitBytes ?? 0;
  const stalls = stallsWithin(directory(''), cgroups);
  return {
    name: 'pods', startTime: formatTime(statSync(directory('cpu'), { throwIfNoEntry: false })?.mtimeMs ?? now), cpu: { ...cpu('pods', cpuNanos), ...stalls('cpu') },
    memory: { time, ...(limitBytes > 0 && { availableBytes: limitBytes - workingSetBytes }), usageBytes: memoryBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults, ...stalls('memory') },
    swap: { time, swapUsageBytes: swapBytes }, ...(disk !== undefined && { io: { time, ...stalls('io') } }),
  };
}

/** Only cgroups v2 count them. */
function stallsWithin(directory: string, { version }: NodeContext['cgroups']): (what: Stalled) => ReturnType<typeof stallsOf> {
  return (what) => (version === 2 ? stallsOf(what, directory) : {});
}

function networkStats(interfaces: readonly NetworkInterface[], time: string): object {
  const told = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({ name, rxBytes, rxErrors, txBytes, txErrors }));
  const first = told.find(({ name }) => name === 'eth0') ?? told[0];
  return { time, ...first, interfaces: told };
}

async function podStats(pod: PodUsage, { now, cpu, disk, node, pods }: Reading & { node: NodeContext; pods: Pods }): Promise<object> {
  const time = formatTime(now);
  const spec = pods.workers().find(({ pod: { metadata } }) => metadata.uid === pod.uid)?.pod;
  const path = pathOf(pod.uid, node);
  const stalls = stallsWithin(node.cgroups.directory(path, ''), node.cgroups);
  const used = disk === undefined || spec === undefined ? undefined : podDiskUsage(spec, node);
  const volumes = disk === undefined ? [] : await volumeStats(pod, { disk, time, own: used?.volumes ?? new Map(), node, pods });
  const stores = [...(used?.volumes.values() ?? []), ...(used === undefined ? [] : [used.logs]), ...pod.containers.map(({ stats }) => ({ bytes: stats.rootfsUsedBytes, inodes: stats.rootfsInodes }))];
  return {
    podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid }, startTime: formatTime(pod.startedAt),
    containers: pod.containers.map((container) => containerStats(container, { now, cpu, disk, node, path, logFolder: spec === undefined ? undefined : `${node.logsDir}/${pod.namespace}_${pod.name}_${pod.uid}/${container.status.config.name}` })),
    cpu: { ...cpu(pod.uid, pod.cpuUsageNanos), ...stalls('cpu') }, memory: { ...memoryStats(pod, time), ...stalls('memory') }, swap: { time, swapUsageBytes: swapBytesIn(node.cgroups.directory(path, 'memory'), node.cgroups.version) },
    ...(disk !== undefined && {
      io: { time, ...stalls('io') }, ...(pod.network.length > 0 && { network: networkStats(pod.network, time) }),
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

function containerStats({ status, stats }: ContainerUsage, { now, cpu, disk, node: { cgroups }, path, logFolder }: Reading & { node: NodeContext; path: string; logFolder: string | undefined }): object {
  const time = formatTime(now);
  const directory = (controller: string): string => cgroups.directory(cgroupOf(path, status.id, cgroups), controller);
  const limitBytes = readCgroupLimits(directory, cgroups.version).memory?.limitBytes ?? 0;
  const stalls = stallsWithin(directory(''), cgroups);
  return {
    name: status.config.name, startTime: formatTime(status.startedAt), cpu: { ...cpu(stats.id, stats.cpuUsageNanos), ...stalls('cpu') },
    memory: { ...memoryStats(stats, time), ...(limitBytes > 0 && { availableBytes: Math.max(0, limitBytes - stats.memoryWorkingSetBytes) }), ...stalls('memory') }, swap: { time, swapUsageBytes: swapBytesIn(directory('memory'), cgroups.version) },
    ...(disk !== undefined && { io: { time, ...stalls('io') }, rootfs: fsStats(disk, { bytes: stats.rootfsUsedBytes, inodes: stats.rootfsInodes }, time), ...(logFolder !== undefined && { logs: fsStats(disk, folderUsage(logFolder), time) }) }),
  };
}

function memoryStats(usage: Pick<PodUsage, 'memoryUsageBytes' | 'memoryWorkingSetBytes' | 'memoryRssBytes' | 'pageFaults' | 'majorPageFaults'>, time: string): object {
  return { time, usageBytes: usage.memoryUsageBytes, workingSetBytes: usage.memoryWorkingSetBytes, rssBytes: usage.memoryRssBytes, pageFaults: usage.pageFaults, majorPageFaults: usage.majorPageFaults };
}

function fsStats({ availableBytes, capacityBytes, inodesFree, inodes }: FileSystem, { bytes, inodes: inodesUsed }: DiskUse, time: string): object {
  return { time, availableBytes, capacityBytes, usedBytes: bytes, inodesFree, inodes, inodesUsed };
}
