// /metrics/cadvisor: what each container, each pod and all together use, by the names and labels that cAdvisor gives them, as dashboards and
// alerts ask for them. Read from the cgroups when asked.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CGROUP_MOUNT } from '../../cgroup-root.ts';
import { CGROUP_NAMES } from '../cgroups/cgroup-names.ts';
import type { NodeContext } from '../node-context.ts';
import { LABEL } from '../labels.ts';
import { readCgroup, type CgroupReading } from './cgroup-readings.ts';
import { family, type Sample } from './exposition.ts';
import { bootTimeMs, machineCpuNanos, machineMemory } from './machine.ts';
import { usageOfPods, type PodUsage } from './usage.ts';

interface Row {
  labels: Record<string, string>;
  reading: CgroupReading;
  limits?: { cpuShares?: number; cpuQuota?: number; cpuPeriod?: number; memoryLimitBytes?: number };
  startedAt: number;
}

type Metric = readonly [name: string, type: 'counter' | 'gauge', help: string, value: (reading: CgroupReading) => number, more?: Record<string, string>];

const METRICS: readonly Metric[] = [
  ['container_cpu_cfs_periods_total', 'counter', 'Number of elapsed enforcement period intervals.', ({ periods }) => periods],
  ['container_cpu_cfs_throttled_periods_total', 'counter', 'Number of throttled period intervals.', ({ throttledPeriods }) => throttledPeriods],
  ['container_cpu_cfs_throttled_seconds_total', 'counter', 'Total time duration the container has been throttled.', ({ throttledNanos }) => throttledNanos / 1e9],
  ['container_cpu_system_seconds_total', 'counter', 'Cumulative system cpu time consumed in seconds.', ({ systemNanos }) => systemNanos / 1e9],
  ['container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed in seconds.', ({ cpuNanos }) => cpuNanos / 1e9, { cpu: 'total' }],
  ['container_cpu_user_seconds_total', 'counter', 'Cumulative user cpu time consumed in seconds.', ({ userNanos }) => userNanos / 1e9],
  ['container_fs_reads_bytes_total', 'counter', 'Cumulative count of bytes read', ({ readBytes }) => readBytes, { device: '' }],
  ['container_fs_reads_total', 'counter', 'Cumulative count of reads completed', ({ reads }) => reads, { device: '' }],
  ['container_fs_writes_bytes_total', 'counter', 'Cumulative count of bytes written', ({ writtenBytes }) => writtenBytes, { device: '' }],
  ['container_fs_writes_total', 'counter', 'Cumulative count of writes completed', ({ writes }) => writes, { device: '' }],
  ['container_memory_cache', 'gauge', 'Number of bytes of page cache memory.', ({ cacheBytes }) => cacheBytes],
  ['container_memory_failcnt', 'counter', 'Number of memory usage hits limits', ({ limitHits }) => limitHits],
  ['container_memory_mapped_file', 'gauge', 'Size of memory mapped files in bytes.', ({ mappedBytes }) => mappedBytes],
  ['container_memory_max_usage_bytes', 'gauge', 'Maximum memory usage recorded in bytes', ({ memoryPeakBytes }) => memoryPeakBytes],
  ['container_memory_rss', 'gauge', 'Size of RSS in bytes.', ({ rssBytes }) => rssBytes],
  ['container_memory_swap', 'gauge', 'Container swap usage in bytes.', ({ swapBytes }) => swapBytes],
  ['container_memory_usage_bytes', 'gauge', 'Current memory usage in bytes, including all memory regardless of when it was accessed', ({ memoryBytes }) => memoryBytes],
  ['container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', ({ workingSetBytes }) => workingSetBytes],
  ['container_oom_events_total', 'counter', 'Count of out of memory events observed for the container', ({ oomKills }) => oomKills],
  ['container_processes', 'gauge', 'Number of processes running inside the container.', ({ processes }) => processes],
  ['container_threads', 'gauge', 'Number of threads running inside the container', ({ processes }) => processes],
  ['container_threads_max', 'gauge', 'Maximum number of threads allowed inside the container, infinity if value is zero', ({ threadsMax }) => threadsMax],
];

const FAULTS = ['pgfault', 'pgmajfault'] as const;
const NETWORK = [
  ['container_network_receive_bytes_total', 'Cumulative count of bytes received', 'rxBytes'], ['container_network_receive_errors_total', 'Cumulative count of errors encountered while receiving', 'rxErrors'],
  ['container_network_transmit_bytes_total', 'Cumulative count of bytes transmitted', 'txBytes'], ['container_network_transmit_errors_total', 'Cumulative count of errors encountered while transmitting', 'txErrors'],
] as const;

