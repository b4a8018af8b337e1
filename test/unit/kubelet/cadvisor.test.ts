// Families of /metrics/cadvisor are upstream's: all that its kubelet tells of, but what is left out on purpose.
import { join } from 'node:path';
import t from 'tap';
import { CADVISOR_FAMILIES } from '../../../agents/kubelet/stats/cadvisor-families.ts';
import { cadvisorMetrics } from '../../../agents/kubelet/stats/cadvisor.ts';
import { V1, V2 } from '../../support/cgroup-files.ts';

/** Of a kubelet 1.36.3 (a scrape), and what its cAdvisor tells besides where a machine has it: pressure, devices' bytes, io.cost. */
const UPSTREAM = `cadvisor_version_info container_blkio_device_usage_total container_cpu_cfs_burst_periods_total container_cpu_cfs_burst_seconds_total container_cpu_cfs_periods_total container_cpu_cfs_throttled_periods_total
container_cpu_cfs_throttled_seconds_total container_cpu_load_average_10s container_cpu_load_d_average_10s container_cpu_system_seconds_total container_cpu_usage_seconds_total container_cpu_user_seconds_total container_file_descriptors
container_fs_inodes_free container_fs_inodes_total container_fs_io_cost_indebt_seconds_total container_fs_io_cost_indelay_seconds_total container_fs_io_cost_usage_seconds_total container_fs_io_cost_wait_seconds_total container_fs_io_current
container_fs_io_time_seconds_total container_fs_io_time_weighted_seconds_total container_fs_limit_bytes container_fs_read_seconds_total container_fs_reads_bytes_total container_fs_reads_merged_total container_fs_reads_total
container_fs_sector_reads_total container_fs_sector_writes_total container_fs_usage_bytes container_fs_write_seconds_total container_fs_writes_bytes_total container_fs_writes_merged_total container_fs_writes_total container_health_state
container_last_seen container_memory_cache container_memory_failcnt container_memory_failures_total container_memory_kernel_usage container_memory_mapped_file container_memory_max_usage_bytes container_memory_rss container_memory_swap
container_memory_total_active_file_bytes container_memory_total_inactive_file_bytes container_memory_usage_bytes container_memory_working_set_bytes container_network_receive_bytes_total container_network_receive_errors_total
container_network_receive_packets_dropped_total container_network_receive_packets_total container_network_transmit_bytes_total container_network_transmit_errors_total container_network_transmit_packets_dropped_total
container_network_transmit_packets_total container_oom_events_total container_pressure_cpu_stalled_seconds_total container_pressure_cpu_waiting_seconds_total container_pressure_io_stalled_seconds_total
container_pressure_io_waiting_seconds_total container_pressure_memory_stalled_seconds_total container_pressure_memory_waiting_seconds_total container_processes container_scrape_error container_sockets container_spec_cpu_period
container_spec_cpu_quota container_spec_cpu_shares container_spec_memory_limit_bytes container_spec_memory_reservation_limit_bytes container_spec_memory_swap_limit_bytes container_start_time_seconds container_tasks_state
container_threads container_threads_max container_ulimits_soft machine_cpu_books machine_cpu_cores machine_cpu_drawers machine_cpu_physical_cores machine_cpu_sockets machine_memory_bytes machine_nvm_avg_power_budget_watts
machine_nvm_capacity machine_scrape_error machine_swap_bytes`.split(/\s+/);

const LEFT_OUT: Readonly<Record<string, string>> = {
  container_cpu_load_average_10s: 'a reader would have to look every few seconds; upstream\'s kubelet has it off and says 0',
  container_cpu_load_d_average_10s: 'likewise',
  container_fs_io_cost_indebt_seconds_total: 'counted only under the io.cost controller\'s debugging', container_fs_io_cost_indelay_seconds_total: 'likewise',
  container_fs_io_cost_usage_seconds_total: 'likewise', container_fs_io_cost_wait_seconds_total: 'likewise',
  machine_nvm_avg_power_budget_watts: 'read by a library that upstream\'s builds are without: they say 0', machine_nvm_capacity: 'likewise',
};

