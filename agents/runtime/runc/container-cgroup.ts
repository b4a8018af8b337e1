// The cgroup of a container: its pod's, and its id; a scope of systemd's in a slice.
import { cgroupRoot } from '../../cgroup-root.ts';
import type { Ground } from './ground.ts';
import type { ContainerRecord } from './records.ts';

const SCOPE = /^cri-([0-9a-f]{64})\.scope$/;

export function cgroupOf({ records }: Pick<Ground, 'records'>, { sandboxId, id }: Pick<ContainerRecord, 'sandboxId' | 'id'>): string {
  return cgroupIn(records.sandboxes.get(sandboxId)?.config.cgroupParent ?? '', id);
}

export function cgroupIn(parent: string, id: string): string {
  return isSlice(parent) ? `${parent}/cri-${id}.scope` : `${parent}/${id}`;
}

/** The container whose cgroup is called so, if that is how containers' are called. */
export function containerOf(name: string): string | undefined {
  return SCOPE.exec(name)?.[1] ?? /^[0-9a-f]{64}$/.exec(name)?.[0];
}

/** Made by systemd: so is then what stands in it. */
export function isSlice(path: string): boolean {
  return path.endsWith('.slice');
}

/** `linux.cgroupsPath` of config.json: a path, or slice, prefix and name of the scope that runc has systemd make. */
export function cgroupsPathOf({ cgroups }: Pick<Ground, 'cgroups'>, parent: string, id: string): string {
  return isSlice(parent) ? `${parent.split('/').at(-1) ?? ''}:cri:${id}` : cgroups.pathForRunc(cgroupIn(parent, id));
}

/** As systemd orders stops: at the end of the machine it stops slices, and what is in them, only when Skiff has ended its pods one after the other. */
export function stoppedBefore({ unit } = cgroupRoot()): string[] {
  return unit === undefined ? [] : [unit];
}

/** By these runc tells systemd of the scope's order. */
export function scopeAnnotations(parent: string, units = stoppedBefore()): Record<string, string> {
  return isSlice(parent) && units.length > 0 ? { 'org.systemd.property.Before': `[${units.map((name) => JSON.stringify(name)).join(', ')}]` } : {};
}
