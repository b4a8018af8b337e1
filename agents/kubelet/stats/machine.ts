// What the machine uses, from /proc and the file systems: for /stats/summary, the metrics, and eviction. Read when asked for, nothing kept.
import { readFileSync, statfsSync } from 'node:fs';
import { unlessErrno } from '../../../internal/base/errors.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';

export interface MachineMemory {
  totalBytes: number;
  usageBytes: number;
  workingSetBytes: number;
  rssBytes: number;
  swapTotalBytes: number;
  swapUsageBytes: number;
  pageFaults: number;
  majorPageFaults: number;
  /** Processes killed for want of memory, wherever they were. */
  oomKills: number;
}

export function machineMemory(): MachineMemory {
  const info = fieldsOf(readFileSync('/proc/meminfo', 'utf8'));
  const events = fieldsOf(readFileIfThere('/proc/vmstat') ?? '');
  const bytes = (name: string): number => (info.get(name) ?? 0) * 1024;
  const usageBytes = bytes('MemTotal') - bytes('MemFree');
  return {
    totalBytes: bytes('MemTotal'), usageBytes, workingSetBytes: Math.max(0, usageBytes - bytes('Inactive(file)')), rssBytes: bytes('AnonPages'),
    swapTotalBytes: bytes('SwapTotal'), swapUsageBytes: bytes('SwapTotal') - bytes('SwapFree'), pageFaults: events.get('pgfault') ?? 0, majorPageFaults: events.get('pgmajfault') ?? 0, oomKills: events.get('oom_kill') ?? 0,
  };
}

function fieldsOf(text: string): Map<string, number> {
  return new Map(text.split('\n').map((line): [string, number] => {
    const [name = '', value = '0'] = line.split(/:?\s+/);
    return [name, Number(value)];
  }));
}

const TICK_NANOS = 10_000_000;

/** Nanoseconds that all cores have worked since the start of the machine. */
export function machineCpuNanos(): number {
  return machineCpu().cpuNanos;
}

/** The same in parts: what was taken away by a hypervisor is neither. */
export function machineCpu(): { cpuNanos: number; userNanos: number; systemNanos: number } {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/).map(Number);
  return { cpuNanos: (user + nice + system + irq + softirq + steal) * TICK_NANOS, userNanos: (user + nice) * TICK_NANOS, systemNanos: (system + irq + softirq) * TICK_NANOS };
}

export interface NetworkInterface {
  name: string;
  rxBytes: number;
  rxPackets: number;
  rxErrors: number;
  rxDropped: number;
  txBytes: number;
  txPackets: number;
  txErrors: number;
  txDropped: number;
}

/** Ends of links into containers are not the machine's traffic: what went through them is counted of their pods. */
const NOT_COUNTED = /^(lo|veth|docker|nerdctl|skf|skiff-dns)/i;

/** Interfaces of a process's network namespace but the loopback; none when the process has gone. */
export function networkOf(pid: number | 'self'): NetworkInterface[] {
  return interfacesIn(readIfRunning(`/proc/${String(pid)}/net/dev`) ?? '');
}

/** `text`: /proc/net/dev. */
export function interfacesIn(text: string): NetworkInterface[] {
  return text.split('\n').slice(2).flatMap((line) => {
    const [name = '', numbers = ''] = line.split(':').map((part) => part.trim());
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0, , , , , txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = numbers.split(/\s+/).map(Number);
    return name === '' || NOT_COUNTED.test(name) ? [] : [{ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }];
  });
}

/** Of one that ends meanwhile the files no longer answer. */
function readIfRunning(path: string): string | undefined {
  return unlessErrno(['ENOENT', 'ESRCH', 'EINVAL'], () => readFileSync(path, 'utf8'));
}

export interface FileSystem {
  availableBytes: number;
  capacityBytes: number;
  usedBytes: number;
  inodesFree: number;
  inodes: number;
  inodesUsed: number;
}

export function fileSystemOf(path: string): FileSystem {
  const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path);
  return { availableBytes: bavail * bsize, capacityBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, inodesFree: ffree, inodes: files, inodesUsed: files - ffree };
}

export interface Processes {
  max: number;
  current: number;
}

export function processesOf(): Processes {
  const pidMax = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
  const threadsMax = Number(readFileSync('/proc/sys/kernel/threads-max', 'utf8'));
  return { max: Math.min(pidMax, threadsMax), current: Number(/\d+\/(\d+)/.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? '0') };
}

/** Epoch ms of the machine's start. */
export function bootTimeMs(): number {
  return Number(/^btime (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '0') * 1000;
}
