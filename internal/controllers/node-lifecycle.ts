// Node lifecycle: a node whose lease is not renewed becomes Unknown; conditions become taints; pods of a node that is gone quiet stop
// counting as ready. Who must leave because of the taints is taint-eviction's business.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy, formatTime, objectKey } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Lease, Node, NodeCondition, Pod, Taint } from '../kinds/generated/api-types.ts';
import { LEASES, NODES, PODS } from '../kinds/generated/resources.ts';
import { controllerLoop, note, updateStatus, type Action, type ControllerLoop } from './action.ts';
import { BY_NODE, conditionOf } from './pod-state.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
/** How long a node may be silent, and how long a new one may take to say its first word. */
const GRACE_MS = 50_000;
const STARTUP_GRACE_MS = 60_000;

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** Condition, its bad status, and the taint that tells schedulers. */
const PRESSURE_TAINTS: readonly [condition: string, status: string, taint: string][] = [
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
];
const MANAGED_TAINTS = new Set([NOT_READY, UNREACHABLE, 'node.kubernetes.io/unschedulable', ...PRESSURE_TAINTS.map(([, , taint]) => taint)]);

export interface NodeState {
  node: Node;
  lease: Lease | undefined;
  pods: Pod[];
}

export function nodeLifecycleLoop(): ControllerLoop<NodeState> {
  return controllerLoop<NodeState>({
    name: 'node-lifecycle-controller',
    user: 'system:serviceaccount:kube-system:node-controller',
    wakes: [wake(NODES, ({ metadata }) => [metadata.name])],
    resync: { everyMs: 5_000, keys: (views) => views.of(NODES).list().map(({ metadata }) => metadata.name) },
    observe(name, views) {
      const node = views.of(NODES).get('', name);
      return node === undefined ? undefined : { node, lease: views.of(LEASES).get(LEASE_NAMESPACE, name), pods: views.of(PODS).by(BY_NODE, name) };
    },
    plan,
  });
}

export function plan({ node, lease, pods }: NodeState, now: number): Plan<Action> {
  const silent = now - lastHeard(node, lease) > (readyOf(node)?.lastHeartbeatTime === undefined && lease === undefined ? STARTUP_GRACE_MS : GRACE_MS);
  const status = silent ? unknownStatus(node, now) : node.status;
  const judged: Node = { ...node, ...(status !== undefined && { status }) };
  const taints = taintsOf(judged, now);
  const actions: Action[] = [];
  if (!sameWhenWritten(status, node.status)) {
    actions.push(updateStatus(NODES, { ...copy(node), status: copy(status ?? {}) }));
    actions.push({ type: 'event', note: note(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`) });
  }
  if (!sameWhenWritten(taints, node.spec.taints)) actions.push(taintPatch(node, taints));
  if (readyOf(judged) !== undefined && readyOf(judged)?.status !== 'True') actions.push(...pods.flatMap((pod) => notReady(pod, now)));
  return { actions };
}

function readyOf(node: Node): NodeCondition | undefined {
  return node.status?.conditions?.find(({ type }) => type === 'Ready');
}

function lastHeard(node: Node, lease: Lease | undefined): number {
  const times = [node.metadata.creationTimestamp, lease?.spec?.renewTime, readyOf(node)?.status === 'Unknown' ? undefined : readyOf(node)?.lastHeartbeatTime];
  return Math.max(...times.map((time) => Date.parse(time ?? '') || 0));
}

function unknownStatus(node: Node, now: number): NonNullable<Node['status']> {
  const status = copy(node.status ?? {});
  const conditions = status.conditions ?? [];
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    const found = conditions.find((condition) => condition.type === type);
    const never = { type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime: formatTime(now) };
    if (found === undefined) conditions.push(never);
    else if (found.status !== 'Unknown') Object.assign(found, { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: formatTime(now) });
  }
  return { ...status, conditions };
}

/** The node's taints with those that follow from its conditions put right; others stay as they are. */
function taintsOf(node: Node, now: number): Taint[] {
  const wanted = wantedTaints(node);
  const old = node.spec.taints ?? [];
  const kept = old.filter((taint) => !MANAGED_TAINTS.has(taint.key) || wanted.some((each) => each.key === taint.key && each.effect === taint.effect));
  const added = wanted.filter((taint) => !old.some((each) => each.key === taint.key && each.effect === taint.effect));
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(now) }))];
}

function wantedTaints(node: Node): Taint[] {
  const ready = readyOf(node)?.status ?? 'Unknown';
  const key = ready === 'Unknown' ? UNREACHABLE : NOT_READY;
  const taints: Taint[] = [];
  if (node.spec.unschedulable === true) taints.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' });
  if (ready !== 'True') taints.push({ key, effect: 'NoSchedule' }, ...(readyOf(node) === undefined ? [] : [{ key, effect: 'NoExecute' as const }]));
  for (const [type, bad, taint] of PRESSURE_TAINTS) if (node.status?.conditions?.some((condition) => condition.type === type && condition.status === bad) === true) taints.push({ key: taint, effect: 'NoSchedule' });
  return taints;
}

function taintPatch(node: Node, taints: Taint[]): Action {
  // Of the revision it was planned from, unless the status was just written: then only the spec counts and the loop looks again.
  const next = taints.length === 0 ? null : taints;
  return { type: 'patch', resource: NODES, key: { namespace: '', name: node.metadata.name }, patch: { type: 'merge', body: { metadata: { uid: node.metadata.uid }, spec: { taints: next } } } };
}

function notReady(pod: Pod, now: number): Action[] {
  if (conditionOf(pod, 'Ready')?.status !== 'True' || pod.metadata.deletionTimestamp !== undefined) return [];
  const condition = { type: 'Ready', status: 'False', lastTransitionTime: formatTime(now) };
  const key = objectKey(pod);
  return [
    { type: 'patch', resource: PODS, key, patch: { type: 'strategic', body: { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } } }, subresource: 'status' },
    { type: 'event', note: note(pod, 'Warning', 'NodeNotReady', 'Node is not ready') },
  ];
}