type Node = Parameters<typeof cadvisorMetrics>[0];

/** A node with one container, whose cgroup's files are these and whose first process is this one. */
function nodeOf(folder: string, version: 1 | 2): Node {
  const config = { name: 'main', imageName: 'registry.test/a:1', labels: { 'io.kubernetes.container.name': 'main', 'io.kubernetes.pod.name': 'p', 'io.kubernetes.pod.namespace': 'default', 'io.kubernetes.pod.uid': 'u' } };
  const stats = { id: 'c1', timestamp: 5000, cpuUsageNanos: 1, memoryUsageBytes: 1, memoryWorkingSetBytes: 1, memoryRssBytes: 1, pageFaults: 1, majorPageFaults: 1, rootfsUsedBytes: 4096, rootfsInodes: 1, processes: 1 };
  return {
    clock: { now: () => 5000 }, kubeletDir: folder, memoryDir: join(folder, 'memory'),
    cgroups: { driver: 'cgroupfs', version, children: () => [], directory: (_: string, controller: string) => (version === 2 ? join(folder, 'v2') : join(folder, 'v1', controller)) },
    runtime: {
      info: { name: 'skiff', version: '1' }, listSandboxes: () => [{ id: 's1', config: { uid: 'u', hostNetwork: false, cgroupParent: '/kubepods/podu' } }], stats: () => Promise.resolve([stats]),
      status: () => ({ id: 'c1', sandboxId: 's1', pid: process.pid, startedAt: 4500, config }),
    },
  } as unknown as Node;
}

function samplesOf(text: string): Map<string, string> {
  const samples = new Map<string, string>();
  for (const line of text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
    const [, series = '', value = ''] = /^(\w+(?:\{.*\})?) (\S+)(?: \d+)?$/.exec(line) ?? [];
    if (series === '' || samples.has(series)) throw new Error(`not a sample, or told twice: ${line}`);
    samples.set(series, value);
  }
  return samples;
}

for (const version of [1, 2] as const) {
  t.test(`families, with cgroups of v${String(version)}`, async (t) => {
    const folder = t.testdir({ v1: V1, v2: V2 });
    const text = await cadvisorMetrics(nodeOf(folder, version));
    const samples = samplesOf(text);
    const told = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name));
    const wanted = UPSTREAM.filter((name) => LEFT_OUT[name] === undefined && !(version === 1 && name.startsWith('container_pressure_')));
    t.same([...told].filter((name) => !UPSTREAM.includes(name)), [], 'none of our own making');
    t.same(wanted.filter((name) => !told.has(name)), [], 'none is missing');
    const of = (name: string, more = ''): string | undefined => samples.get(`${name}{container="main",id="/kubepods/podu/c1",image="registry.test/a:1",name="c1",namespace="default",pod="p"${more}}`);
    t.same([of('container_memory_rss'), of('container_cpu_cfs_burst_seconds_total'), of('container_spec_cpu_quota'), of('container_start_time_seconds'), of('container_memory_kernel_usage')], ['500', '0.000002', '10000', '4', '70']);
    t.ok(Number(of('container_ulimits_soft', ',ulimit="max_open_files"')) > 0, 'of the first process');
    t.match([...samples.keys()].find((series) => series.startsWith('machine_memory_bytes')), /\{boot_id="[^"]+",machine_id="[^"]*",system_uuid="[^"]*"\}/);
    t.match([...samples.keys()].find((series) => series.startsWith('container_fs_reads_bytes_total') && series.includes('podu/c1')), /device="[^"]+"/);
  });
}

t.test('families: each is described once, and what is left out is not told', (t) => {
  const names = CADVISOR_FAMILIES.map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  t.same(names.filter((name) => LEFT_OUT[name] !== undefined || !UPSTREAM.includes(name)), []);
  t.end();
});
