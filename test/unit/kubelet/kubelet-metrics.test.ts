// /metrics of the kubelet: what it counts of its own work comes out as Prometheus reads it; its families are upstream's.
import t from 'tap';
import { COUNTED, createCounts, sizeLabel } from '../../../agents/kubelet/stats/counts.ts';
import { kubeletMetrics } from '../../../agents/kubelet/stats/metrics.ts';
import { measuredRuntime } from '../../../agents/kubelet/stats/measured.ts';
import { toldReason } from '../../../agents/kubelet/stats/pod-counts.ts';
import { octetsIn, processMetrics } from '../../../agents/kubelet/stats/process.ts';
import { createWorkerTimes } from '../../../agents/kubelet/stats/worker-times.ts';
import type { Runtime } from '../../../agents/runtime/runtime.ts';

/** Families of upstream's kubelet 1.36.3 with what is told here (pkg/kubelet/metrics, a scrape), without those that have no sample before something is done. */
const UPSTREAM_TOLD = `kubelet_active_pods kubelet_admission_rejections_total kubelet_cgroup_manager_duration_seconds kubelet_cgroup_version kubelet_containers_per_pod_count kubelet_desired_pods kubelet_evictions kubelet_http_requests_duration_seconds
kubelet_http_requests_total kubelet_image_pull_duration_seconds kubelet_managed_ephemeral_containers kubelet_mirror_pods kubelet_node_name kubelet_pod_start_duration_seconds kubelet_pod_status_sync_duration_seconds
kubelet_pod_worker_duration_seconds kubelet_pod_worker_start_duration_seconds kubelet_preemptions kubelet_run_podsandbox_duration_seconds kubelet_run_podsandbox_errors_total kubelet_running_containers kubelet_running_pods
kubelet_runtime_operations_duration_seconds kubelet_runtime_operations_errors_total kubelet_runtime_operations_total kubelet_started_containers_errors_total kubelet_started_containers_total kubelet_started_pods_errors_total
kubelet_started_pods_total kubelet_started_user_namespaced_pods_errors_total kubelet_started_user_namespaced_pods_total kubelet_terminated_containers_total kubelet_working_pods kubernetes_build_info process_cpu_seconds_total
process_max_fds process_network_receive_bytes_total process_network_transmit_bytes_total process_open_fds process_resident_memory_bytes process_start_time_seconds process_virtual_memory_bytes process_virtual_memory_max_bytes`.split(/\s+/);

