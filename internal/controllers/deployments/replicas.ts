// The arithmetic of a rollout, pure: how many pods each ReplicaSet of a Deployment should have next. Numbers in, numbers out.
import type { Deployment, ReplicaSet } from '../../kinds/generated/api-types.ts';

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

export function desiredReplicas({ spec }: Deployment): number {
  return spec.replicas ?? 1;
}

export function replicasOf(set: ReplicaSet): number {
  return set.spec.replicas ?? 1;
}

export function sumReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + replicasOf(set), 0);
}

export function sumStatus(sets: readonly ReplicaSet[], field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas'): number {
  return sets.reduce((sum, set) => sum + (set.status?.[field] ?? 0), 0);
}

/** A count or percentage of `total`. */
export function scaledValue(value: number | string | undefined, total: number, round: (value: number) => number): number {
  if (value === undefined) return 0;
  return typeof value === 'number' ? value : round((total * (Number.parseInt(value, 10) || 0)) / 100);
}

export function isRolling({ spec }: Deployment): boolean {
  return (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** maxSurge rounds up, maxUnavailable down; both zero would block a rollout, so one may then be unavailable. */
export function limits(deployment: Deployment): { surge: number; unavailable: number } {
  if (!isRolling(deployment)) return { surge: 0, unavailable: 0 };
  const total = desiredReplicas(deployment);
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const surge = scaledValue(rolling?.maxSurge ?? '25%', total, Math.ceil);
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', total, Math.floor);
  return { surge, unavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, total) };
}

/** Size of the new ReplicaSet within what maxSurge allows. */
export function newSetReplicas(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const desired = desiredReplicas(deployment);
  if (!isRolling(deployment)) return desired;
  const room = desired + limits(deployment).surge - sumReplicas(all);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** Next sizes of old ReplicaSets (oldest first): unhealthy pods go first, then as many as minimum availability lets go. */
export function oldSetReplicas(deployment: Deployment, old: readonly ReplicaSet[], newSet: ReplicaSet | undefined): Map<ReplicaSet, number> {
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]));
  const all = newSet === undefined ? [...old] : [...old, newSet];
  const minAvailable = desiredReplicas(deployment) - limits(deployment).unavailable;
  const newUnavailable = newSet === undefined ? 0 : replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  let room = sumReplicas(all) - minAvailable - newUnavailable;
  if (sumReplicas(old) === 0 || room <= 0) return sizes;
  for (const set of old) {
    const unhealthy = Math.min(room, replicasOf(set) - (set.status?.availableReplicas ?? 0));
    if (unhealthy <= 0) continue;
    sizes.set(set, replicasOf(set) - unhealthy);
    room -= unhealthy;
  }
  let spare = sumStatus(all, 'availableReplicas') - minAvailable;
  for (const set of old) {
    const size = sizes.get(set) ?? 0;
    const less = Math.min(size, Math.max(0, spare));
    sizes.set(set, size - less);
    spare -= less;
  }
  return sizes;
}

/** When a Deployment is resized in the middle of a rollout, each live ReplicaSet gets its share; what rounding leaves goes to the largest. */
export function proportionalReplicas(deployment: Deployment, active: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const desired = desiredReplicas(deployment);
  const { surge } = limits(deployment);
  const toAdd = (desired > 0 ? desired + surge : 0) - sumReplicas(active);
  const ordered = [...active].sort((left, right) => replicasOf(right) - replicasOf(left) || (toAdd > 0 ? -1 : 1) * (age(left) - age(right)));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of ordered) {
    const share = toAdd === 0 ? 0 : shareOf(set, deployment, toAdd, added);
    sizes.set(set, replicasOf(set) + share);
    added += share;
  }
  const largest = ordered[0];
  if (largest !== undefined && toAdd !== 0) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  return sizes;
}

function shareOf(set: ReplicaSet, deployment: Deployment, toAdd: number, added: number): number {
  const size = replicasOf(set);
  if (size === 0 || toAdd === added) return 0;
  const fraction = fractionOf(set, deployment);
  const allowed = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed);
}

function fractionOf(set: ReplicaSet, deployment: Deployment): number {
  const size = replicasOf(set);
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -size;
  const annotated = numberAnnotation(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0;
  if (annotated === 0) return 0;
  return Math.round((size * (desired + limits(deployment).surge)) / annotated) - size;
}

export function numberAnnotation(set: ReplicaSet, key: string): number | undefined {
  const value = Number.parseInt(set.metadata.annotations?.[key] ?? '', 10);
  return Number.isNaN(value) ? undefined : value;
}

export function age(set: ReplicaSet): number {
  return Date.parse(set.metadata.creationTimestamp);
}
