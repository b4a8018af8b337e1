// What /metrics/cadvisor has a row for: the machine (`/`), all pods together, each class of pods, each pod, each container. Read when asked.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP_MOUNT } from '../../cgroup-root.ts';
import { CGROUP_NAMES } from '../cgroups/cgroup-names.ts';
import { LABEL } from '../labels.ts';
import type { NodeContext } from '../node-context.ts';
import { readCgroupLimits, type CgroupReadLimits } from './cgroup-limits.ts';
import { openFilesLimit, readCgroupProcesses, type CgroupProcesses } from './cgroup-processes.ts';
import { readCgroup, type CgroupReading } from './cgroup-readings.ts';
import { deviceOf, devices, machineFileSystems, type Devices, type MountedFileSystem } from './file-systems.ts';
import { bootTimeMs, fileSystemOf, machineCpu, machineMemory, networkOf, processesOf, type NetworkInterface } from './machine.ts';
import type { ContainerUsage, PodUsage } from './usage.ts';

export interface Row {
  labels: Readonly<Record<string, string>>;
  /** Epoch ms. */
  at: number;
  startedAt: number;
  reading: CgroupReading;
  limits: CgroupReadLimits;
  processes: CgroupProcesses;
  /** Of the first process. */
  openFilesMax?: number;
  network: readonly NetworkInterface[];
  /** Of the machine only. */
  fileSystems: readonly MountedFileSystem[];
  /** What a container has written above its image. */
  layer?: { device: string; usedBytes: number; capacityBytes: number };
  devices: Devices;
}

type RowNode = Pick<NodeContext, 'cgroups' | 'runtime' | 'clock' | 'kubeletDir' | 'memoryDir'>;
type Shared = Pick<Row, 'at' | 'devices'>;

const NONE = { container: '', image: '', name: '', namespace: '', pod: '' };

export function cadvisorRows(pods: readonly PodUsage[], node: RowNode): Row[] {
  const shared: Shared = { at: node.clock.now(), devices: devices() };
  const levels = Object.values(CGROUP_NAMES[node.cgroups.driver].parents).map((id): Row => ({ ...cgroupRow(id, shared, node), labels: { ...NONE, id } }));
  const disk = { device: deviceOf(node.kubeletDir, shared.devices), capacityBytes: fileSystemOf(node.kubeletDir).capacityBytes };
  return [machineRow(shared, node), ...levels, ...pods.flatMap((pod) => {
    const path = pathOf(pod.uid, node);
    const own: Row = { ...cgroupRow(path, shared, node), labels: { ...NONE, id: path, namespace: pod.namespace, pod: pod.name }, startedAt: pod.startedAt, network: pod.network };
    return [own, ...pod.containers.map((container) => containerRow(container, { pod, path, shared, disk }, node))];
  })];
}

function cgroupRow(path: string, shared: Shared, { cgroups }: Pick<NodeContext, 'cgroups'>): Omit<Row, 'labels'> {
  const directory = (controller: string): string => cgroups.directory(path, controller);
  return {
    ...shared, reading: readCgroup(directory, cgroups.version), limits: readCgroupLimits(directory, cgroups.version), processes: readCgroupProcesses(directory('cpu')),
    startedAt: statSync(directory('cpu'), { throwIfNoEntry: false })?.mtimeMs ?? 0, network: [], fileSystems: [],
  };
}

function containerRow({ status, stats }: ContainerUsage, { pod, path, shared, disk }: { pod: PodUsage; path: string; shared: Shared; disk: { device: string; capacityBytes: number } }, node: RowNode): Row {
  const { id, pid, startedAt, config } = status;
  const cgroup = cgroupOf(path, id, node.cgroups);
  const openFilesMax = pid === undefined ? undefined : openFilesLimit(pid);
  return {
    ...cgroupRow(cgroup, shared, node), startedAt, layer: { ...disk, usedBytes: stats.rootfsUsedBytes }, ...(openFilesMax !== undefined && { openFilesMax }),
    labels: { container: config.labels[LABEL.containerName] ?? config.name, id: cgroup, image: config.imageName, name: id, namespace: pod.namespace, pod: pod.name },
  };
}

/** The top of the hierarchy counts little of memory itself, and limits nothing. */
function machineRow(shared: Shared, { cgroups: { version }, kubeletDir, memoryDir }: RowNode): Row {
  const { totalBytes, swapTotalBytes, usageBytes, workingSetBytes, rssBytes, swapUsageBytes, pageFaults, majorPageFaults, oomKills } = machineMemory();
  const directory = (controller: string): string => join(CGROUP_MOUNT, version === 2 ? '' : controller);
  const openFilesMax = openFilesLimit(1);
  return {
    ...shared, labels: { ...NONE, id: '/' }, startedAt: bootTimeMs(), processes: readCgroupProcesses(directory('cpu')), network: networkOf('self'), fileSystems: machineFileSystems(shared.devices, [kubeletDir, memoryDir]),
    reading: { ...readCgroup(directory, version), ...machineCpu(), memoryBytes: usageBytes, workingSetBytes, rssBytes, swapBytes: swapUsageBytes, pageFaults, majorPageFaults, oomKills, threads: processesOf().current },
    limits: { ...readCgroupLimits(directory, version), memory: { limitBytes: totalBytes, swapLimitBytes: swapTotalBytes, reservationBytes: 0 } }, ...(openFilesMax !== undefined && { openFilesMax }),
  };
}

export function pathOf(uid: string, { runtime }: Pick<NodeContext, 'runtime'>): string {
  return runtime.listSandboxes().find(({ config }) => config.uid === uid)?.config.cgroupParent ?? '';
}

/** Each runtime has its own prefix for the scopes it has systemd make. */
export function cgroupOf(pod: string, id: string, { driver, children }: NodeContext['cgroups']): string {
  return `${pod}/${driver === 'systemd' ? children(pod).find((name) => name.endsWith(`-${id}.scope`)) ?? id : id}`;
}
