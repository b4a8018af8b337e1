// Whether a container ended for want of memory, where conmon did not see it: by the count of kills in its cgroup. systemd takes a scope away as soon as
// its last process has ended, and the count with it; its pod's count, which holds those of all containers, stays. What has been added to that since
// the container began, and is neither of one that lives nor has been told of another, was this one's.
import { cgroupOf, isSlice } from './container-cgroup.ts';
import type { Ground } from './ground.ts';
import type { ContainerRecord } from './records.ts';

type Context = Pick<Ground, 'cgroups' | 'records' | 'oomKillsTold'>;

/** Before its first process runs. */
export function beginOomCount(ground: Context, record: ContainerRecord): void {
  const parent = parentOf(ground, record);
  if (isSlice(parent)) record.oomKillsBefore = goneKills(ground, record, parent);
}

export function wasOutOfMemory(ground: Context, record: ContainerRecord): boolean {
  if (ground.cgroups.oomKills(cgroupOf(ground, record)) > 0) return true;
  const parent = parentOf(ground, record);
  if (!isSlice(parent)) return false;
  const kills = goneKills(ground, record, parent);
  if (kills <= Math.max(record.oomKillsBefore ?? 0, ground.oomKillsTold.get(parent) ?? 0)) return false;
  ground.oomKillsTold.set(parent, kills);
  return true;
}

/** Of containers of the pod that have gone. */
function goneKills(ground: Context, { id, sandboxId }: ContainerRecord, parent: string): number {
  const others = [...ground.records.containers.values()].filter((other) => other.sandboxId === sandboxId && other.id !== id);
  return others.reduce((sum, other) => sum - ground.cgroups.oomKills(cgroupOf(ground, other)), ground.cgroups.oomKills(parent));
}

function parentOf({ records }: Context, { sandboxId }: ContainerRecord): string {
  return records.sandboxes.get(sandboxId)?.config.cgroupParent ?? '';
}
