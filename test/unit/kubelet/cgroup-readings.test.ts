// What is read of cgroups of both versions, from files as kernels write them, and of processes, devices, mounts.
import { join } from 'node:path';
import t from 'tap';
import { readCgroupLimits } from '../../../agents/kubelet/stats/cgroup-limits.ts';
import { openFilesLimit, readCgroupProcesses } from '../../../agents/kubelet/stats/cgroup-processes.ts';
import { readCgroup } from '../../../agents/kubelet/stats/cgroup-readings.ts';
import { devices, mountedIn } from '../../../agents/kubelet/stats/file-systems.ts';
import { interfacesIn } from '../../../agents/kubelet/stats/machine.ts';
import { topology } from '../../../agents/kubelet/stats/topology.ts';
import { V1, V2 } from '../../support/cgroup-files.ts';

t.test('a cgroup of v1 and one of v2 with the same counts read alike', (t) => {
  const folder = t.testdir({ v1: V1, v2: V2 });
  const { disks: disksV1, ...v1 } = readCgroup((controller) => join(folder, 'v1', controller), 1);
  const { disks: disksV2, pressure, ...v2 } = readCgroup(() => join(folder, 'v2'), 2);
  const expected = {
    cpuNanos: 3e9, userNanos: 2e9, systemNanos: 1e9, periods: 10, throttledPeriods: 4, throttledNanos: 5e6, burstPeriods: 1, burstNanos: 2000, memoryBytes: 900, memoryPeakBytes: 1000, workingSetBytes: 600, rssBytes: 500, cacheBytes: 400, mappedBytes: 50,
    kernelBytes: 70, activeFileBytes: 100, inactiveFileBytes: 300, swapBytes: 7, pageFaults: 11, majorPageFaults: 2, limitHits: 3, oomKills: 2, threads: 6, threadsMax: 64,
  };
  t.same(v1, expected);
  t.same(v2, expected);
  t.same(disksV1, [{ device: '8:0', bytes: { Read: 4096, Write: 512, Sync: 4608, Async: 0, Discard: 0, Total: 4608 }, operations: { Read: 2, Write: 1, Sync: 3, Async: 0, Discard: 0, Total: 3 } }]);
  t.same(disksV2, [{ device: '8:0', bytes: { Read: 4096, Write: 512 }, operations: { Read: 2, Write: 1 } }], 'a device of which nothing is counted is left out');
  t.same(pressure, { cpu: { someMicros: 154283, fullMicros: 9000 }, memory: { someMicros: 30, fullMicros: 20 }, io: { someMicros: 4, fullMicros: 3 } });
  t.end();
});

