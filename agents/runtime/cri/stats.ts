// What containers use. Processor and memory from the files of the cgroup that the container's process is in, as the built-in runtime has them
// (runtimes collect theirs every ten seconds); the writable layer is what only the runtime knows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../internal/base/clock.ts';
import { CGROUP_MOUNT, cgroupRoot } from '../../cgroup-root.ts';
import { usageOf, type Usage } from '../runc/stats.ts';
import type { ContainerStats, ContainerStatus } from '../runtime.ts';
import type { CriClient } from './client.ts';
import type { Message } from './messages.ts';

export async function statsOf(client: CriClient, containers: readonly ContainerStatus[], clock: Clock): Promise<ContainerStats[]> {
  const running = containers.filter(({ state }) => state === 'running');
  const [only] = running;
  if (only === undefined) return [];
  const { stats } = await client.call('listStats', running.length === 1 ? { filter: { id: only.id } } : {});
  const told = new Map(stats.map((one) => [one.attributes?.id ?? '', one]));
  return running.flatMap(({ id, pid }) => {
    const one = told.get(id);
    const usage = (pid === undefined ? undefined : usageOfProcess(pid)) ?? (one === undefined ? undefined : usageTold(one));
    return usage === undefined ? [] : [{ id, timestamp: clock.now(), ...usage, rootfsUsedBytes: one?.writableLayer?.usedBytes?.value ?? 0, rootfsInodes: one?.writableLayer?.inodes?.value ?? 0 }];
  });
}

/** Undefined when it has gone, or stands in a virtual machine's cgroups. */
function usageOfProcess(pid: number): Usage | undefined {
  try {
    const paths = new Map(readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8').trim().split('\n').flatMap((line) => {
      const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return names.split(',').map((name): [string, string] => [name, path]);
    }));
    const { version } = cgroupRoot();
    return usageOf({ version, directory: (_path, controller) => (version === 2 ? join(CGROUP_MOUNT, paths.get('') ?? '') : join(CGROUP_MOUNT, controller, paths.get(controller) ?? '')) }, '');
  } catch {
    return undefined;
  }
}

function usageTold({ cpu, memory }: Message<'ContainerStats'>): Usage {
  return {
    cpuUsageNanos: cpu?.usageNanos?.value ?? 0, memoryUsageBytes: memory?.usage?.value ?? memory?.workingSet?.value ?? 0, memoryWorkingSetBytes: memory?.workingSet?.value ?? 0,
    memoryRssBytes: memory?.rss?.value ?? 0, pageFaults: memory?.pageFaults?.value ?? 0, majorPageFaults: memory?.majorPageFaults?.value ?? 0, processes: 0,
  };
}
