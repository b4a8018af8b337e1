// Pod garbage collector: pods of nodes that no longer exist (after a while, as a node may be on its way), terminating pods that were never
// bound, terminating pods on nodes marked out of service, and the oldest finished pods beyond a threshold.
import { formatTime, keyOf, objectKey, parseKey } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Views } from '../informer/view.ts';
import type { Node, Pod } from '../kinds/generated/api-types.ts';
import { NODES, PODS } from '../kinds/generated/resources.ts';
import { controllerLoop, remove, type Action, type ControllerLoop } from './action.ts';
import { BY_NODE, isFinished } from './pod-state.ts';

const EVERY_MS = 20_000;
const QUARANTINE_MS = 40_000;
const FINISHED_MAX = 12_500;
const FINISHED = '\0finished';

export interface PodGarbageState {
  /** The pod of the key with its node; absent for the pass over finished pods. */
  pod?: Pod;
  node?: Node | undefined;
  finished: Pod[];
}

export function podGarbageLoop(): ControllerLoop<PodGarbageState> {
  return controllerLoop<PodGarbageState>({
    name: 'pod-garbage-collector',
    wakes: [
      wake(PODS, (pod) => (pod.metadata.deletionTimestamp !== undefined ? [keyOf(pod)] : [])),
      wake(NODES, (node, views) => (views.of(NODES).get('', node.metadata.name) === undefined ? keysOfNode(node.metadata.name, views) : [])),
    ],
    resync: { everyMs: EVERY_MS, keys: suspects },
    observe(key, views) {
      if (key === FINISHED) return { finished: views.of(PODS).list().filter(isFinished) };
      const { namespace, name } = parseKey(key);
      const pod = views.of(PODS).get(namespace, name);
      return pod === undefined ? undefined : { pod, node: views.of(NODES).get('', pod.spec.nodeName ?? ''), finished: [] };
    },
    plan,
  });
}

function keysOfNode(node: string, views: Views): string[] {
  return views.of(PODS).by(BY_NODE, node).map(keyOf);
}

function suspects(views: Views): string[] {
  const nodes = new Set(views.of(NODES).list().map(({ metadata }) => metadata.name));
  const pods = views.of(PODS).list().filter(({ spec }) => spec.nodeName !== undefined && spec.nodeName !== '' && !nodes.has(spec.nodeName));
  return [FINISHED, ...pods.map(keyOf)];
}

export function plan(state: PodGarbageState, now: number): Plan<Action> {
  const { pod, node } = state;
  if (pod === undefined) return { actions: surplus(state).flatMap((each) => failAndDelete(each, now)) };
  const deleting = pod.metadata.deletionTimestamp !== undefined;
  const bound = pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
  if (!bound) return { actions: deleting ? failAndDelete(pod, now) : [] };
  if (node === undefined) return orphaned(pod, now);
  const outOfService = node.spec.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') === true;
  const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return { actions: deleting && outOfService && !ready ? failAndDelete(pod, now) : [] };
}

// A pod may be bound a moment before its node shows again (a node that registers anew): it is given time from the pod's own last change.
function orphaned(pod: Pod, now: number): Plan<Action> {
  const since = Math.max(...[pod.metadata.creationTimestamp, pod.metadata.deletionTimestamp, ...(pod.status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime)].map((time) => Date.parse(time ?? '') || 0).filter((time) => time <= now));
  const waitMs = since + QUARANTINE_MS - now;
  if (waitMs > 0) return { actions: [], againInMs: waitMs };
  return { actions: failAndDelete(pod, now, { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }) };
}

function surplus({ finished }: PodGarbageState): Pod[] {
  if (finished.length <= FINISHED_MAX) return [];
  const evicted = (pod: Pod): number => (pod.status?.reason === 'Evicted' ? 0 : 1);
  const created = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp);
  return finished.toSorted((left, right) => evicted(left) - evicted(right) || created(left) - created(right)).slice(0, finished.length - FINISHED_MAX);
}

function failAndDelete(pod: Pod, now: number, condition?: { type: string; status: string; reason: string; message: string }): Action[] {
  const actions: Action[] = [];
  if (!isFinished(pod)) {
    const conditions = condition === undefined ? undefined : [{ ...condition, lastTransitionTime: formatTime(now) }];
    const body = { metadata: { uid: pod.metadata.uid }, status: { phase: 'Failed', ...(conditions !== undefined && { conditions }) } };
    actions.push({ type: 'patch', resource: PODS, key: objectKey(pod), patch: { type: 'strategic', body }, subresource: 'status' });
  }
  return [...actions, remove(PODS, pod, { gracePeriodSeconds: 0 })];
}