/** Of the rest of a scrape of upstream's, what nothing here stands for, and what is not counted yet. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'kubelet_pleg_*, kubelet_evented_pleg_*': 'nothing is listed again and again here: the runtime tells',
  'kubelet_cpu_manager_*, kubelet_memory_manager_*, kubelet_topology_manager_*': 'no such managers here: their policies are `none`',
  'kubelet_imagemanager_*, kubelet_image_manager_*': 'caches of upstream\'s own records',
  'kubelet_orphan_pod_*, kubelet_orphaned_runtime_pods_total, kubelet_restarted_pods_total': 'sweeps that are not made',
  kubelet_metrics_provider: 'the readings are neither cAdvisor\'s nor the runtime\'s', kubelet_pod_watch_events_dropped_total: 'of a channel that is not there',
  'go_*, workqueue_*': 'of Go, of client-go\'s queues',
  'kubelet_pod_start_sli_duration_seconds, kubelet_pod_start_total_duration_seconds, kubelet_first_network_pod_start_sli_duration_seconds': 'not yet: when a status is seen by watch is not noted',
  'kubelet_node_startup_*, kubelet_graceful_shutdown_*, kubelet_image_volume_*, kubelet_pod_resize_*, kubelet_pod_in_progress_resizes, kubelet_container_requested_resizes_total, kubelet_lifecycle_handler_http_fallbacks_total': 'not yet',
  'kubelet_sleep_action_terminated_early_total, kubelet_websocket_streaming_requests_total, kubelet_http_inflight_requests, kubelet_volume_metric_collection_duration_seconds': 'not yet',
  'rest_client_*, storage_operation_duration_seconds, volume_manager_total_volumes': 'not yet: the client and the volumes do not count',
};

const clockAt = () => {
  let now = 0;
  return { clock: { monotonicMs: () => now, now: () => now }, advance: (ms: number) => { now += ms; } };
};

t.test('counters and histograms: bounds are inclusive and cumulative, labels are kept apart', (t) => {
  const counts = createCounts(clockAt().clock);
  t.equal(counts.text(), '', 'nothing before something is counted');
  counts.count('kubelet_evictions', { eviction_signal: 'memory.available' });
  counts.count('kubelet_evictions', { eviction_signal: 'memory.available' });
  counts.count('kubelet_evictions', { eviction_signal: 'a"b' });
  for (const value of [1, 2, 3, 20]) counts.observe('kubelet_containers_per_pod_count', value);
  const text = counts.text();
  t.match(text, '# TYPE kubelet_evictions counter\nkubelet_evictions{eviction_signal="memory.available"} 2\nkubelet_evictions{eviction_signal="a\\"b"} 1\n');
  t.match(text, '# TYPE kubelet_containers_per_pod_count histogram\n' + [[1, 1], [2, 2], [4, 3], [8, 3], [16, 3], ['+Inf', 4]].map(([bound, value]) => `kubelet_containers_per_pod_count_bucket{le="${String(bound)}"} ${String(value)}\n`).join('') + 'kubelet_containers_per_pod_count_sum 26\nkubelet_containers_per_pod_count_count 4\n');
  for (let code = 0; code < 1000; code++) counts.count('kubelet_terminated_containers_total', { exit_code: String(code) });
  t.equal([...counts.text().matchAll(/^kubelet_terminated_containers_total\{/gm)].length, 500, 'labels from outside do not grow without end');
  t.end();
});

t.test('operations of the runtime are counted and timed, also those that fail; its other answers pass', async (t) => {
  const { clock, advance } = clockAt();
  const counts = createCounts(clock);
  const runtime = measuredRuntime({
    info: { name: 'skiff', version: '1' }, listSandboxes: () => [],
    startContainer: () => { advance(20); return Promise.resolve(); }, stopContainer: () => { advance(3000); return Promise.reject(new Error('stuck')); }, runSandbox: () => Promise.reject(new Error('no address left')),
  } as unknown as Runtime, counts);
  await runtime.startContainer('a');
  await t.rejects(runtime.stopContainer('a', 0), { message: 'stuck' });
  await t.rejects(runtime.runSandbox({ runtimeHandler: 'kata' } as never), { message: 'no address left' });
  t.same([runtime.info.name, runtime.listSandboxes()], ['skiff', []]);
  const text = counts.text();
  t.match(text, 'kubelet_runtime_operations_total{operation_type="start_container"} 1\nkubelet_runtime_operations_total{operation_type="stop_container"} 1\nkubelet_runtime_operations_total{operation_type="run_podsandbox"} 1\n');
  t.match(text, 'kubelet_runtime_operations_errors_total{operation_type="stop_container"} 1\nkubelet_runtime_operations_errors_total{operation_type="run_podsandbox"} 1\n');
  t.match(text, 'kubelet_run_podsandbox_errors_total{runtime_handler="kata"} 1\n');
  t.match(text, 'kubelet_runtime_operations_duration_seconds_bucket{operation_type="start_container",le="0.0125"} 0\nkubelet_runtime_operations_duration_seconds_bucket{operation_type="start_container",le="0.03125"} 1\n');
  t.match(text, 'kubelet_runtime_operations_duration_seconds_sum{operation_type="stop_container"} 3\n');
});

t.test('a pod is timed from when it was first seen until it runs, once; not one that ran before', (t) => {
  const { clock, advance } = clockAt();
  const counts = createCounts(clock);
  const times = createWorkerTimes({} as never, { clock: clock as never, counts });
  advance(10);
  times.turn(() => advance(5));
  times.shows({ phase: 'Pending' });
  times.statusChanged();
  advance(2000);
  times.statusChanged();
  advance(100);
  times.statusWritten();
  times.statusWritten();
  times.updated();
  times.turn(() => times.shows({ phase: 'Running' }));
  times.turn(() => times.shows({ phase: 'Running' }));
  const before = createWorkerTimes({ status: { phase: 'Running' } } as never, { clock: clock as never, counts });
  before.shows({ phase: 'Running' });
  const text = counts.text();
  t.match(text, 'kubelet_pod_start_duration_seconds_sum 2.115\nkubelet_pod_start_duration_seconds_count 1\n');
  t.match(text, 'kubelet_pod_status_sync_duration_seconds_sum 2.1\nkubelet_pod_status_sync_duration_seconds_count 1\n');
  t.match(text, 'kubelet_pod_worker_start_duration_seconds_sum 0.01\n');
  for (const operation of ['create', 'update', 'sync']) t.match(text, `kubelet_pod_worker_duration_seconds_count{operation_type="${operation}"} 1\n`);
  t.end();
});

t.test('families are upstream\'s', async (t) => {
  const { clock } = clockAt();
  const nodeInfo = { kubeletVersion: 'v1.36.3+skiff', operatingSystem: 'linux', architecture: 'amd64' };
  const node = { nodeName: 'n1', counts: createCounts(clock), starts: { started: 1, failed: 0, ownUsersStarted: 0, ownUsersFailed: 0 }, cgroups: { version: 2 }, self: () => ({ status: { nodeInfo } }), runtime: { listContainers: () => [{ state: 'running' }], listSandboxes: () => [{ state: 'ready' }] } };
  const worker = { pod: { metadata: { uid: 'u' }, spec: { containers: [] } }, memory: { gone: false, dismantled: false, status: { phase: 'Running' } } };
  const text = await kubeletMetrics({ node: node as never, pods: { workers: () => [worker] } as never });
  const told = [...[...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name), ...COUNTED];
  t.same([...new Set(told)].sort(), [...UPSTREAM_TOLD].sort());
  t.match(text, 'kubernetes_build_info{build_date="",compiler="node",git_commit="",git_tree_state="",git_version="v1.36.3+skiff",go_version="",major="1",minor="36",platform="linux/amd64"} 1\n');
  t.match(text, 'kubelet_desired_pods{static=""} 1\nkubelet_desired_pods{static="true"} 0\n');
  t.match(text, 'kubelet_working_pods{lifecycle="sync",config="desired",static=""} 1\n');
  const patterns = Object.keys(LEFT_OUT).flatMap((names) => names.split(', ')).map((name) => new RegExp(`^${name.replace('*', '.*')}$`));
  t.same(told.filter((name) => patterns.some((pattern) => pattern.test(name))), [], 'what is left out is not told');
  t.end();
});

t.test('this process, sizes of images, reasons', (t) => {
  const value = (name: string): number => Number(new RegExp(`^process_${name} (\\S+)$`, 'm').exec(processMetrics())?.[1]);
  t.ok(value('open_fds') > 2 && value('max_fds') >= value('open_fds') && value('virtual_memory_bytes') > value('resident_memory_bytes') && value('resident_memory_bytes') > 1e7);
  t.same(octetsIn('TcpExt: SyncookiesSent SyncookiesRecv\nTcpExt: 0 0\nIpExt: InNoRoutes InTruncatedPkts InOctets OutOctets\nIpExt: 3 0 8128 512\n'), { received: 8128, sent: 512 });
  t.same([0, 10 * 2 ** 20, 10 * 2 ** 20 + 1, 2 ** 30, 2 ** 40].map(sizeLabel), ['0-10MB', '0-10MB', '10MB-100MB', '500MB-1GB', 'GT100GB']);
  t.same(['OutOfcpu', 'OutOfexample.com/gpu', 'NodeAffinity'].map(toldReason), ['OutOfcpu', 'OutOfExtendedResources', 'Other']);
  t.end();
});
