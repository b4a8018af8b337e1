// The cgroup of a container: its pod's, and its id.
import type { Ground } from './ground.ts';
import type { ContainerRecord } from './records.ts';

export function cgroupOf({ records }: Pick<Ground, 'records'>, { sandboxId, id }: Pick<ContainerRecord, 'sandboxId' | 'id'>): string {
  return `${records.sandboxes.get(sandboxId)?.config.cgroupParent ?? ''}/${id}`;
}
