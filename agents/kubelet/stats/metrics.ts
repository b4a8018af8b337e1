// The kubelet's metrics: its own, its probes', and /metrics/resource (what metrics-server reads). Made when asked for; what must be counted meanwhile is in counts.ts.
import type { NodeContext } from '../node-context.ts';
import { isStatic, isTerminalPhase } from '../pod-spec.ts';
import type { PodWorker } from '../pod-worker.ts';
import type { Pods } from '../pods.ts';
import { cgroupOf, pathOf } from './cadvisor-rows.ts';
import { swapBytesIn } from './cgroup-readings.ts';
import { family, type Sample } from './exposition.ts';
import { machineCpuNanos, machineMemory, type FileSystem } from './machine.ts';
import { processMetrics, processStart } from './process.ts';
import { usageOfPods, usageOfVolumes, type ContainerUsage, type PodUsage } from './usage.ts';

export async function resourceMetrics(node: NodeContext): Promise<string> {
  const pods = await usageOfPods(node);
  const at = node.clock.now();
  const memory = machineMemory();
  const swapOf = (path: string): number => swapBytesIn(node.cgroups.directory(path, 'memory'), node.cgroups.version);
  const containers = pods.flatMap((pod) => pod.containers.map((container) => ({ pod, container })));
  const ofContainer = (value: (usage: ContainerUsage, pod: PodUsage) => number): Sample[] => containers.map(({ pod, container }) => ({ labels: { container: container.status.config.name, namespace: pod.namespace, pod: pod.name }, value: value(container, pod), at: container.stats.timestamp }));
  const ofPod = (value: (pod: PodUsage) => number): Sample[] => pods.map((pod) => ({ labels: { namespace: pod.namespace, pod: pod.name }, value: value(pod), at }));
  return [
    family('container_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the container in core-seconds', ofContainer(({ stats }) => stats.cpuUsageNanos / 1e9)),
    family('container_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the container in bytes', ofContainer(({ stats }) => stats.memoryWorkingSetBytes)),
    family('container_start_time_seconds', 'gauge', '[STABLE] Start time of the container since unix epoch in seconds', ofContainer(({ status }) => status.startedAt / 1000).map(({ labels = {}, value }) => ({ labels, value }))),
    family('container_swap_usage_bytes', 'gauge', '[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems', ofContainer(({ status }, pod) => swapOf(cgroupOf(pathOf(pod.uid, node), status.id, node.cgroups)))),
    family('node_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the node in core-seconds', [{ value: machineCpuNanos() / 1e9, at }]),
    family('node_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the node in bytes', [{ value: memory.workingSetBytes, at }]),
    family('node_swap_usage_bytes', 'gauge', '[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems', [{ value: memory.swapUsageBytes, at }]),
    family('pod_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the pod in core-seconds', ofPod((pod) => pod.cpuUsageNanos / 1e9)),
    family('pod_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the pod in bytes', ofPod((pod) => pod.memoryWorkingSetBytes)),
    family('pod_swap_usage_bytes', 'gauge', '[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems', ofPod(({ uid }) => swapOf(pathOf(uid, node)))),
    family('resource_scrape_error', 'gauge', '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', [{ value: 0 }]),
  ].join('');
}

/** How probes went, of the containers that run. */
export function probeMetrics(pods: Pods): string {
  const samples = pods.workers().flatMap(({ pod, memory }) => [...memory.probers].flatMap(([, { counts, container }]) => [...counts].map(([key, value]): Sample => {
    const [type = '', result = ''] = key.split(' ');
    return { labels: { container, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name, pod_uid: pod.metadata.uid, probe_type: type, result }, value };
  })));
  return processStart('[ALPHA] ') + family('prober_probe_total', 'counter', '[ALPHA] Cumulative number of a liveness, readiness or startup probe for a container by result.', samples);
}

export async function kubeletMetrics({ node, pods }: { node: NodeContext; pods: Pods }): Promise<string> {
  return [podMetrics(node, pods), await volumeMetrics(node, pods), node.counts.text(), buildInfo(node), processMetrics()].join('');
}

const CONTAINER_STATES = ['created', 'exited', 'running', 'unknown'] as const;

