// Families of /metrics/cadvisor by the names that cAdvisor gives them (google/cadvisor, metrics/prometheus.go; the set that the kubelet turns on), each with
// how it is told of a row. Left out, because nothing true could be said: container_cpu_load_average_10s and container_cpu_load_d_average_10s (only a reader that
// upstream leaves off would know; it says 0), of container_tasks_state the state `iowaiting` (likewise). Times of devices are seconds here; upstream takes the
// kernel's milliseconds for nanoseconds.
import type { Row } from './cadvisor-rows.ts';
import type { CgroupReading, Pressed } from './cgroup-readings.ts';
import type { DeviceCounts, MountedFileSystem } from './file-systems.ts';
import type { NetworkInterface } from './machine.ts';

export interface RowValue {
  value: number;
  labels?: Readonly<Record<string, string>>;
}

export interface CadvisorFamily {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  values(row: Row): readonly RowValue[];
  /** Told without the time of the reading: it does not change with it. */
  isTimeless?: true;
}

const one = (value: number | undefined): RowValue[] => (value === undefined ? [] : [{ value }]);
const read = (name: string, type: 'counter' | 'gauge', help: string, value: (reading: CgroupReading) => number): CadvisorFamily => ({ name, type, help, values: ({ reading }) => one(value(reading)) });

const CPU: readonly CadvisorFamily[] = [
  read('container_cpu_system_seconds_total', 'counter', 'Cumulative system cpu time consumed in seconds.', ({ systemNanos }) => systemNanos / 1e9),
  { name: 'container_cpu_usage_seconds_total', type: 'counter', help: 'Cumulative cpu time consumed in seconds.', values: ({ reading }) => [{ labels: { cpu: 'total' }, value: reading.cpuNanos / 1e9 }] },
  read('container_cpu_user_seconds_total', 'counter', 'Cumulative user cpu time consumed in seconds.', ({ userNanos }) => userNanos / 1e9),
  // Only where there is a limit that could throttle.
  ...([
    ['burst_periods', 'Number of periods when burst occurs.', ({ burstPeriods }) => burstPeriods], ['burst_seconds', 'Total time duration the container has been bursted.', ({ burstNanos }) => burstNanos / 1e9],
    ['periods', 'Number of elapsed enforcement period intervals.', ({ periods }) => periods],
    ['throttled_periods', 'Number of throttled period intervals.', ({ throttledPeriods }) => throttledPeriods], ['throttled_seconds', 'Total time duration the container has been throttled.', ({ throttledNanos }) => throttledNanos / 1e9],
  ] satisfies [string, string, (reading: CgroupReading) => number][]).map(([name, help, value]): CadvisorFamily => ({ name: `container_cpu_cfs_${name}_total`, type: 'counter', help, values: ({ reading, limits }) => (limits.cpuQuota === undefined ? [] : one(value(reading))) })),
];

const MEMORY: readonly CadvisorFamily[] = [
  read('container_memory_cache', 'gauge', 'Number of bytes of page cache memory.', ({ cacheBytes }) => cacheBytes),
  read('container_memory_failcnt', 'counter', 'Number of memory usage hits limits', ({ limitHits }) => limitHits),
  {
    name: 'container_memory_failures_total', type: 'counter', help: 'Cumulative count of memory allocation failures.',
    values: ({ reading }) => [['pgfault', reading.pageFaults] as const, ['pgmajfault', reading.majorPageFaults] as const].flatMap(([kind, value]) => ['container', 'hierarchy'].map((scope) => ({ labels: { failure_type: kind, scope }, value }))),
  },
  read('container_memory_kernel_usage', 'gauge', 'Size of kernel memory allocated in bytes.', ({ kernelBytes }) => kernelBytes),
  read('container_memory_mapped_file', 'gauge', 'Size of memory mapped files in bytes.', ({ mappedBytes }) => mappedBytes),
  read('container_memory_max_usage_bytes', 'gauge', 'Maximum memory usage recorded in bytes', ({ memoryPeakBytes }) => memoryPeakBytes),
  read('container_memory_rss', 'gauge', 'Size of RSS in bytes.', ({ rssBytes }) => rssBytes),
  read('container_memory_swap', 'gauge', 'Container swap usage in bytes.', ({ swapBytes }) => swapBytes),
  read('container_memory_total_active_file_bytes', 'gauge', 'Current total active file in bytes.', ({ activeFileBytes }) => activeFileBytes),
  read('container_memory_total_inactive_file_bytes', 'gauge', 'Current total inactive file in bytes.', ({ inactiveFileBytes }) => inactiveFileBytes),
  read('container_memory_usage_bytes', 'gauge', 'Current memory usage in bytes, including all memory regardless of when it was accessed', ({ memoryBytes }) => memoryBytes),
  read('container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', ({ workingSetBytes }) => workingSetBytes),
  read('container_oom_events_total', 'counter', 'Count of out of memory events observed for the container', ({ oomKills }) => oomKills),
];

