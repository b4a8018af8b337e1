// The kubelet's metrics: its own, its probes', and /metrics/resource (what metrics-server reads). Made when asked for; no registry is kept.
import { readFileSync } from 'node:fs';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { family, type Sample } from './exposition.ts';
import { bootTimeMs, machineCpuNanos, machineMemory, type FileSystem } from './machine.ts';
import { usageOfPods, usageOfVolumes, type ContainerUsage, type PodUsage } from './usage.ts';

export async function resourceMetrics(node: NodeContext): Promise<string> {
  const pods = await usageOfPods(node);
  const at = node.clock.now();
  const memory = machineMemory();
  const containers = pods.flatMap((pod) => pod.containers.map((container) => ({ pod, container })));
  const ofContainer = (value: (usage: ContainerUsage) => number): Sample[] => containers.map(({ pod, container }) => ({ labels: { container: container.status.config.name, namespace: pod.namespace, pod: pod.name }, value: value(container), at: container.stats.timestamp }));
  const ofPod = (value: (pod: PodUsage) => number): Sample[] => pods.map((pod) => ({ labels: { namespace: pod.namespace, pod: pod.name }, value: value(pod), at }));
  return [
    family('container_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the container in core-seconds', ofContainer(({ stats }) => stats.cpuUsageNanos / 1e9)),
    family('container_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the container in bytes', ofContainer(({ stats }) => stats.memoryWorkingSetBytes)),
    family('container_start_time_seconds', 'gauge', '[STABLE] Start time of the container since unix epoch in seconds', ofContainer(({ status }) => status.startedAt / 1000)),
    family('node_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the node in core-seconds', [{ value: machineCpuNanos() / 1e9, at }]),
    family('node_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the node in bytes', [{ value: memory.workingSetBytes, at }]),
    family('node_swap_usage_bytes', 'gauge', '[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems', [{ value: memory.swapUsageBytes, at }]),
    family('pod_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the pod in core-seconds', ofPod((pod) => pod.cpuUsageNanos / 1e9)),
    family('pod_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the pod in bytes', ofPod((pod) => pod.memoryWorkingSetBytes)),
    family('resource_scrape_error', 'gauge', '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', [{ value: 0 }]),
  ].join('');
}

/** How probes went, of the containers that run. */
export function probeMetrics(pods: Pods): string {
  const samples = pods.workers().flatMap(({ pod, memory }) => [...memory.probers].flatMap(([, { counts, container }]) => [...counts].map(([key, value]): Sample => {
    const [type = '', result = ''] = key.split(' ');
    return { labels: { container, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name, pod_uid: pod.metadata.uid, probe_type: type, result }, value };
  })));
  return family('prober_probe_total', 'counter', '[ALPHA] Cumulative number of a liveness, readiness or startup probe for a container by result.', samples);
}

export async function kubeletMetrics({ node, pods }: { node: NodeContext; pods: Pods }): Promise<string> {
  const containers = node.runtime.listContainers();
  const { starts } = node;
  const states = ['created', 'exited', 'running', 'unknown'] as const;
  const claims = (await usageOfVolumes(pods, node)).flatMap(({ claim, ...usage }) => (claim === undefined ? [] : [{ claim, ...usage }]));
  const ofClaims = (field: keyof FileSystem): Sample[] => claims.map(({ namespace, claim, fileSystem }) => ({ labels: { namespace, persistentvolumeclaim: claim }, value: fileSystem[field] }));
  const self = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
  return [
    family('kubelet_node_name', 'gauge', '[ALPHA] The node\'s name. The count is always 1.', [{ labels: { node: node.nodeName }, value: 1 }]),
    family('kubelet_running_pods', 'gauge', '[ALPHA] Number of pods that have a running pod sandbox', [{ value: node.runtime.listSandboxes().filter(({ state }) => state === 'ready').length }]),
    family('kubelet_running_containers', 'gauge', '[ALPHA] Number of containers currently running', states.map((state) => ({ labels: { container_state: state }, value: containers.filter((container) => container.state === state).length }))),
    family('kubelet_active_pods', 'gauge', '[ALPHA] The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.', [{ labels: { static: '' }, value: pods.workers().length }]),
    family('kubelet_started_pods_total', 'counter', '[ALPHA] Cumulative number of pods started', [{ value: starts.started }]),
    family('kubelet_started_pods_errors_total', 'counter', '[ALPHA] Cumulative number of errors when starting pods', [{ value: starts.failed }]),
    family('kubelet_started_user_namespaced_pods_total', 'counter', '[ALPHA] Cumulative number of pods with user namespaces started. This metric will only be collected on Linux.', [{ value: starts.ownUsersStarted }]),
    family('kubelet_started_user_namespaced_pods_errors_total', 'counter', '[ALPHA] Cumulative number of errors when starting pods with user namespaces. This metric will only be collected on Linux.', [{ value: starts.ownUsersFailed }]),
    family('kubelet_volume_stats_available_bytes', 'gauge', '[ALPHA] Number of available bytes in the volume', ofClaims('availableBytes')),
    family('kubelet_volume_stats_capacity_bytes', 'gauge', '[ALPHA] Capacity in bytes of the volume', ofClaims('capacityBytes')),
    family('kubelet_volume_stats_inodes', 'gauge', '[ALPHA] Maximum number of inodes in the volume', ofClaims('inodes')),
    family('kubelet_volume_stats_inodes_free', 'gauge', '[ALPHA] Number of free inodes in the volume', ofClaims('inodesFree')),
    family('kubelet_volume_stats_inodes_used', 'gauge', '[ALPHA] Number of used inodes in the volume', ofClaims('inodesUsed')),
    family('kubelet_volume_stats_used_bytes', 'gauge', '[ALPHA] Number of used bytes in the volume', ofClaims('usedBytes')),
    family('process_cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.', [{ value: ((self[11] ?? 0) + (self[12] ?? 0)) / 100 }]),
    family('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', [{ value: (self[21] ?? 0) * 4096 }]),
    family('process_start_time_seconds', 'gauge', 'Start time of the process since unix epoch in seconds.', [{ value: bootTimeMs() / 1000 + (self[19] ?? 0) / 100 }]),
  ].join('');
}
