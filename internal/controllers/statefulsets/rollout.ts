// The next step of a StatefulSet, pure. OrderedReady goes one pod at a time: up in order of ordinals, each waiting for the one before to be
// available, down in reverse; Parallel does all it can at once. When there are as many pods as there should be, updates replace old ones
// from the highest ordinal down to the partition (upstream: pkg/controller/statefulset/stateful_set_control.go).
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '../../kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PODS } from '../../kinds/generated/resources.ts';
import { create, note, remove, update, type Action } from '../action.ts';
import { scaledValue } from '../deployments/replicas.ts';
import { isAvailable, isFinished, isReady } from '../pod-state.ts';
import { claimWithOwners, isClaimStale } from './claims.ts';
import { claimNameOf, claimsFor, corrected, hasIdentity, hasStorage, isInRange, newStatefulPod, ordinalOf, podNameOf, replicasOf, revisionNameOf, startOrdinal } from './pods.ts';

export interface Revision {
  name: string;
  template: PodTemplateSpec;
}

export interface StatefulPass {
  set: StatefulSet;
  current: Revision;
  next: Revision;
  pods: readonly Pod[];
  claimNamed(name: string): PersistentVolumeClaim | undefined;
  now: number;
}

export interface StatefulStep {
  actions: Action[];
  /** Pods of the current revision that this step deletes for the update: they no longer count. */
  leaving: number;
}

interface Move {
  actions: Action[];
  /** What comes after has to wait. */
  blocks: boolean;
}

export function nextStep(pass: StatefulPass): StatefulStep {
  const { set } = pass;
  if (set.metadata.deletionTimestamp !== undefined) return { actions: [], leaving: 0 };
  const slots = Array.from({ length: replicasOf(set) }, (_, index) => pass.pods.find((pod) => ordinalOf(pod) === startOrdinal(set) + index));
  const condemned = pass.pods.filter((pod) => ordinalOf(pod) >= 0 && !isInRange(set, ordinalOf(pod))).sort((left, right) => ordinalOf(right) - ordinalOf(left));
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const ailing = firstUnavailable(pass, slots, condemned);
  const moves = [
    slots.map((pod, index) => () => keep(pass, startOrdinal(set) + index, pod)),
    condemned.map((pod) => () => ({ actions: ownClaims(pass, pod), blocks: false })),
    condemned.map((pod) => () => retire(pass, pod, ailing)),
  ];
  const actions: Action[] = [];
  for (const group of moves) {
    const { actions: more, blocks } = ordered ? inOrder(group) : atOnce(group);
    actions.push(...more);
    if (blocks) return { actions, leaving: 0 };
  }
  const leaving = outdated(pass, slots);
  return { actions: [...actions, ...leaving.map((pod) => deletePod(pass, pod))], leaving: leaving.filter((pod) => revisionNameOf(pod) === pass.current.name).length };
}

function inOrder(moves: readonly (() => Move)[]): Move {
  const actions: Action[] = [];
  for (const move of moves) {
    const made = move();
    actions.push(...made.actions);
    if (made.blocks) return { actions, blocks: true };
  }
  return { actions, blocks: false };
}

function atOnce(moves: readonly (() => Move)[]): Move {
  const sequences = moves.map((move) => move().actions).filter(({ length }) => length > 0).map((actions): Action => ({ type: 'sequence', actions }));
  return { actions: sequences.length === 0 ? [] : [{ type: 'batch', slowStart: true, actions: sequences }], blocks: false };
}

/** What one ordinal within the range needs. Whoever exited is replaced, whatever the exit code: eviction looks like any other end. */
function keep(pass: StatefulPass, ordinal: number, pod: Pod | undefined): Move {
  const { set } = pass;
  if (pod === undefined) return { actions: startPod(pass, ordinal), blocks: true };
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  if (isFinished(pod)) return { actions: terminating ? [] : [deletePod(pass, pod)], blocks: true };
  const claims = pod.status?.phase === 'Pending' ? [...missingClaims(pass, pod.metadata.name, ordinal), ...ownClaims(pass, pod)] : [];
  if (set.spec.podManagementPolicy !== 'Parallel' && (terminating || !isAvailable(pod, set.spec.minReadySeconds, pass.now) || pod.status?.phase !== 'Running')) return { actions: claims, blocks: true };
  const owned = claims.length > 0 ? claims : ownClaims(pass, pod);
  if (hasIdentity(set, pod) && hasStorage(set, pod)) return { actions: owned, blocks: false };
  const missing = hasStorage(set, pod) || pod.status?.phase === 'Pending' ? [] : missingClaims(pass, pod.metadata.name, ordinal);
  return { actions: [...missing, ...owned, update(PODS, corrected(set, pod), told(set, 'Update', pod.metadata.name))], blocks: false };
}

