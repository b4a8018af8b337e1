// What controllers ask of a pod: is it alive, ready, available; who owns it; which one goes first when there are too many.
import type { Index, View } from '../informer/view.ts';
import { controllerOf, formatKey, keyOf, type Draft, type KubeObject, type OwnerReference } from '../api/meta.ts';
import { selectorOf, type LabelSelector } from '../api/selectors.ts';
import type { Container, Pod, PodCondition, PodTemplateSpec } from '../kinds/generated/api-types.ts';

/** By the uid of the managing owner. */
const BY_CONTROLLER: Index<KubeObject> = {
  name: 'controller',
  values: (object) => {
    const owner = controllerOf(object);
    return owner === undefined ? [] : [owner.uid];
  },
};

/** Objects without a managing owner, by namespace: what may be adopted. */
const ORPHANS: Index<KubeObject> = {
  name: 'orphans',
  values: (object) => (controllerOf(object) === undefined ? [object.metadata.namespace ?? ''] : []),
};

/** By the node they are bound to. */
export const BY_NODE: Index<Pod> = {
  name: 'nodeName',
  values: ({ spec }) => (spec.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName]),
};

export function ownedBy<T extends KubeObject>(view: View<T>, uid: string): T[] {
  return view.by(BY_CONTROLLER as Index<T>, uid);
}

export function orphansIn<T extends KubeObject>(view: View<T>, namespace: string): T[] {
  return view.by(ORPHANS as Index<T>, namespace);
}

/** The key of the managing owner where it is of this kind; undefined: nobody manages the object. */
export function ownerKeys(object: KubeObject, kind: string): string[] | undefined {
  const owner = controllerOf(object);
  if (owner === undefined) return undefined;
  return owner.kind === kind ? [formatKey({ namespace: object.metadata.namespace ?? '', name: owner.name })] : [];
}

/** Keys of those in its namespace that an orphan may be adopted by; without labels it is by none. */
export function adopterKeys<T extends KubeObject>({ metadata }: Pod, owners: View<T>, selector: (owner: T) => LabelSelector | undefined): string[] {
  if (Object.keys(metadata.labels ?? {}).length === 0) return [];
  return owners.list(metadata.namespace ?? '').filter((owner) => selectorOf(selector(owner)).matches(metadata.labels)).map(keyOf);
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function conditionOf(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

/** When the pod counts as available: ready for so long. undefined while it is not ready. */
function availableAt(pod: Pod, minReadySeconds = 0): number | undefined {
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  return minReadySeconds === 0 ? 0 : Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1000;
}

export function isAvailable(pod: Pod, minReadySeconds: number | undefined, now: number): boolean {
  const at = availableAt(pod, minReadySeconds);
  return at !== undefined && at <= now;
}

/** Milliseconds until the next ready pod becomes available, if one is waiting for that. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number | undefined, now: number): number | undefined {
  const waits = pods.map((pod) => (availableAt(pod, minReadySeconds) ?? 0) - now).filter((wait) => wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}

export function controllerReference(owner: KubeObject): OwnerReference {
  return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** A pod as its owner's template says, named by the server. */
export function podFromTemplate(template: PodTemplateSpec, owner: KubeObject, extra: { name?: string; generateName?: string } = {}): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(extra.name === undefined ? { generateName: extra.generateName ?? `${owner.metadata.name}-` } : { name: extra.name }),
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      ...(labels !== undefined && { labels: { ...labels } }),
      ...(annotations !== undefined && { annotations: { ...annotations } }),
      ...(finalizers !== undefined && { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec as Pod['spec'],
  };
}

/**
 * The pods to delete first, in upstream's order: unassigned, pending, not ready, cheap (pod-deletion-cost), on crowded nodes, ready for
 * a shorter time, restarted more often, younger. Ages are compared by order of magnitude, so that old pods go in a random but stable order.
 */
export function deletionOrder(pods: readonly Pod[], related: readonly Pod[], now: number): Pod[] {
  const crowd = new Map<string, number>();
  for (const pod of related.filter(isActive)) crowd.set(pod.spec.nodeName ?? '', (crowd.get(pod.spec.nodeName ?? '') ?? 0) + 1);
  const ranked = pods.map((pod) => ({ pod, rank: deletionRank(pod, crowd.get(pod.spec.nodeName ?? '') ?? 0, now) }));
  ranked.sort((left, right) => compareRanks(left.rank, right.rank));
  return ranked.map(({ pod }) => pod);
}

const PHASE_ORDER: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

function deletionRank(pod: Pod, crowd: number, now: number): (number | string)[] {
  const ready = isReady(pod);
  const readySince = Date.parse(conditionOf(pod, 'Ready')?.lastTransitionTime ?? '') || 0;
  const restarts = (names: readonly { restartCount: number }[] | undefined): number => Math.max(0, ...(names ?? []).map(({ restartCount }) => restartCount));
  return [
    (pod.spec.nodeName ?? '') === '' ? 0 : 1,
    PHASE_ORDER[pod.status?.phase ?? ''] ?? 0,
    ready ? 1 : 0,
    Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0') || 0,
    -crowd,
    ready ? magnitude(now - readySince) : 0,
    -restarts(pod.status?.containerStatuses),
    magnitude(now - Date.parse(pod.metadata.creationTimestamp)),
    pod.metadata.uid,
  ];
}

function magnitude(ageMs: number): number {
  return Math.floor(Math.log2(Math.max(1, ageMs)));
}

function compareRanks(left: readonly (number | string)[], right: readonly (number | string)[]): number {
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

/** Init containers that keep running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}
