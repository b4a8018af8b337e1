// What a Deployment says about itself: counts from its ReplicaSets, and the conditions Available, Progressing and ReplicaFailure with
// upstream's reasons and texts (kubectl rollout status and helm read them).
import { copy, formatTime } from '../../api/meta.ts';
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../kinds/generated/api-types.ts';
import { desiredReplicas, limits, sumReplicas, sumStatus } from './replicas.ts';

export interface Rollout {
  deployment: Deployment;
  newSet: ReplicaSet | undefined;
  oldSets: readonly ReplicaSet[];
}

export function conditionOf(status: DeploymentStatus | undefined, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Same status and reason: nothing changes, not even the times. Same status: the transition time stays. */
export function setCondition(status: DeploymentStatus, condition: Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>, now: number): void {
  const old = conditionOf(status, condition.type);
  if (old !== undefined && old.status === condition.status && old.reason === condition.reason) return;
  const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime ?? formatTime(now) : formatTime(now);
  status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== condition.type), { ...condition, lastTransitionTime, lastUpdateTime: formatTime(now) }];
}

export function removeCondition(status: DeploymentStatus, type: string): void {
  if (status.conditions !== undefined) status.conditions = status.conditions.filter((condition) => condition.type !== type);
}

export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 2 ** 31 - 1;
}

/** Counts and Available. */
export function countedStatus({ deployment, newSet, oldSets }: Rollout, now: number): DeploymentStatus {
  const all = newSet === undefined ? oldSets : [newSet, ...oldSets];
  const available = sumStatus(all, 'availableReplicas');
  const status: DeploymentStatus = { observedGeneration: deployment.metadata.generation ?? 0 };
  const counts = {
    replicas: sumStatus(all, 'replicas'),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sumStatus(all, 'readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sumReplicas(all) - available),
  };
  for (const [key, count] of Object.entries(counts)) if (count > 0) status[key as keyof typeof counts] = count;
  status.terminatingReplicas = sumStatus(all, 'terminatingReplicas');
  if (deployment.status?.collisionCount !== undefined) status.collisionCount = deployment.status.collisionCount;
  if (deployment.status?.conditions !== undefined) status.conditions = copy(deployment.status.conditions);
  const enough = available >= desiredReplicas(deployment) - limits(deployment).unavailable;
  setCondition(status, enough
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' }, now);
  return status;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (status.updatedReplicas ?? 0) === desired && (status.replicas ?? 0) === desired && (status.availableReplicas ?? 0) === desired
    && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

/** Counted status with Progressing and ReplicaFailure, during a rollout. */
export function rolloutStatus(rollout: Rollout, now: number): DeploymentStatus {
  const { deployment, newSet } = rollout;
  const status = countedStatus(rollout, now);
  const current = conditionOf(deployment.status, 'Progressing');
  const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment)) removeCondition(status, 'Progressing');
  else if (!wasComplete) setProgress(rollout, status, now);
  const failure = failureOf(newSet === undefined ? rollout.oldSets : [newSet, ...rollout.oldSets], newSet);
  if (failure === undefined) removeCondition(status, 'ReplicaFailure');
  else setCondition(status, failure, now);
  return status;
}

function setProgress({ deployment, newSet }: Rollout, status: DeploymentStatus, now: number): void {
  const subject = newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  if (isComplete(deployment, status)) {
    setCondition(status, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: `${subject} has successfully progressed.` }, now);
  } else if (isProgressing(deployment.status ?? {}, status)) {
    const old = conditionOf(status, 'Progressing');
    removeCondition(status, 'Progressing');
    setCondition(status, { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` }, now);
    const fresh = conditionOf(status, 'Progressing');
    if (fresh !== undefined && old?.status === 'True' && old.lastTransitionTime !== undefined) fresh.lastTransitionTime = old.lastTransitionTime;
  } else if (isTimedOut(deployment, now)) {
    setCondition(status, { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: `${subject} has timed out progressing.` }, now);
  }
}

function isProgressing(old: DeploymentStatus, next: DeploymentStatus): boolean {
  const oldOnes = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) || oldOnes(next) < oldOnes(old)
    || (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) || (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0);
}

function isTimedOut(deployment: Deployment, now: number): boolean {
  const current = conditionOf(deployment.status, 'Progressing');
  if (current === undefined || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(current.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000 < now;
}

/** How long until the progress deadline has to be looked at, if it can pass. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const current = conditionOf(status, 'Progressing');
  if (!hasDeadline(deployment) || deployment.spec.paused === true || current === undefined || isComplete(deployment, status)) return undefined;
  if (current.reason === 'ProgressDeadlineExceeded' || current.reason === 'NewReplicaSetAvailable') return undefined;
  const at = Date.parse(current.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
  return Math.max(0, at - now) + 1000;
}

function failureOf(all: readonly ReplicaSet[], newSet: ReplicaSet | undefined): DeploymentCondition | undefined {
  const failed = (set: ReplicaSet | undefined): DeploymentCondition | undefined => set?.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const first = failed(newSet) ?? all.map(failed).find((condition) => condition !== undefined);
  return first === undefined ? undefined : { type: 'ReplicaFailure', status: first.status, ...(first.reason !== undefined && { reason: first.reason }), ...(first.message !== undefined && { message: first.message }) };
}

/** Pausing stops the deadline, resuming starts it anew. A deadline that has passed stays told. */
export function setPaused(deployment: Deployment, status: DeploymentStatus, now: number): void {
  const current = conditionOf(status, 'Progressing');
  if (!hasDeadline(deployment) || current?.reason === 'ProgressDeadlineExceeded') return;
  const isPaused = current?.reason === 'DeploymentPaused';
  if (deployment.spec.paused === true && !isPaused) setCondition(status, { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }, now);
  else if (deployment.spec.paused !== true && isPaused) setCondition(status, { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' }, now);
}