t.test('limits of both versions are told in the terms of v1', (t) => {
  const folder = t.testdir({ v1: V1, v2: V2, free: { v1: { memory: { 'memory.limit_in_bytes': '9223372036854771712\n' }, cpu: { 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n', 'cpu.shares': '2\n' } }, v2: { 'cpu.max': 'max 100000\n', 'cpu.weight': '1\n', 'memory.max': 'max\n' } }, none: {} });
  const memory = { limitBytes: 33554432, swapLimitBytes: 0, reservationBytes: 0 };
  t.same(readCgroupLimits((controller) => join(folder, 'v1', controller), 1), { cpuShares: 102, cpuQuota: 10000, cpuPeriod: 100000, memory });
  t.same(readCgroupLimits(() => join(folder, 'v2'), 2), { cpuShares: 80, cpuQuota: 10000, cpuPeriod: 100000, memory }, 'a weight stands for several shares');
  const free = { cpuShares: 2, cpuPeriod: 100000, memory: { limitBytes: 0, swapLimitBytes: 0, reservationBytes: 0 } };
  t.same(readCgroupLimits((controller) => join(folder, 'free/v1', controller), 1), free);
  t.same(readCgroupLimits(() => join(folder, 'free/v2'), 2), free);
  for (const version of [1, 2] as const) t.same(readCgroupLimits(() => join(folder, 'none'), version), {});
  t.end();
});

t.test('processes of a cgroup: what they hold open and what their threads do', (t) => {
  const folder = t.testdir({
    cgroup: { 'cgroup.procs': '41\n42\n43\n' },
    proc: {
      41: { fd: { 0: t.fixture('symlink', '/dev/null'), 1: t.fixture('symlink', 'pipe:[9]'), 3: t.fixture('symlink', 'socket:[10]') }, task: { 41: { stat: '41 (a) b) (c) S 1 41 41 0' }, 44: { stat: '44 (io) D 1 41 41 0' } }, limits: 'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 4096                 files     \n' },
      42: { fd: {}, task: { 42: { stat: '42 (r) R 1 42 42 0' }, 45: { stat: '45 (t) t 1 42 42 0' }, 46: { stat: '46 (z) Z 1 42 42 0' } }, limits: 'Max open files            unlimited            unlimited            files     \n' },
    },
  });
  t.same(readCgroupProcesses(join(folder, 'cgroup'), join(folder, 'proc')), { processes: 3, fileDescriptors: 3, sockets: 1, tasks: { sleeping: 1, running: 1, stopped: 1, uninterruptible: 1 } }, '43 has ended meanwhile');
  t.same([41, 42, 43].map((pid) => openFilesLimit(pid, join(folder, 'proc'))), [1024, -1, undefined]);
  t.same(readCgroupProcesses(join(folder, 'gone')).processes, 0);
  t.end();
});

t.test('devices and mounts', (t) => {
  const all = devices(' 254       0 vda 2326499 161243 79179626 4576010 3080840 2147114 318862952 3549922 1 657888 8426326 0 0 0 0 245313 300394\n   7       0 loop0 66 2 568 4 77 3108 50278 77 0 52 110 2 0 40962 8 21 20\n');
  t.same(all.get('254:0'), { name: '/dev/vda', counts: { reads: 2326499, readsMerged: 161243, sectorsRead: 79179626, readMs: 4576010, writes: 3080840, writesMerged: 2147114, sectorsWritten: 318862952, writeMs: 3549922, inProgress: 1, ioMs: 657888, weightedIoMs: 8426326 } });
  const mounts = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw', '23 22 0:21 / /proc rw - proc proc rw', '24 22 0:22 / /dev/shm rw - tmpfs tmpfs rw', '25 22 254:0 /var /mnt/again rw - ext4 /dev/vda rw', '26 22 0:23 / /mnt/a\\040b rw - tmpfs tmpfs rw',
    '27 22 0:24 / /srv rw - nfs4 server:/srv rw', '28 22 0:25 / /run/x/merged rw - overlay overlay rw', '29 22 0:26 / /var/lib/kubelet/pods/u/volumes/t rw - tmpfs tmpfs rw', '30 22 254:1 / /boot rw - vfat /dev/vda1 rw', '',
  ].join('\n');
  t.same(mountedIn(mounts, ['/var/lib/kubelet']), [{ device: '/dev/vda', point: '/', number: '254:0' }, { device: '/dev/shm', point: '/dev/shm', number: '0:22' }, { device: '/mnt/a b', point: '/mnt/a b', number: '0:23' }]);
  t.end();
});

t.test('interfaces: all their counts, without the loopback and the ends of pods', (t) => {
  const text = 'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n'
    + '    lo:  100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0\n  eth0: 8128417   72574    1    2    0     0          0         0 51220363   73270    3    4    0     0       0          0\nveth1a:  5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n';
  t.same(interfacesIn(text), [{ name: 'eth0', rxBytes: 8128417, rxPackets: 72574, rxErrors: 1, rxDropped: 2, txBytes: 51220363, txPackets: 73270, txErrors: 3, txDropped: 4 }]);
  t.end();
});

t.test('processors: sockets and cores are counted once', (t) => {
  const cpu = (core: string, socket: string) => ({ topology: { core_id: `${core}\n`, physical_package_id: `${socket}\n` } });
  const folder = t.testdir({ cpu0: cpu('0', '0'), cpu1: cpu('0', '0'), cpu2: cpu('0', '1'), cpu3: cpu('1', '1'), cpufreq: {}, bare: { cpu0: {}, cpu1: {} } });
  t.match(topology(folder), { cores: 3, sockets: 2, books: 0, drawers: 0 });
  t.match(topology(join(folder, 'bare')), { cores: 2, sockets: 1 });
  t.end();
});