function retire(pass: StatefulPass, pod: Pod, ailing: Pod | undefined): Move {
  if (pod.metadata.deletionTimestamp !== undefined) return { actions: [], blocks: true };
  const healthy = pod.status?.phase === 'Running' && isReady(pod) && isAvailable(pod, pass.set.spec.minReadySeconds, pass.now);
  if (pass.set.spec.podManagementPolicy !== 'Parallel' && !healthy && pod !== ailing) return { actions: [], blocks: true };
  return { actions: [deletePod(pass, pod)], blocks: true };
}

/** Old pods that go now, highest ordinals first. */
function outdated(pass: StatefulPass, slots: readonly (Pod | undefined)[]): Pod[] {
  const { type = 'RollingUpdate', rollingUpdate } = pass.set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return [];
  const isOld = (pod: Pod): boolean => revisionNameOf(pod) !== pass.next.name && pod.metadata.deletionTimestamp === undefined;
  const targets = slots.slice(rollingUpdate?.partition ?? 0).reverse();
  if (rollingUpdate?.maxUnavailable === undefined) {
    for (const pod of targets) {
      if (pod !== undefined && isOld(pod)) return [pod];
      if (isUnavailable(pass, pod)) return [];
    }
    return [];
  }
  const most = Math.max(1, scaledValue(rollingUpdate.maxUnavailable, slots.length, Math.floor));
  const room = most - slots.filter((pod) => isUnavailable(pass, pod)).length;
  return targets.filter((pod) => pod !== undefined && isOld(pod)).slice(0, Math.max(0, room)) as Pod[];
}

function isUnavailable({ set, now }: StatefulPass, pod: Pod | undefined): boolean {
  return pod === undefined || pod.metadata.deletionTimestamp !== undefined || !isAvailable(pod, set.spec.minReadySeconds, now);
}

// A pod that is still to be made comes before all condemned ones.
function firstUnavailable(pass: StatefulPass, slots: readonly (Pod | undefined)[], condemned: readonly Pod[]): Pod | undefined {
  const index = slots.findIndex((pod) => isUnavailable(pass, pod));
  return index >= 0 ? slots[index] : condemned.findLast((pod) => isUnavailable(pass, pod));
}

function startPod(pass: StatefulPass, ordinal: number): Action[] {
  const { set } = pass;
  const name = podNameOf(set, ordinal);
  const claims = claimsFor(set, ordinal).map(({ metadata }) => pass.claimNamed(metadata.name)).filter((claim) => claim !== undefined);
  const future = { apiVersion: 'v1', kind: 'Pod', metadata: { name, uid: '' } };
  if (claims.some((claim) => claim.metadata.deletionTimestamp !== undefined || isClaimStale(claim, set, future))) return [];
  return [...missingClaims(pass, name, ordinal), create(PODS, newStatefulPod(set, ordinal, revisionFor(pass, ordinal)), told(set, 'Create', name))];
}

// Below the partition, and where the update has not come yet, lost pods come back as they were.
function revisionFor({ set, current, next }: StatefulPass, ordinal: number): Revision {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return next;
  return ordinal < startOrdinal(set) + (rollingUpdate === undefined ? set.status?.currentReplicas ?? 0 : rollingUpdate.partition ?? 0) ? current : next;
}

function missingClaims({ set, claimNamed }: StatefulPass, pod: string, ordinal: number): Action[] {
  return claimsFor(set, ordinal).filter(({ metadata }) => claimNamed(metadata.name) === undefined).map((claim) => create(PERSISTENTVOLUMECLAIMS, claim, {
    done: note(set, 'Normal', 'SuccessfulCreate', `Create Claim ${claim.metadata.name} Pod ${pod} in StatefulSet ${set.metadata.name} success`),
    failed: note(set, 'Warning', 'FailedCreate', `Create Claim ${claim.metadata.name} for Pod ${pod} in StatefulSet ${set.metadata.name} failed error: $error`),
    tolerate: ['AlreadyExists'],
  }));
}

function ownClaims({ set, claimNamed }: StatefulPass, pod: Pod): Action[] {
  return (set.spec.volumeClaimTemplates ?? []).flatMap((template) => {
    const claim = claimNamed(claimNameOf(set, template, ordinalOf(pod)));
    const next = claim === undefined ? undefined : claimWithOwners(claim, set, pod);
    return next === undefined ? [] : [update(PERSISTENTVOLUMECLAIMS, next)];
  });
}

function deletePod({ set }: StatefulPass, pod: Pod): Action {
  return remove(PODS, pod, {}, told(set, 'Delete', pod.metadata.name));
}

function told(set: StatefulSet, verb: 'Create' | 'Update' | 'Delete', pod: string): { done: ReturnType<typeof note>; failed: ReturnType<typeof note> } {
  const what = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
  return { done: note(set, 'Normal', `Successful${verb}`, `${what} successful`), failed: note(set, 'Warning', `Failed${verb}`, `${what} failed error: $error`) };
}
