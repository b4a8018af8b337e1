// Keeps so many pods of a template alive: what ReplicaSet and ReplicationController share. Pods are created in rounds of 1, 2, 4, …
// (a refusing quota is asked once), at most 500 a pass; surplus goes in upstream's order; status tells what there is before the pass.
import { sameWhenWritten } from '../../api/json-equality.ts';
import type { Draft, KubeObject } from '../../api/meta.ts';
import { controllerOf, copy, formatTime, keyOf, parseKey } from '../../api/meta.ts';
import type { Resource } from '../../api/request.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { View, Views } from '../../informer/view.ts';
import type { LabelSelector, Pod, PodTemplateSpec, ReplicaSetCondition } from '../../kinds/generated/api-types.ts';
import { PODS } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, note, remove, updateStatus, type Action, type Batch, type ControllerLoop } from '../action.ts';
import { claim } from '../claim.ts';
import { adopterKeys, deletionOrder, isActive, isAvailable, isReady, nextAvailableInMs, orphansIn, ownedBy, ownerKeys, podFromTemplate } from '../pod-state.ts';

const BURST_MAX = 500;

export interface ReplicaStatus {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
  conditions?: ReplicaSetCondition[];
}

/** What the two kinds have in common. */
export interface ReplicaOwner extends KubeObject {
  spec: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicaStatus;
}

export interface ReplicaKind<T extends ReplicaOwner> {
  loopName: string;
  resource: Resource<T>;
  selector(object: T): LabelSelector;
  /** ReplicaSets tell how many pods are terminating. */
  countsTerminating: boolean;
}

export interface ReplicaState {
  owner: ReplicaOwner;
  selector: LabelSelector;
  /** Owned, or in the namespace without an owner. */
  candidates: Pod[];
  /** Pods of sibling ReplicaSets (one Deployment's): crowded nodes are emptied first. */
  related: Pod[];
}

export function replicaLoop<T extends ReplicaOwner>(kind: ReplicaKind<T>): ControllerLoop<ReplicaState> {
  return controllerLoop<ReplicaState>({
    name: kind.loopName,
    wakes: [
      wake(kind.resource, (object) => [keyOf(object)]),
      wake(PODS, (pod, views, previous) => [...keysOfPod(kind, pod, views), ...(previous === undefined ? [] : keysOfPod(kind, previous, views))]),
    ],
    observe: (key, views) => observeReplicas(kind, key, views),
    plan: (state, now) => planReplicas(kind, state, now),
  });
}

function keysOfPod<T extends ReplicaOwner>(kind: ReplicaKind<T>, pod: Pod, views: Views): string[] {
  return ownerKeys(pod, kind.resource.kind) ?? adopterKeys(pod, views.of(kind.resource), kind.selector);
}

function observeReplicas<T extends ReplicaOwner>(kind: ReplicaKind<T>, key: string, views: Views): ReplicaState | undefined {
  const { namespace, name } = parseKey(key);
  const owners = views.of(kind.resource);
  const owner = owners.get(namespace, name);
  if (owner === undefined) return undefined;
  const pods = views.of(PODS);
  const candidates = [...ownedBy(pods, owner.metadata.uid), ...orphansIn(pods, namespace)];
  return { owner, selector: kind.selector(owner), candidates, related: relatedPods(owner, owners, pods) };
}

function relatedPods<T extends ReplicaOwner>(owner: T, owners: View<T>, pods: View<Pod>): Pod[] {
  const parent = controllerOf(owner);
  const siblings = parent === undefined ? [owner] : ownedBy(owners, parent.uid);
  return siblings.flatMap((sibling) => ownedBy(pods, sibling.metadata.uid));
}

