// One scheduling pass, pure: every pending pod in order of priority and age, each placed on the snapshot so that the next one sees it.
// Out comes what to bind, what to say about pods that fit nowhere, and who must leave for whom.
import { copy, formatTime } from '../api/meta.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, PodCondition, PodDisruptionBudget } from '../kinds/generated/api-types.ts';
import { boundVolume, VOLUME_ANNOTATION } from '../kinds/core/volume-binding.ts';
import { needsOf, refusal, type PodNeeds, type Refusal } from './filters.ts';
import { availabilityMessage, preempt, priorityOf } from './preemption.ts';
import { bestNode } from './scores.ts';
import { addPod, nodeState, type NodeState, type Snapshot } from './snapshot.ts';
import { grantClaims, type Grant } from './claims.ts';
import { bindingOn } from './volumes.ts';

export interface SchedulingState extends Omit<Snapshot, 'nodes'> {
  nodes: readonly Node[];
  podsOf(node: string): readonly Pod[];
  pending: readonly Pod[];
  budgets: readonly PodDisruptionBudget[];
}

export type Decision =
  /** Claims are written before. */
  | { type: 'bind'; pod: Pod; node: string; grants?: Grant[] }
  /** Volumes are given to claims, the others' provisioner is told the node; the pod is bound once they all are. */
  | { type: 'choose'; pod: Pod; gifts: PersistentVolume[]; claims: PersistentVolumeClaim[]; node: string }
  | { type: 'reject'; pod: Pod; condition: PodCondition; nominate?: string; changed: boolean }
  | { type: 'evict'; pod: Pod; victims: Pod[]; node: string };

export function schedule(state: SchedulingState, now: number): Decision[] {
  const nodes = new Map(state.nodes.map((node) => [node.metadata.name, nodeState(node, state.podsOf(node.metadata.name).filter(isLive))]));
  const snapshot: Snapshot = { nodes, namespace: (name) => state.namespace(name), volumes: state.volumes, claims: state.claims };
  return inOrder(state.pending).flatMap((pod) => decide(pod, snapshot, state.budgets, now));
}

function isLive({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function inOrder(pods: readonly Pod[]): Pod[] {
  return pods.toSorted((left, right) => priorityOf(right) - priorityOf(left) || Date.parse(left.metadata.creationTimestamp) - Date.parse(right.metadata.creationTimestamp) || (left.metadata.name < right.metadata.name ? -1 : 1));
}

function decide(pod: Pod, snapshot: Snapshot, budgets: readonly PodDisruptionBudget[], now: number): Decision[] {
  if (snapshot.nodes.size === 0) return [rejected(pod, 'no nodes available to schedule pods', undefined, now)];
  const needs = needsOf(pod, snapshot);
  const refusals = new Map<NodeState, Refusal>();
  const feasible: NodeState[] = [];
  for (const node of snapshot.nodes.values()) {
    const verdict = blockedBy(needs) === undefined ? refusal(needs, node) : { reasons: [blockedBy(needs) ?? ''], resolvable: false };
    if (verdict === undefined) feasible.push(node);
    else refusals.set(node, verdict);
  }
  const nominated = feasible.find(({ name }) => name === pod.status?.nominatedNodeName);
  const chosen = nominated ?? bestNode(needs, feasible);
  return chosen === undefined ? noRoom(needs, snapshot, budgets, refusals, now) : placed(needs, chosen, now);
}

/** Why no node will do, whichever it is. */
function blockedBy({ volumes, claims }: PodNeeds): string | undefined {
  return volumes.blocked ?? claims.blocked;
}

function placed(needs: PodNeeds, chosen: NodeState, now: number): Decision[] {
  const { pod, volumes } = needs;
  addPod(chosen, pod);
  if (volumes.waiting.length === 0) {
    const grants = grantClaims(needs.claims, chosen.node, now);
    return [{ type: 'bind', pod, node: chosen.name, ...(grants.length > 0 && { grants }) }];
  }
  const { given, provisioned } = bindingOn(chosen.node, volumes.waiting, volumes.source) ?? { given: [], provisioned: [] };
  for (const { volume } of given) volumes.source.taken.add(volume.metadata.name);
  const gifts = given.flatMap(({ claim, volume }) => boundVolume(volume, claim) ?? []);
  const claims = provisioned.filter(({ metadata }) => metadata.annotations?.[VOLUME_ANNOTATION.selectedNode] === undefined);
  return gifts.length + claims.length === 0 ? [] : [{ type: 'choose', pod, gifts, claims, node: chosen.name }];
}

function noRoom(needs: PodNeeds, snapshot: Snapshot, budgets: readonly PodDisruptionBudget[], refusals: ReadonlyMap<NodeState, Refusal>, now: number): Decision[] {
  const { pod } = needs;
  const blocked = blockedBy(needs);
  const reasons = new Map<string, number>();
  for (const { reasons: each } of refusals.values()) for (const reason of each) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const why = blocked === undefined ? availabilityMessage(snapshot.nodes.size, reasons) : `0/${String(snapshot.nodes.size)} nodes are available: ${blocked}.`;
  const outcome = preempt({ pod, snapshot, budgets, refusals });
  if (typeof outcome === 'string') {
    // What it was promised stays kept for it while those before it are leaving.
    const promised = snapshot.nodes.get(pod.status?.nominatedNodeName ?? '');
    if (promised !== undefined) addPod(promised, pod);
    // Upstream's plugin of claims speaks before preemption does, of pods without any too.
    const claims = (pod.spec.resourceClaims ?? []).length === 0 ? 'no new claims to deallocate' : 'still not schedulable';
    return [rejected(pod, `${why} ${claims}, preemption: ${outcome}`, undefined, now)];
  }
  addPod(outcome.node, pod);
  return [{ type: 'evict', pod, victims: outcome.victims, node: outcome.node.name }, rejected(pod, why, outcome.node.name, now)];
}

function rejected(pod: Pod, message: string, nominate: string | undefined, now: number): Decision {
  const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const lastTransitionTime = old?.status === 'False' ? old.lastTransitionTime ?? formatTime(now) : formatTime(now);
  const condition: PodCondition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime, observedGeneration: pod.metadata.generation ?? 0 };
  const changed = old?.message !== message || old.reason !== 'Unschedulable' || (nominate !== undefined && nominate !== pod.status?.nominatedNodeName);
  return { type: 'reject', pod: copy(pod), condition, changed, ...(nominate !== undefined && { nominate }) };
}
