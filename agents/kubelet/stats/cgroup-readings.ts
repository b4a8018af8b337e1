// What a cgroup's files count, the same for v1 and v2. What the kernel does not count there is 0.
import { join } from 'node:path';
import { readFileIfThere } from '../../../internal/base/files.ts';

export interface CgroupReading {
  cpuNanos: number;
  userNanos: number;
  systemNanos: number;
  periods: number;
  throttledPeriods: number;
  throttledNanos: number;
  memoryBytes: number;
  memoryPeakBytes: number;
  workingSetBytes: number;
  rssBytes: number;
  cacheBytes: number;
  mappedBytes: number;
  swapBytes: number;
  pageFaults: number;
  majorPageFaults: number;
  /** Times that the limit was met. */
  limitHits: number;
  oomKills: number;
  processes: number;
  threadsMax: number;
  readBytes: number;
  writtenBytes: number;
  reads: number;
  writes: number;
}

/** `directory`: of a controller's files. */
export function readCgroup(directory: (controller: string) => string, version: 1 | 2): CgroupReading {
  return version === 2 ? readV2(directory('')) : readV1(directory);
}

type Counts = Readonly<Record<string, number>>;

/** `name 12` a line. */
function counts(folder: string, file: string): Counts {
  return Object.fromEntries((readFileIfThere(join(folder, file)) ?? '').split('\n').map((line) => line.split(' ')).map(([name = '', value]) => [name, Number(value ?? 0)]));
}

function number(folder: string, file: string): number {
  const text = readFileIfThere(join(folder, file))?.trim() ?? '0';
  return text === 'max' ? 0 : Number(text);
}

/** Of clock ticks, of which there are 100 a second. */
const TICK_NANOS = 1e7;

function readV1(directory: (controller: string) => string): CgroupReading {
  const [memory, cpu, cpuacct, pids, blkio] = ['memory', 'cpu', 'cpuacct', 'pids', 'blkio'].map(directory) as [string, string, string, string, string];
  const [stat, cpuStat, times, oom] = [counts(memory, 'memory.stat'), counts(cpu, 'cpu.stat'), counts(cpuacct, 'cpuacct.stat'), counts(memory, 'memory.oom_control')];
  const of = (name: string): number => stat[`total_${name}`] ?? stat[name] ?? 0;
  const memoryBytes = number(memory, 'memory.usage_in_bytes');
  const [bytes, operations] = [v1Io(blkio, 'blkio.throttle.io_service_bytes'), v1Io(blkio, 'blkio.throttle.io_serviced')];
  return {
    cpuNanos: number(cpuacct, 'cpuacct.usage'), userNanos: (times['user'] ?? 0) * TICK_NANOS, systemNanos: (times['system'] ?? 0) * TICK_NANOS,
    periods: cpuStat['nr_periods'] ?? 0, throttledPeriods: cpuStat['nr_throttled'] ?? 0, throttledNanos: cpuStat['throttled_time'] ?? 0,
    memoryBytes, memoryPeakBytes: number(memory, 'memory.max_usage_in_bytes'), workingSetBytes: Math.max(0, memoryBytes - of('inactive_file')),
    rssBytes: of('rss'), cacheBytes: of('cache'), mappedBytes: of('mapped_file'), swapBytes: of('swap'), pageFaults: of('pgfault'), majorPageFaults: of('pgmajfault'),
    limitHits: number(memory, 'memory.failcnt'), oomKills: oom['oom_kill'] ?? 0, processes: number(pids, 'pids.current'), threadsMax: number(pids, 'pids.max'),
    readBytes: bytes.read, writtenBytes: bytes.write, reads: operations.read, writes: operations.write,
  };
}

/** `8:0 Read 4096` a line, for each device. */
function v1Io(folder: string, file: string): { read: number; write: number } {
  const lines = (readFileIfThere(join(folder, file)) ?? '').split('\n').map((line) => line.split(' '));
  const sum = (what: string): number => lines.filter(([, name]) => name === what).reduce((total, [, , value]) => total + Number(value ?? 0), 0);
  return { read: sum('Read'), write: sum('Write') };
}

function readV2(folder: string): CgroupReading {
  const [stat, cpu, events] = [counts(folder, 'memory.stat'), counts(folder, 'cpu.stat'), counts(folder, 'memory.events')];
  const memoryBytes = number(folder, 'memory.current');
  const io = readFileIfThere(join(folder, 'io.stat')) ?? '';
  const sum = (name: string): number => [...io.matchAll(new RegExp(`\\b${name}=(\\d+)`, 'g'))].reduce((total, [, value]) => total + Number(value), 0);
  return {
    cpuNanos: (cpu['usage_usec'] ?? 0) * 1000, userNanos: (cpu['user_usec'] ?? 0) * 1000, systemNanos: (cpu['system_usec'] ?? 0) * 1000,
    periods: cpu['nr_periods'] ?? 0, throttledPeriods: cpu['nr_throttled'] ?? 0, throttledNanos: (cpu['throttled_usec'] ?? 0) * 1000,
    memoryBytes, memoryPeakBytes: number(folder, 'memory.peak'), workingSetBytes: Math.max(0, memoryBytes - (stat['inactive_file'] ?? 0)),
    rssBytes: stat['anon'] ?? 0, cacheBytes: stat['file'] ?? 0, mappedBytes: stat['file_mapped'] ?? 0, swapBytes: number(folder, 'memory.swap.current'), pageFaults: stat['pgfault'] ?? 0, majorPageFaults: stat['pgmajfault'] ?? 0,
    limitHits: events['max'] ?? 0, oomKills: events['oom_kill'] ?? 0, processes: number(folder, 'pids.current'), threadsMax: number(folder, 'pids.max'),
    readBytes: sum('rbytes'), writtenBytes: sum('wbytes'), reads: sum('rios'), writes: sum('wios'),
  };
}
