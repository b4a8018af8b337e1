// What a cgroup's files count, the same for v1 and v2. What the kernel does not count there is 0. Limits are in cgroup-limits.ts, processes in
// cgroup-processes.ts.
import { readCgroupFile } from './cgroup-file.ts';

export interface CgroupReading {
  cpuNanos: number;
  userNanos: number;
  systemNanos: number;
  periods: number;
  throttledPeriods: number;
  throttledNanos: number;
  burstPeriods: number;
  burstNanos: number;
  memoryBytes: number;
  memoryPeakBytes: number;
  workingSetBytes: number;
  rssBytes: number;
  cacheBytes: number;
  mappedBytes: number;
  kernelBytes: number;
  activeFileBytes: number;
  inactiveFileBytes: number;
  swapBytes: number;
  pageFaults: number;
  majorPageFaults: number;
  /** Times that the limit was met. */
  limitHits: number;
  oomKills: number;
  threads: number;
  threadsMax: number;
  disks: DiskReading[];
  /** Absent: this kernel does not tell (v1, or turned off). */
  pressure?: Readonly<Record<Pressed, PressureReading>>;
}

/** What was asked of one device: the kernel's names for kinds of operations (`Read`, `Write`; with v1 more). */
export interface DiskReading {
  /** `8:0`. */
  device: string;
  bytes: Readonly<Record<string, number>>;
  operations: Readonly<Record<string, number>>;
}

export type Pressed = 'cpu' | 'memory' | 'io';

/** Microseconds that some waited, and that all did. */
export interface PressureReading {
  someMicros: number;
  fullMicros: number;
}

/** `directory`: of a controller's files. */
export function readCgroup(directory: (controller: string) => string, version: 1 | 2): CgroupReading {
  return version === 2 ? readV2(directory('')) : readV1(directory);
}

/** `directory`: of the memory controller's files. */
export function swapBytesIn(directory: string, version: 1 | 2): number {
  return version === 2 ? number(directory, 'memory.swap.current') : counts(directory, 'memory.stat')['total_swap'] ?? 0;
}

type Counts = Readonly<Record<string, number>>;

/** `name 12` a line. */
function counts(folder: string, file: string): Counts {
  return Object.fromEntries((readCgroupFile(folder, file) ?? '').split('\n').map((line) => line.split(' ')).map(([name = '', value]) => [name, Number(value ?? 0)]));
}

function number(folder: string, file: string): number {
  const text = readCgroupFile(folder, file)?.trim() ?? '0';
  return text === 'max' ? 0 : Number(text);
}

/** Of clock ticks, of which there are 100 a second. */
const TICK_NANOS = 1e7;

function readV1(directory: (controller: string) => string): CgroupReading {
  const [memory, cpu, cpuacct, pids, blkio] = [directory('memory'), directory('cpu'), directory('cpuacct'), directory('pids'), directory('blkio')];
  const [stat, cpuStat, times, oom] = [counts(memory, 'memory.stat'), counts(cpu, 'cpu.stat'), counts(cpuacct, 'cpuacct.stat'), counts(memory, 'memory.oom_control')];
  const of = (name: string): number => stat[`total_${name}`] ?? stat[name] ?? 0;
  const memoryBytes = number(memory, 'memory.usage_in_bytes');
  return {
    cpuNanos: number(cpuacct, 'cpuacct.usage'), userNanos: (times['user'] ?? 0) * TICK_NANOS, systemNanos: (times['system'] ?? 0) * TICK_NANOS,
    periods: cpuStat['nr_periods'] ?? 0, throttledPeriods: cpuStat['nr_throttled'] ?? 0, throttledNanos: cpuStat['throttled_time'] ?? 0, burstPeriods: cpuStat['nr_bursts'] ?? 0, burstNanos: cpuStat['burst_time'] ?? 0,
    memoryBytes, memoryPeakBytes: number(memory, 'memory.max_usage_in_bytes'), workingSetBytes: Math.max(0, memoryBytes - of('inactive_file')),
    rssBytes: of('rss'), cacheBytes: of('cache'), mappedBytes: of('mapped_file'), kernelBytes: number(memory, 'memory.kmem.usage_in_bytes'), activeFileBytes: of('active_file'), inactiveFileBytes: of('inactive_file'),
    swapBytes: of('swap'), pageFaults: of('pgfault'), majorPageFaults: of('pgmajfault'),
    limitHits: number(memory, 'memory.failcnt'), oomKills: oom['oom_kill'] ?? 0, threads: number(pids, 'pids.current'), threadsMax: number(pids, 'pids.max'), disks: disksV1(blkio),
  };
}

