// What a cgroup may use, read from its files, in v1's terms for both versions. Undefined: that is not limited there, or has no such file.
import { readCgroupFile } from './cgroup-file.ts';

export interface CgroupReadLimits {
  cpuShares?: number;
  /** Microseconds in each period; absent: no limit. */
  cpuQuota?: number;
  cpuPeriod?: number;
  memory?: CgroupMemoryLimits;
}

/** Bytes; 0: no limit. */
export interface CgroupMemoryLimits {
  limitBytes: number;
  swapLimitBytes: number;
  reservationBytes: number;
}

/** `directory`: of a controller's files. */
export function readCgroupLimits(directory: (controller: string) => string, version: 1 | 2): CgroupReadLimits {
  return version === 2 ? limitsV2(directory('')) : limitsV1(directory('cpu'), directory('memory'));
}

/** The kernel's "no limit" of v1 is the largest number of whole pages. */
const UNLIMITED = 2 ** 62;

function limitsV1(cpu: string, memory: string): CgroupReadLimits {
  const [shares, quota, period, limit] = [number(cpu, 'cpu.shares'), number(cpu, 'cpu.cfs_quota_us'), number(cpu, 'cpu.cfs_period_us'), number(memory, 'memory.limit_in_bytes')];
  return {
    ...(shares !== undefined && { cpuShares: shares }), ...(quota !== undefined && quota > 0 && { cpuQuota: quota }), ...(period !== undefined && { cpuPeriod: period }),
    ...(limit !== undefined && { memory: { limitBytes: bounded(limit), swapLimitBytes: bounded(number(memory, 'memory.memsw.limit_in_bytes')), reservationBytes: bounded(number(memory, 'memory.soft_limit_in_bytes')) } }),
  };
}

function limitsV2(folder: string): CgroupReadLimits {
  const [quota, period] = (readCgroupFile(folder, 'cpu.max')?.trim() ?? '').split(' ');
  const [weight, limit] = [number(folder, 'cpu.weight'), number(folder, 'memory.max')];
  return {
    // As shares are made into a weight (KEP-2254), backwards.
    ...(weight !== undefined && weight > 0 && { cpuShares: Math.floor(2 + ((weight - 1) * 262142) / 9999) }),
    ...(quota !== undefined && quota !== '' && quota !== 'max' && { cpuQuota: Number(quota) }), ...(period !== undefined && { cpuPeriod: Number(period) }),
    ...(limit !== undefined && { memory: { limitBytes: bounded(limit), swapLimitBytes: bounded(number(folder, 'memory.swap.max')), reservationBytes: bounded(number(folder, 'memory.min')) } }),
  };
}

function number(folder: string, file: string): number | undefined {
  const text = readCgroupFile(folder, file)?.trim();
  return text === undefined ? undefined : text === 'max' ? Infinity : Number(text);
}

function bounded(bytes = 0): number {
  return bytes > UNLIMITED ? 0 : bytes;
}