export async function cadvisorMetrics(node: NodeContext): Promise<string> {
  const pods = await usageOfPods(node);
  const at = node.clock.now();
  const rows = rowsOf(pods, node);
  const samples = (value: (row: Row) => number | undefined, more: Record<string, string> = {}): Sample[] => rows.flatMap((row) => {
    const number = value(row);
    return number === undefined ? [] : [{ labels: { ...row.labels, ...more }, value: number, at }];
  });
  const limits = (value: (of: NonNullable<Row['limits']>) => number | undefined) => samples((row) => (row.limits === undefined ? undefined : value(row.limits)));
  return [
    family('cadvisor_version_info', 'gauge', 'A metric with a constant \'1\' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.', [{ labels: { cadvisorRevision: '', cadvisorVersion: '', dockerVersion: '', kernelVersion: '', osVersion: '' }, value: 1 }]),
    ...METRICS.map(([name, type, help, value, more]) => family(name, type, help, samples(({ reading }) => value(reading), more))),
    family('container_memory_failures_total', 'counter', 'Cumulative count of memory allocation failures.', FAULTS.flatMap((kind) => samples(({ reading }) => (kind === 'pgfault' ? reading.pageFaults : reading.majorPageFaults), { failure_type: kind, scope: 'hierarchy' }))),
    family('container_fs_usage_bytes', 'gauge', 'Number of bytes that are consumed by the container on this filesystem.', pods.flatMap((pod) => pod.containers.map((one) => ({ labels: { ...containerLabels(pod, one.status, node), device: '' }, value: one.stats.rootfsUsedBytes, at: one.stats.timestamp })))),
    ...NETWORK.map(([name, help, field]) => family(name, 'counter', help, pods.flatMap((pod) => pod.network.map((network) => ({ labels: { ...podLabels(pod, node), interface: network.name }, value: network[field], at }))))),
    family('container_last_seen', 'gauge', 'Last time a container was seen by the exporter', samples(() => Math.floor(at / 1000))),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds.', samples(({ startedAt }) => startedAt / 1000)),
    family('container_spec_cpu_period', 'gauge', 'CPU period of the container.', limits(({ cpuPeriod }) => cpuPeriod)),
    family('container_spec_cpu_quota', 'gauge', 'CPU quota of the container.', limits(({ cpuQuota = -1 }) => (cpuQuota > 0 ? cpuQuota : undefined))),
    family('container_spec_cpu_shares', 'gauge', 'CPU share of the container.', limits(({ cpuShares = 2 }) => cpuShares)),
    family('container_spec_memory_limit_bytes', 'gauge', 'Memory limit for the container.', limits(({ memoryLimitBytes = 0 }) => Math.max(0, memoryLimitBytes))),
    family('container_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [{ value: 0 }]),
    family('machine_cpu_cores', 'gauge', 'Number of logical CPU cores.', [{ value: availableParallelism(), at }]),
    family('machine_memory_bytes', 'gauge', 'Amount of memory installed on the machine.', [{ value: machineMemory().totalBytes, at }]),
    family('machine_boot_time_seconds', 'gauge', 'Start of the machine since unix epoch in seconds.', [{ value: bootTimeMs() / 1000, at }]),
  ].join('');
}

/** The machine, all pods together, each pod, each container. */
function rowsOf(pods: readonly PodUsage[], { cgroups, runtime, clock }: NodeContext): Row[] {
  const read = (path: string): CgroupReading => readCgroup((controller) => cgroups.directory(path, controller), cgroups.version);
  const none = { container: '', image: '', name: '', namespace: '', pod: '' };
  const everything: Row = { labels: { ...none, id: '/' }, reading: readMachine(cgroups.version), startedAt: bootTimeMs() };
  const shared = Object.values(CGROUP_NAMES[cgroups.driver].parents).map((id): Row => ({ labels: { ...none, id }, reading: read(id), startedAt: clock.now() }));
  return [everything, ...shared, ...pods.flatMap((pod) => {
    const path = pathOf(pod.uid, runtime);
    const own: Row = { labels: { ...none, id: path, namespace: pod.namespace, pod: pod.name }, reading: read(path), startedAt: pod.startedAt };
    return [own, ...pod.containers.map(({ status }): Row => ({ labels: containerLabels(pod, status, { runtime, cgroups }), reading: read(cgroupOf(path, status.id, cgroups)), limits: status.config.resources, startedAt: status.startedAt }))];
  })];
}

/** The top of the hierarchy counts little of memory itself. */
function readMachine(version: 1 | 2): CgroupReading {
  const { usageBytes, workingSetBytes, rssBytes, swapUsageBytes, pageFaults, majorPageFaults } = machineMemory();
  const top = readCgroup((controller) => join(CGROUP_MOUNT, version === 2 ? '' : controller), version);
  return { ...top, cpuNanos: machineCpuNanos(), memoryBytes: usageBytes, workingSetBytes, rssBytes, swapBytes: swapUsageBytes, pageFaults, majorPageFaults };
}

function pathOf(uid: string, runtime: NodeContext['runtime']): string {
  return runtime.listSandboxes().find(({ config }) => config.uid === uid)?.config.cgroupParent ?? '';
}

/** Each runtime has its own prefix for the scopes it has systemd make. */
function cgroupOf(pod: string, id: string, { driver, children }: NodeContext['cgroups']): string {
  return `${pod}/${driver === 'systemd' ? children(pod).find((name) => name.endsWith(`-${id}.scope`)) ?? id : id}`;
}

function podLabels({ uid, namespace, name }: PodUsage, { runtime }: Pick<NodeContext, 'runtime'>): Record<string, string> {
  return { container: '', id: pathOf(uid, runtime), image: '', name: '', namespace, pod: name };
}

function containerLabels(pod: PodUsage, { id, config }: PodUsage['containers'][number]['status'], node: Pick<NodeContext, 'runtime' | 'cgroups'>): Record<string, string> {
  return { container: config.labels[LABEL.containerName] ?? config.name, id: cgroupOf(pathOf(pod.uid, node.runtime), id, node.cgroups), image: config.imageName, name: id, namespace: pod.namespace, pod: pod.name };
}
