// DaemonSet: one pod on every node that its template fits, replaced when it fails, renewed by RollingUpdate (maxSurge, maxUnavailable) or
// when deleted (OnDelete); templates are remembered as ControllerRevisions. See rollout.ts for who goes and who comes.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { controllerOf, copy, keyOf, parseKey, type KubeObject } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod } from '../../kinds/generated/api-types.ts';
import { CONTROLLERREVISIONS, DAEMONSETS, NODES, PODS } from '../../kinds/generated/resources.ts';
import { controllerLoop, note, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { claim } from '../claim.ts';
import { historyOf, REVISION_HASH, surplusRevisions } from '../controller-revision.ts';
import { adopterKeys, isAvailable, isFinished, isReady, nextAvailableInMs, orphansIn, ownedBy, ownerKeys } from '../pod-state.ts';
import { createPod, deletePod } from '../replicasets/replicas.ts';
import { daemonPod, isUpdated, targetNode } from './pods.ts';
import { byBinding, daemonPass, placement, rollout, type DaemonPass, type DaemonStep } from './rollout.ts';

const BURST_MAX = 250;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 15 * 60_000;

export interface DaemonSetState {
  set: DaemonSet;
  nodes: Node[];
  /** Owned, or in the namespace without an owner. */
  pods: Pod[];
  revisions: ControllerRevision[];
  named(name: string): KubeObject | undefined;
  /** How often in a row a pod of the set failed on this node before. */
  failures(node: string): number;
}

export function daemonSetLoop(): ControllerLoop<DaemonSetState> {
  const failures = failureCounts();
  return controllerLoop<DaemonSetState>({
    name: 'daemon-set-controller',
    wakes: [
      wake(DAEMONSETS, (set, views) => {
        if (views.of(DAEMONSETS).get(set.metadata.namespace ?? '', set.metadata.name) === undefined) failures.forget(set.metadata.uid);
        return [keyOf(set)];
      }),
      wake(PODS, (pod, views, previous) => {
        failures.watch(pod, views);
        return [pod, ...(previous === undefined ? [] : [previous])].flatMap((each) => keysOfPod(each, views));
      }),
      wake(NODES, (node, views, previous) => (previous === undefined || isOtherwise(node, previous) || views.of(NODES).get('', node.metadata.name) === undefined ? views.of(DAEMONSETS).list().map(keyOf) : [])),
      wake(CONTROLLERREVISIONS, (revision) => ownerKeys(revision, 'DaemonSet') ?? []),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const set = views.of(DAEMONSETS).get(namespace, name);
      if (set === undefined) return undefined;
      const [pods, revisions] = [views.of(PODS), views.of(CONTROLLERREVISIONS)];
      return {
        set,
        nodes: views.of(NODES).list(),
        pods: [...ownedBy(pods, set.metadata.uid), ...orphansIn(pods, namespace)],
        revisions: [...ownedBy(revisions, set.metadata.uid), ...orphansIn(revisions, namespace)],
        named: (wanted) => revisions.get(namespace, wanted),
        failures: (node) => failures.count(set.metadata.uid, node),
      };
    },
    plan,
  });
}

function keysOfPod(pod: Pod, views: Views): string[] {
  return ownerKeys(pod, 'DaemonSet') ?? adopterKeys(pod, views.of(DAEMONSETS), ({ spec }) => spec.selector);
}

// Heartbeats change a node's status every few seconds, which is no concern of ours.
function isOtherwise(node: Node, previous: Node): boolean {
  return !sameWhenWritten(node.metadata.labels, previous.metadata.labels) || !sameWhenWritten(node.spec, previous.spec);
}

export function plan(state: DaemonSetState, now: number): Plan<Action> {
  const { set } = state;
  if (set.metadata.deletionTimestamp !== undefined) return { actions: [] };
  const revisions = claim(set, set.spec.selector, state.revisions, CONTROLLERREVISIONS);
  const history = historyOf(set, revisions.owned, REVISION_HASH, state.named);
  if (history.collides) return { actions: [...revisions.actions, updateStatus(DAEMONSETS, { ...copy(set), status: { ...statusOf(set), collisionCount: (set.status?.collisionCount ?? 0) + 1 } })] };
  const pods = claim(set, set.spec.selector, state.pods, PODS);
  const live = pods.owned.filter((pod) => !(isFinished(pod) && pod.metadata.deletionTimestamp !== undefined));
  const pass = daemonPass(set, state.nodes, byNode(live), { hash: history.current.metadata.labels?.[REVISION_HASH] ?? '', now });
  const waits: number[] = [];
  const placed = placement(pass, (pod) => {
    const wait = retryInMs(pod, state.failures(targetNode(pod) ?? ''), now);
    if (wait > 0) waits.push(wait);
    return wait <= 0;
  });
  const step = placed.starts.length + placed.deletes.length > 0 ? placed : rollout(pass);
  const status = statusAction(pass);
  const used = new Set(pods.owned.map(({ metadata }) => metadata.labels?.[REVISION_HASH]));
  const actions = [
    ...revisions.actions, ...history.actions, ...pods.actions,
    ...stepActions(pass, step, status),
    ...surplusRevisions(history.old, set.spec.revisionHistoryLimit, ({ metadata }) => used.has(metadata.labels?.[REVISION_HASH])),
    ...status,
  ];
  const available = nextAvailableInMs(live, set.spec.minReadySeconds, now);
  if (available !== undefined) waits.push(available);
  return { actions, ...(waits.length > 0 && { againInMs: Math.min(...waits) }) };
}

function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const result = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod);
    if (node === undefined) continue;
    const there = result.get(node);
    if (there === undefined) result.set(node, [pod]);
    else there.push(pod);
  }
  return result;
}

