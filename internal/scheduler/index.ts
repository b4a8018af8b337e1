// The scheduler as a loop with one key: a pass over all pending pods (pass.ts) whenever one appears, or something changed that could make
// room. What it bound is in the views before the next pass (the runner's guard), so there is no cache of assumed pods. A pod that could not
// be bound is left out of passes for a while, so that it does not hold up the others.
import { isReason, messageOf } from '../base/errors.ts';
import { formatTime, objectKey, type KubeObject } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import { wake, type Acting, type Loop, type Plan } from '../informer/loop.ts';
import type { Index, Views } from '../informer/view.ts';
import type { Node, Pod } from '../kinds/generated/api-types.ts';
import { CSIDRIVERS, CSINODES, CSISTORAGECAPACITIES, DEVICECLASSES, NAMESPACES, NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODDISRUPTIONBUDGETS, PODS, RESOURCECLAIMS, RESOURCESLICES, STORAGECLASSES, VOLUMEATTACHMENTS } from '../kinds/generated/resources.ts';
import { VOLUME_ANNOTATION } from '../kinds/core/volume-binding.ts';
import type { CsiSource } from './snapshot.ts';
import { writeGrant } from './claim-grant.ts';
import { schedule, type Decision, type SchedulingState } from './pass.ts';

/** For whom the scheduler speaks. */
export const SCHEDULER_USER = 'system:kube-scheduler';

/** Pods name it in spec.schedulerName, and its Events say so. */
export const SCHEDULER_NAME = 'default-scheduler';
const KEY = 'pending';
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 10_000;
/** Pods that fit nowhere are looked at again now and then, whatever the wakes missed. */
const FLUSH_MS = 300_000;

const BY_NODE: Index<Pod> = { name: 'nodeName', values: ({ spec }) => (spec.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName]) };
const PENDING: Index<Pod> = { name: 'pending', values: (pod) => (isPending(pod) ? [KEY] : []) };

interface State {
  scheduling: SchedulingState;
  /** Pods left out until a time. */
  waiting: readonly number[];
}

export type SchedulerAction = { type: 'bindAll'; decisions: Extract<Decision, { type: 'bind' }>[] } | Exclude<Decision, { type: 'bind' }>;