function planReplicas(kind: Pick<ReplicaKind<ReplicaOwner>, 'resource' | 'countsTerminating'>, state: ReplicaState, now: number): Plan<Action> {
  const { owner, selector } = state;
  const claimed = claim(owner, selector, state.candidates.filter((pod) => isActive(pod) || pod.metadata.deletionTimestamp !== undefined), PODS);
  const active = claimed.owned.filter(isActive);
  const difference = active.length - (owner.spec.replicas ?? 1);
  const status = replicaStatus(kind, owner, claimed.owned, now);
  const actions: Action[] = [...claimed.actions];
  const scaling = owner.metadata.deletionTimestamp !== undefined ? undefined : scale(state, active, difference, now);
  if (scaling !== undefined) {
    const failed = withFailure(status, difference < 0 ? 'FailedCreate' : 'FailedDelete', now);
    actions.push({ ...scaling, onFailure: [statusAction(kind.resource, owner, failed)] });
  }
  // Reached only when the pass worked: a throw in the batch stops before it.
  if (status.conditions !== undefined) status.conditions = status.conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (!sameStatus(owner.status, status)) actions.push(statusAction(kind.resource, owner, status));
  const againInMs = nextAvailableInMs(active, owner.spec.minReadySeconds, now);
  return { actions, ...(againInMs !== undefined && { againInMs }) };
}

function scale({ owner, related }: ReplicaState, active: Pod[], difference: number, now: number): Batch | undefined {
  if (difference === 0 || owner.spec.template === undefined) return undefined;
  if (difference < 0) {
    const draft = podFromTemplate(owner.spec.template, owner);
    const actions = Array.from({ length: Math.min(-difference, BURST_MAX) }, () => createPod(owner, draft));
    return { type: 'batch', slowStart: true, actions };
  }
  const surplus = deletionOrder(active, related, now).slice(0, Math.min(difference, BURST_MAX));
  return { type: 'batch', slowStart: false, actions: surplus.map((pod) => deletePod(owner, pod)) };
}

/** Creating and deleting a pod with the Events upstream tells about it. */
export function createPod(owner: KubeObject, draft: Draft<Pod>): Action {
  return create(PODS, draft, {
    done: note(owner, 'Normal', 'SuccessfulCreate', 'Created pod: $name'),
    failed: note(owner, 'Warning', 'FailedCreate', 'Error creating: $error'),
  });
}

export function deletePod(owner: KubeObject, pod: Pod): Action {
  return remove(PODS, pod, {}, {
    done: note(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`),
    failed: note(owner, 'Warning', 'FailedDelete', 'Error deleting: $error'),
  });
}

function replicaStatus(kind: { countsTerminating: boolean }, owner: ReplicaOwner, pods: Pod[], now: number): ReplicaStatus {
  const active = pods.filter(isActive);
  const labels = Object.entries(owner.spec.template?.metadata?.labels ?? {});
  const status: ReplicaStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => isAvailable(pod, owner.spec.minReadySeconds, now)).length,
    observedGeneration: owner.metadata.generation ?? 0,
  };
  if (kind.countsTerminating) status.terminatingReplicas = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded').length;
  if (owner.status?.conditions !== undefined) status.conditions = copy(owner.status.conditions);
  return status;
}

function withFailure(status: ReplicaStatus, reason: string, now: number): ReplicaStatus {
  const old = status.conditions?.find(({ type }) => type === 'ReplicaFailure');
  // The same failure again keeps its first words: each try names another pod, and each write would begin the next try.
  if (old?.status === 'True' && old.reason === reason) return status;
  const condition: ReplicaSetCondition = { type: 'ReplicaFailure', status: 'True', reason, message: '$error', lastTransitionTime: formatTime(now) };
  return { ...status, conditions: [...(status.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure'), condition] };
}

// Zero counts are left out, as the API writes them.
function statusAction(resource: Resource, owner: ReplicaOwner, status: ReplicaStatus): Action {
  const { replicas, conditions, terminatingReplicas, ...counts } = status;
  const shown = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
  const next = { replicas, ...shown, ...(terminatingReplicas !== undefined && { terminatingReplicas }), ...(conditions !== undefined && conditions.length > 0 && { conditions }) };
  return updateStatus(resource, { ...copy(owner), status: next } as KubeObject);
}

function sameStatus(left: ReplicaStatus | undefined, right: ReplicaStatus): boolean {
  const plain = ({ conditions, ...counts }: Partial<ReplicaStatus>): object => ({ ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)), replicas: counts.replicas ?? 0, terminating: counts.terminatingReplicas, conditions });
  return left !== undefined && sameWhenWritten(plain(left), plain(right));
}