/** A pod that fails again and again is replaced ever more rarely: kubelet and DaemonSet would fight over it. */
function retryInMs(pod: Pod, failures: number, now: number): number {
  if (failures === 0) return 0;
  return Date.parse(pod.metadata.creationTimestamp) + Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(30, failures - 1)) - now;
}

function stepActions({ set, hash }: DaemonPass, { starts, deletes, finished }: DaemonStep, onFailure: Action[]): Action[] {
  if (starts.length + deletes.length === 0) return [];
  const events = finished.map((pod): Action => ({ type: 'event', note: noteOf(set, pod) }));
  const creates: Action = { type: 'batch', slowStart: true, actions: starts.slice(0, BURST_MAX).map((node) => createPod(set, daemonPod(set, node, hash))) };
  const removes: Action = { type: 'batch', slowStart: false, actions: deletes.slice(0, BURST_MAX).map((pod) => deletePod(set, pod)) };
  return [...events, { type: 'batch', slowStart: false, actions: [creates, removes], onFailure }];
}

function noteOf(set: DaemonSet, pod: Pod): ReturnType<typeof note> {
  const { namespace = '', name } = pod.metadata;
  const where = `daemon pod ${namespace}/${name} on node ${targetNode(pod) ?? ''}`;
  if (pod.status?.phase === 'Succeeded') return note(set, 'Normal', 'SucceededDaemonPod', `Found succeeded ${where}, will try to delete it`);
  return note(set, 'Warning', 'FailedDaemonPod', `Found failed ${where}, will try to kill it`);
}

function statusOf({ status }: DaemonSet): DaemonSetStatus {
  return copy(status ?? { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 });
}

function statusAction({ set, nodes, pods, hash, now }: DaemonPass): Action[] {
  const counts = { updatedNumberScheduled: 0, numberAvailable: 0, numberUnavailable: 0 };
  const { updatedNumberScheduled: _u, numberAvailable: _a, numberUnavailable: _n, ...kept } = statusOf(set);
  const status: DaemonSetStatus = { ...kept, currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0, observedGeneration: set.metadata.generation ?? 0 };
  for (const [name, { verdict }] of nodes) {
    const [first] = byBinding(pods.get(name) ?? []);
    if (!verdict.shouldRun) status.numberMisscheduled += first === undefined ? 0 : 1;
    else status.desiredNumberScheduled++;
    if (!verdict.shouldRun || first === undefined) continue;
    status.currentNumberScheduled++;
    if (isReady(first)) status.numberReady++;
    if (isAvailable(first, set.spec.minReadySeconds, now)) counts.numberAvailable++;
    if (isUpdated(first, set, hash)) counts.updatedNumberScheduled++;
  }
  counts.numberUnavailable = status.desiredNumberScheduled - counts.numberAvailable;
  for (const [field, count] of Object.entries(counts)) if (count > 0) status[field as keyof typeof counts] = count;
  return sameWhenWritten(status, set.status) ? [] : [updateStatus(DAEMONSETS, { ...copy(set), status })];
}

interface FailureCounts {
  count(uid: string, node: string): number;
  /** Sees every change of a pod: a failed one that has gone counts, one that got ready starts anew. */
  watch(pod: Pod, views: Views): void;
  forget(uid: string): void;
}

function failureCounts(): FailureCounts {
  const counts = new Map<string, Map<string, number>>();
  return {
    count: (uid, node) => counts.get(uid)?.get(node) ?? 0,
    watch(pod, views) {
      const owner = controllerOf(pod);
      if (owner?.kind !== 'DaemonSet') return;
      const node = targetNode(pod) ?? '';
      const nodes = counts.get(owner.uid);
      if (isReady(pod)) return void nodes?.delete(node);
      if (pod.status?.phase !== 'Failed' || views.of(PODS).get(pod.metadata.namespace ?? '', pod.metadata.name) !== undefined) return;
      if (nodes === undefined) counts.set(owner.uid, new Map([[node, 1]]));
      else nodes.set(node, (nodes.get(node) ?? 0) + 1);
    },
    forget: (uid) => void counts.delete(uid),
  };
}