export function createScheduler(): Loop<State, SchedulerAction> {
  const failures = new Map<string, { attempts: number; retryAt: number }>();
  const ours = (pod: Pod): boolean => (pod.spec.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME;
  let clock: Acting['clock'] | undefined;
  return {
    name: 'scheduler',
    concurrency: 1,
    wakes: wakes(ours),
    resync: { everyMs: FLUSH_MS, keys: (views) => (hasPending(views) ? [KEY] : []) },
    observe(_key, views) {
      const now = clock?.now() ?? 0;
      const pending = views.of(PODS).by(PENDING, KEY).filter(ours);
      const held = pending.flatMap((pod) => failures.get(pod.metadata.uid)?.retryAt ?? []).filter((at) => at > now);
      const free = pending.filter((pod) => (failures.get(pod.metadata.uid)?.retryAt ?? 0) <= now);
      return pending.length === 0 ? undefined : { scheduling: stateOf(views, free), waiting: held };
    },
    plan,
    async act(action, acting) {
      clock = acting.clock;
      if (action.type !== 'bindAll') return carryOut(action, acting);
      const failed = (await Promise.all(action.decisions.map((decision) => bind(decision, acting, failures)))).find((error) => error !== undefined);
      if (failed !== undefined) throw failed;
    },
  };
}

export function plan({ scheduling, waiting }: State, now: number): Plan<SchedulerAction> {
  const decisions = schedule(scheduling, now);
  const binds = decisions.filter((decision) => decision.type === 'bind');
  const others = decisions.filter((decision) => decision.type !== 'bind').filter((decision) => decision.type !== 'reject' || decision.changed);
  const againInMs = waiting.length === 0 ? undefined : Math.max(1, Math.min(...waiting) - now);
  return { actions: [...(binds.length > 0 ? [{ type: 'bindAll', decisions: binds } as const] : []), ...others], ...(againInMs !== undefined && { againInMs }) };
}

function isPending({ spec, status, metadata }: Pod): boolean {
  if (spec.nodeName !== undefined && spec.nodeName !== '') return false;
  return metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && (spec.schedulingGates ?? []).length === 0;
}

function hasPending(views: Views): boolean {
  return views.of(PODS).by(PENDING, KEY).length > 0;
}

function wakes(ours: (pod: Pod) => boolean): Loop['wakes'] {
  const ifPending = (_object: KubeObject, views: Views): string[] => (hasPending(views) ? [KEY] : []);
  return [
    wake(PODS, (pod, views, previous) => {
      if (isPending(pod)) return ours(pod) && (previous === undefined || !sameWishes(pod, previous)) ? [KEY] : [];
      const shown = views.of(PODS).get(pod.metadata.namespace ?? '', pod.metadata.name);
      const statusOnly = previous !== undefined && shown?.metadata.uid === pod.metadata.uid && sameWishes(pod, previous) && previous.status?.phase === pod.status?.phase;
      return statusOnly ? [] : ifPending(pod, views);
    }),
    wake(NODES, (node, views, previous) => (previous !== undefined && roomOf(node) === roomOf(previous) ? [] : ifPending(node, views))),
    wake(PERSISTENTVOLUMECLAIMS, ifPending),
    wake(PERSISTENTVOLUMES, ifPending),
    ...[STORAGECLASSES, CSINODES, CSIDRIVERS, CSISTORAGECAPACITIES, VOLUMEATTACHMENTS, RESOURCECLAIMS, RESOURCESLICES, DEVICECLASSES].map((resource) => wake(resource as Resource, ifPending)),
  ];
}

function sameWishes(pod: Pod, previous: Pod): boolean {
  const wishes = ({ metadata, spec, status }: Pod): string => JSON.stringify([metadata.generation, metadata.deletionTimestamp, metadata.labels, spec.nodeName, spec.schedulingGates, status?.resourceClaimStatuses]);
  return wishes(pod) === wishes(previous);
}

function roomOf({ metadata, spec, status }: Node): string {
  return JSON.stringify([metadata.labels, spec.taints, spec.unschedulable, status?.allocatable]);
}

function stateOf(views: Views, pending: readonly Pod[]): SchedulingState {
  const pods = views.of(PODS);
  return {
    nodes: views.of(NODES).list(),
    podsOf: (node) => pods.by(BY_NODE, node),
    pending,
    budgets: views.of(PODDISRUPTIONBUDGETS).list(),
    namespace: (name) => views.of(NAMESPACES).get('', name),
    volumes: {
      claim: (namespace, name) => views.of(PERSISTENTVOLUMECLAIMS).get(namespace, name),
      volume: (name) => views.of(PERSISTENTVOLUMES).get('', name),
      storageClass: (name) => views.of(STORAGECLASSES).get('', name),
      all: () => views.of(PERSISTENTVOLUMES).list(),
      taken: new Set(),
      csi: csiSource(views),
    },
    claims: {
      claim: (namespace, name) => views.of(RESOURCECLAIMS).get(namespace, name),
      all: () => views.of(RESOURCECLAIMS).list(),
      slices: () => views.of(RESOURCESLICES).list(),
      deviceClass: (name) => views.of(DEVICECLASSES).get('', name),
      made: new Map(),
    },
  };
}

function csiSource(views: Views): CsiSource {
  return {
    driver: (name) => views.of(CSIDRIVERS).get('', name),
    node: (name) => views.of(CSINODES).get('', name),
    attachedTo: (node) => views.of(VOLUMEATTACHMENTS).list().filter(({ spec }) => spec.nodeName === node).flatMap(({ spec }) => {
      const handle = views.of(PERSISTENTVOLUMES).get('', spec.source.persistentVolumeName ?? '')?.spec.csi?.volumeHandle;
      return handle === undefined ? [] : [[`${spec.attacher}/${handle}`, spec.attacher] as const];
    }),
    capacities: () => views.of(CSISTORAGECAPACITIES).list(),
  };
}

// Binding one pod must not fail the others: its error is told to the pod, given back, and the pod sits out the next passes.
async function bind({ pod, node, grants = [] }: Extract<Decision, { type: 'bind' }>, acting: Acting, failures: Map<string, { attempts: number; retryAt: number }>): Promise<unknown> {
  const { namespace = '', name, uid } = pod.metadata;
  try {
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    for (const grant of grants) await writeGrant(grant, pod, acting);
    await acting.client.createSub(PODS, { namespace, name }, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target });
    failures.delete(uid);
    acting.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`, { action: 'Binding' });
    return undefined;
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    const attempts = (failures.get(uid)?.attempts ?? 0) + 1;
    failures.set(uid, { attempts, retryAt: acting.clock.now() + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (attempts - 1)) });
    acting.event(pod, 'Warning', 'FailedScheduling', `running Bind plugin "DefaultBinder": ${messageOf(error)}`, { action: 'Scheduling' });
    return error;
  }
}

async function carryOut(decision: Exclude<Decision, { type: 'bind' }>, acting: Acting): Promise<void> {
  const { client } = acting;
  const key = objectKey(decision.pod);
  switch (decision.type) {
    case 'choose':
      for (const volume of decision.gifts) await client.update(PERSISTENTVOLUMES, volume);
      for (const claim of decision.claims) await client.patch(PERSISTENTVOLUMECLAIMS, objectKey(claim), { type: 'merge', body: { metadata: { annotations: { [VOLUME_ANNOTATION.selectedNode]: decision.node } } } });
      return;
    case 'reject': {
      acting.event(decision.pod, 'Warning', 'FailedScheduling', decision.condition.message ?? '', { action: 'Scheduling' });
      const status = { conditions: [decision.condition], ...(decision.nominate !== undefined && { nominatedNodeName: decision.nominate }) };
      await patchStatus(acting, key, decision.pod, status);
      return;
    }
    case 'evict':
      await Promise.all(decision.victims.map((victim) => evict(victim, decision, acting)));
  }
}

async function evict(victim: Pod, { pod, node }: Extract<Decision, { type: 'evict' }>, acting: Acting): Promise<void> {
  const message = `${pod.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`;
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message, lastTransitionTime: formatTime(acting.clock.now()), observedGeneration: victim.metadata.generation ?? 0 };
  if (victim.metadata.deletionTimestamp === undefined) {
    await patchStatus(acting, objectKey(victim), victim, { conditions: [condition] });
    await unlessGone(acting.client.delete(PODS, objectKey(victim), { preconditions: { uid: victim.metadata.uid } }));
  }
  acting.event(victim, 'Normal', 'Preempted', `Preempted by pod ${pod.metadata.uid} on node ${node}`, { action: 'Preempting', related: pod });
}

async function patchStatus({ client }: Acting, key: { namespace: string; name: string }, pod: Pod, status: object): Promise<void> {
  await unlessGone(client.patch(PODS, key, { type: 'strategic', body: { metadata: { uid: pod.metadata.uid }, status } }, { subresource: 'status' }));
}

async function unlessGone(writing: Promise<unknown>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