/** `8:0 Read 4096` a line, and their sum at the end. Kernels before 5.3 count only what the cgroup itself asks for. */
function disksV1(folder: string): DiskReading[] {
  const disks = new Map<string, { bytes: Record<string, number>; operations: Record<string, number> }>();
  const add = (file: string, kind: 'bytes' | 'operations'): void => {
    for (const line of (readCgroupFile(folder, `${file}_recursive`) ?? readCgroupFile(folder, file) ?? '').split('\n')) {
      const [device = '', operation, value] = line.split(' ');
      if (operation === undefined || value === undefined) continue;
      const disk = disks.get(device) ?? { bytes: {}, operations: {} };
      disks.set(device, disk);
      disk[kind][operation] = Number(value);
    }
  };
  add('blkio.throttle.io_service_bytes', 'bytes');
  add('blkio.throttle.io_serviced', 'operations');
  return [...disks].map(([device, counted]) => ({ device, ...counted }));
}

function readV2(folder: string): CgroupReading {
  const [stat, cpu, events] = [counts(folder, 'memory.stat'), counts(folder, 'cpu.stat'), counts(folder, 'memory.events')];
  const memoryBytes = number(folder, 'memory.current');
  const pressure = pressureOf(folder);
  return {
    cpuNanos: (cpu['usage_usec'] ?? 0) * 1000, userNanos: (cpu['user_usec'] ?? 0) * 1000, systemNanos: (cpu['system_usec'] ?? 0) * 1000,
    periods: cpu['nr_periods'] ?? 0, throttledPeriods: cpu['nr_throttled'] ?? 0, throttledNanos: (cpu['throttled_usec'] ?? 0) * 1000, burstPeriods: cpu['nr_bursts'] ?? 0, burstNanos: (cpu['burst_usec'] ?? 0) * 1000,
    memoryBytes, memoryPeakBytes: number(folder, 'memory.peak'), workingSetBytes: Math.max(0, memoryBytes - (stat['inactive_file'] ?? 0)),
    rssBytes: stat['anon'] ?? 0, cacheBytes: stat['file'] ?? 0, mappedBytes: stat['file_mapped'] ?? 0, kernelBytes: stat['kernel'] ?? 0, activeFileBytes: stat['active_file'] ?? 0, inactiveFileBytes: stat['inactive_file'] ?? 0,
    swapBytes: number(folder, 'memory.swap.current'), pageFaults: stat['pgfault'] ?? 0, majorPageFaults: stat['pgmajfault'] ?? 0,
    limitHits: events['max'] ?? 0, oomKills: events['oom_kill'] ?? 0, threads: number(folder, 'pids.current'), threadsMax: number(folder, 'pids.max'), disks: disksV2(folder),
    ...(pressure !== undefined && { pressure }),
  };
}

/** `8:0 rbytes=4096 wbytes=512 rios=2 wios=1 …` a line. */
function disksV2(folder: string): DiskReading[] {
  return (readCgroupFile(folder, 'io.stat') ?? '').split('\n').flatMap((line) => {
    const [device = '', ...pairs] = line.split(' ');
    const of = Object.fromEntries(pairs.map((pair) => pair.split('='))) as Record<string, string>;
    const value = (name: string): number => Number(of[name] ?? 0);
    return of['rbytes'] === undefined ? [] : [{ device, bytes: { Read: value('rbytes'), Write: value('wbytes') }, operations: { Read: value('rios'), Write: value('wios') } }];
  });
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=12`, and the same of `full`, which the processor's file of old kernels has not. */
function pressureOf(folder: string): CgroupReading['pressure'] {
  const read = (what: Pressed): PressureReading | undefined => {
    const text = readCgroupFile(folder, `${what}.pressure`);
    const total = (who: string): number => Number(new RegExp(`^${who} .*total=(\\d+)`, 'm').exec(text ?? '')?.[1] ?? '0');
    return text === undefined ? undefined : { someMicros: total('some'), fullMicros: total('full') };
  };
  const [cpu, memory, io] = [read('cpu'), read('memory'), read('io')];
  return cpu === undefined || memory === undefined || io === undefined ? undefined : { cpu, memory, io };
}