const ofFileSystems = (name: string, type: 'counter' | 'gauge', help: string, value: (of: MountedFileSystem) => number): CadvisorFamily => ({
  name, type, help, values: ({ fileSystems }) => fileSystems.map((one) => ({ labels: { device: one.device }, value: value(one) })),
});
const ofDevices = (name: string, type: 'counter' | 'gauge', help: string, value: (of: DeviceCounts) => number): CadvisorFamily => ofFileSystems(name, type, help, ({ io }) => value(io));
const bytesOf = (name: string, help: string, operation: string): CadvisorFamily => ({
  name, type: 'counter', help, values: ({ reading, devices }) => reading.disks.map(({ device, bytes }) => ({ labels: { device: devices.get(device)?.name ?? device }, value: bytes[operation] ?? 0 })),
});
/** Of the machine by its file systems, of what is in cgroups by the devices they asked. */
const operationsOf = (name: string, help: string, { operation, counted }: { operation: string; counted: 'reads' | 'writes' }): CadvisorFamily => ({
  name, type: 'counter', help,
  values: ({ reading, devices, fileSystems }) => (fileSystems.length > 0
    ? fileSystems.map(({ device, io }) => ({ labels: { device }, value: io[counted] }))
    : reading.disks.map(({ device, operations }) => ({ labels: { device: devices.get(device)?.name ?? device }, value: operations[operation] ?? 0 }))),
});
const ofLayer = (name: string, help: string, { layer, machine }: { layer(of: NonNullable<Row['layer']>): number; machine(of: MountedFileSystem): number }): CadvisorFamily => ({
  name, type: 'gauge', help, values: (row) => (row.layer === undefined ? row.fileSystems.map((one) => ({ labels: { device: one.device }, value: machine(one) })) : [{ labels: { device: row.layer.device }, value: layer(row.layer) }]),
});

const DISKS: readonly CadvisorFamily[] = [
  {
    name: 'container_blkio_device_usage_total', type: 'counter', help: 'Blkio Device bytes usage',
    values: ({ reading, devices }) => reading.disks.flatMap(({ device, bytes }) => {
      const [major = '', minor = ''] = device.split(':');
      return Object.entries(bytes).map(([operation, value]) => ({ labels: { device: devices.get(device)?.name ?? device, major, minor, operation }, value }));
    }),
  },
  ofFileSystems('container_fs_inodes_free', 'gauge', 'Number of available Inodes', ({ inodesFree }) => inodesFree),
  ofFileSystems('container_fs_inodes_total', 'gauge', 'Number of Inodes', ({ inodes }) => inodes),
  ofDevices('container_fs_io_current', 'gauge', 'Number of I/Os currently in progress', ({ inProgress }) => inProgress),
  ofDevices('container_fs_io_time_seconds_total', 'counter', 'Cumulative count of seconds spent doing I/Os', ({ ioMs }) => ioMs / 1000),
  ofDevices('container_fs_io_time_weighted_seconds_total', 'counter', 'Cumulative weighted I/O time in seconds', ({ weightedIoMs }) => weightedIoMs / 1000),
  ofLayer('container_fs_limit_bytes', 'Number of bytes that can be consumed by the container on this filesystem.', { layer: ({ capacityBytes }) => capacityBytes, machine: ({ capacityBytes }) => capacityBytes }),
  ofDevices('container_fs_read_seconds_total', 'counter', 'Cumulative count of seconds spent reading', ({ readMs }) => readMs / 1000),
  bytesOf('container_fs_reads_bytes_total', 'Cumulative count of bytes read', 'Read'),
  ofDevices('container_fs_reads_merged_total', 'counter', 'Cumulative count of reads merged', ({ readsMerged }) => readsMerged),
  operationsOf('container_fs_reads_total', 'Cumulative count of reads completed', { operation: 'Read', counted: 'reads' }),
  ofDevices('container_fs_sector_reads_total', 'counter', 'Cumulative count of sector reads completed', ({ sectorsRead }) => sectorsRead),
  ofDevices('container_fs_sector_writes_total', 'counter', 'Cumulative count of sector writes completed', ({ sectorsWritten }) => sectorsWritten),
  ofLayer('container_fs_usage_bytes', 'Number of bytes that are consumed by the container on this filesystem.', { layer: ({ usedBytes }) => usedBytes, machine: ({ usedBytes }) => usedBytes }),
  ofDevices('container_fs_write_seconds_total', 'counter', 'Cumulative count of seconds spent writing', ({ writeMs }) => writeMs / 1000),
  bytesOf('container_fs_writes_bytes_total', 'Cumulative count of bytes written', 'Write'),
  ofDevices('container_fs_writes_merged_total', 'counter', 'Cumulative count of writes merged', ({ writesMerged }) => writesMerged),
  operationsOf('container_fs_writes_total', 'Cumulative count of writes completed', { operation: 'Write', counted: 'writes' }),
];

