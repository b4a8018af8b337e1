// What containers use, from the files of their cgroups (measured: 0.05 ms; `runc events` takes 7.5).
import { join } from 'node:path';
import { folderUsage } from '../../folder-usage.ts';
import type { ContainerStats } from '../runtime.ts';
import { readText, type Cgroups } from './cgroups.ts';
import { cgroupOf } from './container-cgroup.ts';
import type { Ground } from './ground.ts';
import type { ContainerRecord } from './records.ts';

export type Usage = Omit<ContainerStats, 'id' | 'timestamp' | 'rootfsUsedBytes' | 'rootfsInodes'>;

/** Undefined when it does not run. */
export async function statsOf(ground: Ground, record: ContainerRecord): Promise<ContainerStats | undefined> {
  if (record.state !== 'running') return undefined;
  const path = cgroupOf(ground, record);
  const usage = usageOf(ground.cgroups, path);
  const rootfs = folderUsage(join(ground.layout.containers, record.id, 'upper'));
  return { id: record.id, timestamp: ground.clock.now(), ...usage, rootfsUsedBytes: rootfs.bytes, rootfsInodes: rootfs.inodes };
}

type Files = Pick<Cgroups, 'version' | 'directory'>;

export function usageOf(cgroups: Files, path: string): Usage {
  return cgroups.version === 2 ? usageV2(cgroups, path) : usageV1(cgroups, path);
}

function usageV1(cgroups: Files, path: string): Usage {
  const memory = numbersIn(join(cgroups.directory(path, 'memory'), 'memory.stat'));
  const used = numberIn(join(cgroups.directory(path, 'memory'), 'memory.usage_in_bytes'));
  return {
    cpuUsageNanos: numberIn(join(cgroups.directory(path, 'cpuacct'), 'cpuacct.usage')),
    memoryUsageBytes: used,
    memoryWorkingSetBytes: Math.max(0, used - (memory.get('total_inactive_file') ?? 0)),
    memoryRssBytes: memory.get('total_rss') ?? 0,
    pageFaults: memory.get('total_pgfault') ?? 0,
    majorPageFaults: memory.get('total_pgmajfault') ?? 0,
    processes: numberIn(join(cgroups.directory(path, 'pids'), 'pids.current')),
  };
}

function usageV2(cgroups: Files, path: string): Usage {
  const directory = cgroups.directory(path, 'memory');
  const memory = numbersIn(join(directory, 'memory.stat'));
  const used = numberIn(join(directory, 'memory.current'));
  return {
    cpuUsageNanos: 1000 * (numbersIn(join(directory, 'cpu.stat')).get('usage_usec') ?? 0),
    memoryUsageBytes: used,
    memoryWorkingSetBytes: Math.max(0, used - (memory.get('inactive_file') ?? 0)),
    memoryRssBytes: memory.get('anon') ?? 0,
    pageFaults: memory.get('pgfault') ?? 0,
    majorPageFaults: memory.get('pgmajfault') ?? 0,
    processes: numberIn(join(directory, 'pids.current')),
  };
}

function numberIn(file: string): number {
  return Number(readText(file)?.trim() ?? 0) || 0;
}

function numbersIn(file: string): Map<string, number> {
  return new Map((readText(file) ?? '').trim().split('\n').map((line) => line.split(' ')).map(([name = '', value]) => [name, Number(value)]));
}