function podMetrics({ nodeName, runtime, starts, cgroups }: NodeContext, pods: Pods): string {
  const workers = pods.workers();
  const containers = runtime.listContainers();
  const gauge = (name: string, help: string, samples: readonly Sample[]): string => family(name, 'gauge', `[ALPHA] ${help}`, samples);
  const counter = (name: string, help: string, value: number): string => family(name, 'counter', `[ALPHA] ${help}`, [{ value }]);
  const byStatic = (of: (worker: PodWorker) => boolean): Sample[] => ['', 'true'].map((told) => ({ labels: { static: told }, value: workers.filter((worker) => of(worker) && isStatic(worker.pod) === (told === 'true')).length }));
  const desired = ({ memory }: PodWorker): boolean => !memory.gone;
  const active = ({ memory }: PodWorker): boolean => !memory.gone && !memory.dismantled && !isTerminalPhase(memory.status.phase);
  return [
    gauge('kubelet_node_name', 'The node\'s name. The count is always 1.', [{ labels: { node: nodeName }, value: 1 }]),
    gauge('kubelet_cgroup_version', 'cgroup version on the hosts.', [{ value: cgroups.version }]),
    gauge('kubelet_running_pods', 'Number of pods that have a running pod sandbox', [{ value: runtime.listSandboxes().filter(({ state }) => state === 'ready').length }]),
    gauge('kubelet_running_containers', 'Number of containers currently running', CONTAINER_STATES.map((state) => ({ labels: { container_state: state }, value: containers.filter((container) => container.state === state).length }))),
    gauge('kubelet_active_pods', 'The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.', byStatic(active)),
    gauge('kubelet_desired_pods', 'The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.', byStatic(desired)),
    gauge('kubelet_mirror_pods', 'The number of mirror pods the kubelet will try to create (one per admitted static pod)', [{ value: workers.filter(({ pod }) => isStatic(pod)).length }]),
    gauge('kubelet_managed_ephemeral_containers', 'Current number of ephemeral containers in pods managed by this kubelet.', [{ value: workers.reduce((sum, { pod }) => sum + (pod.spec.ephemeralContainers ?? []).length, 0) }]),
    gauge('kubelet_working_pods', 'Number of pods the kubelet is actually running, broken down by lifecycle phase, whether the pod is desired, orphaned, or runtime only (also orphaned), and whether the pod is static. An orphaned pod has been removed from local configuration or force deleted in the API and consumes resources that are not otherwise visible.', LIFECYCLES.flatMap((lifecycle) => ['desired', 'orphan'].flatMap((config) =>
      byStatic((worker) => lifecycleOf(worker) === lifecycle && desired(worker) === (config === 'desired')).map(({ labels, value }) => ({ labels: { lifecycle, config, ...labels }, value }))))),
    counter('kubelet_started_pods_total', 'Cumulative number of pods started', starts.started),
    counter('kubelet_started_pods_errors_total', 'Cumulative number of errors when starting pods', starts.failed),
    counter('kubelet_started_user_namespaced_pods_total', 'Cumulative number of pods with user namespaces started. This metric will only be collected on Linux.', starts.ownUsersStarted),
    counter('kubelet_started_user_namespaced_pods_errors_total', 'Cumulative number of errors when starting pods with user namespaces. This metric will only be collected on Linux.', starts.ownUsersFailed),
  ].join('');
}

const LIFECYCLES = ['sync', 'terminating', 'terminated'] as const;

function lifecycleOf({ memory }: PodWorker): (typeof LIFECYCLES)[number] {
  return memory.dismantled ? 'terminated' : memory.ending !== undefined ? 'terminating' : 'sync';
}

async function volumeMetrics(node: NodeContext, pods: Pods): Promise<string> {
  const claims = (await usageOfVolumes(pods, node)).flatMap(({ claim, ...usage }) => (claim === undefined ? [] : [{ claim, ...usage }]));
  const ofClaims = (name: string, help: string, field: keyof FileSystem): string =>
    family(`kubelet_volume_stats_${name}`, 'gauge', `[ALPHA] ${help}`, claims.map(({ namespace, claim, fileSystem }) => ({ labels: { namespace, persistentvolumeclaim: claim }, value: fileSystem[field] })));
  return [
    ofClaims('available_bytes', 'Number of available bytes in the volume', 'availableBytes'), ofClaims('capacity_bytes', 'Capacity in bytes of the volume', 'capacityBytes'), ofClaims('inodes', 'Maximum number of inodes in the volume', 'inodes'),
    ofClaims('inodes_free', 'Number of free inodes in the volume', 'inodesFree'), ofClaims('inodes_used', 'Number of used inodes in the volume', 'inodesUsed'), ofClaims('used_bytes', 'Number of used bytes in the volume', 'usedBytes'),
  ].join('');
}

/** What is not so here (Go, a commit of Kubernetes) is empty. */
function buildInfo({ self }: NodeContext): string {
  const { kubeletVersion = '', operatingSystem = '', architecture = '' } = self?.()?.status?.nodeInfo ?? {};
  if (kubeletVersion === '') return '';
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(kubeletVersion) ?? [];
  const labels = { build_date: '', compiler: 'node', git_commit: '', git_tree_state: '', git_version: kubeletVersion, go_version: '', major, minor, platform: `${operatingSystem}/${architecture}` };
  return family('kubernetes_build_info', 'gauge', '[BETA] A metric with a constant \'1\' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.', [{ labels, value: 1 }]);
}