const NETWORK = ([
  ['receive_bytes', 'bytes received', 'rxBytes'], ['receive_errors', 'errors encountered while receiving', 'rxErrors'], ['receive_packets_dropped', 'packets dropped while receiving', 'rxDropped'], ['receive_packets', 'packets received', 'rxPackets'],
  ['transmit_bytes', 'bytes transmitted', 'txBytes'], ['transmit_errors', 'errors encountered while transmitting', 'txErrors'], ['transmit_packets_dropped', 'packets dropped while transmitting', 'txDropped'], ['transmit_packets', 'packets transmitted', 'txPackets'],
] satisfies [string, string, Exclude<keyof NetworkInterface, 'name'>][]).map(([name, help, field]): CadvisorFamily => ({
  name: `container_network_${name}_total`, type: 'counter', help: `Cumulative count of ${help}`, values: ({ network }) => network.map((one) => ({ labels: { interface: one.name }, value: one[field] })),
}));

const PROCESSES: readonly CadvisorFamily[] = [
  { name: 'container_file_descriptors', type: 'gauge', help: 'Number of open file descriptors for the container.', values: ({ processes }) => one(processes.fileDescriptors) },
  { name: 'container_processes', type: 'gauge', help: 'Number of processes running inside the container.', values: ({ processes }) => one(processes.processes) },
  { name: 'container_sockets', type: 'gauge', help: 'Number of open sockets for the container.', values: ({ processes }) => one(processes.sockets) },
  { name: 'container_tasks_state', type: 'gauge', help: 'Number of tasks in given state', values: ({ processes }) => Object.entries(processes.tasks).map(([state, value]) => ({ labels: { state }, value })) },
  read('container_threads', 'gauge', 'Number of threads running inside the container', ({ threads }) => threads),
  read('container_threads_max', 'gauge', 'Maximum number of threads allowed inside the container, infinity if value is zero', ({ threadsMax }) => threadsMax),
  { name: 'container_ulimits_soft', type: 'gauge', help: 'Soft ulimit values for the container root process. Unlimited if -1, except priority and nice', values: ({ openFilesMax }) => (openFilesMax === undefined ? [] : [{ labels: { ulimit: 'max_open_files' }, value: openFilesMax }]) },
];

const PRESSURE = ([['cpu', 'CPU'], ['io', 'IO'], ['memory', 'memory']] satisfies [Pressed, string][]).flatMap(([what, word]): CadvisorFamily[] => [
  { name: `container_pressure_${what}_stalled_seconds_total`, type: 'counter', help: `Total time duration no tasks in the container could make progress due to ${word} congestion.`, values: ({ reading: { pressure } }) => (pressure === undefined ? [] : one(pressure[what].fullMicros / 1e6)) },
  { name: `container_pressure_${what}_waiting_seconds_total`, type: 'counter', help: `Total time duration tasks in the container have waited due to ${word} congestion.`, values: ({ reading: { pressure } }) => (pressure === undefined ? [] : one(pressure[what].someMicros / 1e6)) },
]);

const STANDING = ([
  ['container_spec_cpu_period', 'CPU period of the container.', ({ limits }) => limits.cpuPeriod],
  ['container_spec_cpu_quota', 'CPU quota of the container.', ({ limits }) => limits.cpuQuota],
  ['container_spec_cpu_shares', 'CPU share of the container.', ({ limits }) => limits.cpuShares],
  ['container_spec_memory_limit_bytes', 'Memory limit for the container.', ({ limits }) => limits.memory?.limitBytes],
  ['container_spec_memory_reservation_limit_bytes', 'Memory reservation limit for the container.', ({ limits }) => limits.memory?.reservationBytes],
  ['container_spec_memory_swap_limit_bytes', 'Memory swap limit for the container.', ({ limits }) => limits.memory?.swapLimitBytes],
  ['container_start_time_seconds', 'Start time of the container since unix epoch in seconds.', ({ startedAt }) => Math.floor(startedAt / 1000)],
] satisfies [string, string, (row: Row) => number | undefined][]).map(([name, help, value]): CadvisorFamily => ({ name, type: 'gauge', help, values: (row) => one(value(row)), isTimeless: true }));

export const CADVISOR_FAMILIES: readonly CadvisorFamily[] = [
  ...CPU, ...DISKS,
  // None has a check of Docker's.
  { name: 'container_health_state', type: 'gauge', help: 'The result of the container\'s health check', values: () => one(-1) },
  { name: 'container_last_seen', type: 'gauge', help: 'Last time a container was seen by the exporter', values: ({ at }) => one(Math.floor(at / 1000)) },
  ...MEMORY, ...NETWORK, ...PRESSURE, ...PROCESSES, ...STANDING,
];
