// The kubelet's metrics in Prometheus' text format: its own, /metrics/resource (what metrics-server reads) and the part of /metrics/cadvisor
// that dashboards use. Made when asked for; no registry is kept.
import { readFileSync } from 'node:fs';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { bootTimeMs, machineCpuNanos, machineMemory, type FileSystem } from './machine.ts';
import { usageOfClaims, usageOfPods, type ContainerUsage, type PodUsage } from './usage.ts';

interface Sample {
  labels?: Record<string, string>;
  value: number;
  /** Epoch ms, where the reading is not of this moment. */
  at?: number;
}
type Type = 'counter' | 'gauge';

function family(name: string, type: Type, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels = {}, value, at }) => {
    const inner = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',');
    return `${name}${inner === '' ? '' : `{${inner}}`} ${String(value)}${at === undefined ? '' : ` ${String(at)}`}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

export async function resourceMetrics(node: NodeContext): Promise<string> {
  const pods = await usageOfPods(node);
  const at = node.clock.now();
  const memory = machineMemory();
  const containers = pods.flatMap((pod) => pod.containers.map((container) => ({ pod, container })));
  const ofContainer = (value: (usage: ContainerUsage) => number): Sample[] => containers.map(({ pod, container }) => ({ labels: { container: container.status.config.name, namespace: pod.namespace, pod: pod.name }, value: value(container), at: container.stats.timestamp }));
  const ofPod = (value: (pod: PodUsage) => number): Sample[] => pods.map((pod) => ({ labels: { namespace: pod.namespace, pod: pod.name }, value: value(pod), at }));
  return [
    family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the container in core-seconds', ofContainer(({ stats }) => stats.cpuUsageNanos / 1e9)),
    family('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes', ofContainer(({ stats }) => stats.memoryWorkingSetBytes)),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', ofContainer(({ status }) => status.startedAt / 1000)),
    family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [{ value: machineCpuNanos() / 1e9, at }]),
    family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [{ value: memory.workingSetBytes, at }]),
    family('node_swap_usage_bytes', 'gauge', 'Current swap usage of the node in bytes', [{ value: memory.swapUsageBytes, at }]),
    family('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', ofPod((pod) => pod.cpuUsageNanos / 1e9)),
    family('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', ofPod((pod) => pod.memoryWorkingSetBytes)),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [{ value: 0 }]),
  ].join('');
}

export async function cadvisorMetrics(node: NodeContext): Promise<string> {
  const pods = await usageOfPods(node);
  const rows = pods.flatMap((pod) => pod.containers.map((container) => ({ container, labels: containerLabels(pod, container) })));
  const ofContainer = (value: (usage: ContainerUsage) => number, more: Record<string, string> = {}): Sample[] => rows.map(({ container, labels }) => ({ labels: { ...labels, ...more }, value: value(container), at: container.stats.timestamp }));
  const ofNetwork = (field: 'rxBytes' | 'txBytes' | 'rxErrors' | 'txErrors'): Sample[] => pods.flatMap((pod) => pod.network.map((network) => ({
    labels: { container: '', id: `/kubepods/pod${pod.uid}`, image: '', interface: network.name, name: '', namespace: pod.namespace, pod: pod.name }, value: network[field],
  })));
  return [
    family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed in seconds.', ofContainer(({ stats }) => stats.cpuUsageNanos / 1e9, { cpu: 'total' })),
    family('container_fs_usage_bytes', 'gauge', 'Number of bytes that are consumed by the container on this filesystem.', ofContainer(({ stats }) => stats.rootfsUsedBytes, { device: '' })),
    family('container_last_seen', 'gauge', 'Last time a container was seen by the exporter', ofContainer(({ stats }) => stats.timestamp / 1000)),
    family('container_memory_rss', 'gauge', 'Size of RSS in bytes.', ofContainer(({ stats }) => stats.memoryRssBytes)),
    family('container_memory_usage_bytes', 'gauge', 'Current memory usage in bytes, including all memory regardless of when it was accessed', ofContainer(({ stats }) => stats.memoryUsageBytes)),
    family('container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', ofContainer(({ stats }) => stats.memoryWorkingSetBytes)),
    family('container_network_receive_bytes_total', 'counter', 'Cumulative count of bytes received', ofNetwork('rxBytes')),
    family('container_network_receive_errors_total', 'counter', 'Cumulative count of errors encountered while receiving', ofNetwork('rxErrors')),
    family('container_network_transmit_bytes_total', 'counter', 'Cumulative count of bytes transmitted', ofNetwork('txBytes')),
    family('container_network_transmit_errors_total', 'counter', 'Cumulative count of errors encountered while transmitting', ofNetwork('txErrors')),
    family('container_processes', 'gauge', 'Number of processes running inside the container.', ofContainer(({ stats }) => stats.processes)),
    family('container_spec_memory_limit_bytes', 'gauge', 'Memory limit for the container.', ofContainer(({ status }) => Math.max(0, status.config.resources.memoryLimitBytes ?? 0))),
    family('container_spec_cpu_shares', 'gauge', 'CPU share of the container.', ofContainer(({ status }) => status.config.resources.cpuShares ?? 2)),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds.', ofContainer(({ status }) => status.startedAt / 1000)),
    family('machine_memory_bytes', 'gauge', 'Amount of memory installed on the machine.', [{ value: node.memoryCapacityBytes }]),
    family('machine_boot_time_seconds', 'gauge', 'Start of the machine since unix epoch in seconds.', [{ value: bootTimeMs() / 1000 }]),
  ].join('');
}

function containerLabels({ uid, namespace, name }: PodUsage, { status }: ContainerUsage): Record<string, string> {
  return { container: status.config.name, id: `/kubepods/pod${uid}/${status.id}`, image: status.config.imageName, name: status.id, namespace, pod: name };
}

export function kubeletMetrics({ node, pods }: { node: NodeContext; pods: Pods }): string {
  const containers = node.runtime.listContainers();
  const states = ['created', 'exited', 'running', 'unknown'] as const;
  const claims = usageOfClaims(pods);
  const ofClaims = (field: keyof FileSystem): Sample[] => claims.map(({ namespace, claim, fileSystem }) => ({ labels: { namespace, persistentvolumeclaim: claim }, value: fileSystem[field] }));
  const self = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
  return [
    family('kubelet_node_name', 'gauge', 'The node\'s name. The count is always 1.', [{ labels: { node: node.nodeName }, value: 1 }]),
    family('kubelet_running_pods', 'gauge', 'Number of pods that have a running pod sandbox', [{ value: node.runtime.listSandboxes().filter(({ state }) => state === 'ready').length }]),
    family('kubelet_running_containers', 'gauge', 'Number of containers currently running', states.map((state) => ({ labels: { container_state: state }, value: containers.filter((container) => container.state === state).length }))),
    family('kubelet_active_pods', 'gauge', 'The number of pods the kubelet considers active', [{ labels: { static: '' }, value: pods.workers().length }]),
    family('kubelet_volume_stats_available_bytes', 'gauge', 'Number of available bytes in the volume', ofClaims('availableBytes')),
    family('kubelet_volume_stats_capacity_bytes', 'gauge', 'Capacity in bytes of the volume', ofClaims('capacityBytes')),
    family('kubelet_volume_stats_inodes', 'gauge', 'Maximum number of inodes in the volume', ofClaims('inodes')),
    family('kubelet_volume_stats_inodes_free', 'gauge', 'Number of free inodes in the volume', ofClaims('inodesFree')),
    family('kubelet_volume_stats_inodes_used', 'gauge', 'Number of used inodes in the volume', ofClaims('inodesUsed')),
    family('kubelet_volume_stats_used_bytes', 'gauge', 'Number of used bytes in the volume', ofClaims('usedBytes')),
    family('process_cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.', [{ value: ((self[11] ?? 0) + (self[12] ?? 0)) / 100 }]),
    family('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', [{ value: (self[21] ?? 0) * 4096 }]),
    family('process_start_time_seconds', 'gauge', 'Start time of the process since unix epoch in seconds.', [{ value: bootTimeMs() / 1000 + (self[19] ?? 0) / 100 }]),
  ].join('');
}
