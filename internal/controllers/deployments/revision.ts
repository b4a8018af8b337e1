// Which ReplicaSet is the Deployment's newest, which revision each is, and how a new one looks.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, formatTime, type Draft } from '../../api/meta.ts';
import type { Deployment, LabelSelector, PodTemplateSpec, ReplicaSet } from '../../kinds/generated/api-types.ts';
import { controllerReference } from '../pod-state.ts';
import { templateHash } from '../template-hash.ts';
import { age, desiredReplicas, DESIRED_REPLICAS, limits, MAX_REPLICAS, newSetReplicas } from './replicas.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const HASH_LABEL = 'pod-template-hash';
const HISTORY_MAX_CHARS = 2000;

/** The Deployment's own business: not passed on to ReplicaSets. */
const NOT_COPIED = new Set(['kubectl.kubernetes.io/last-applied-configuration', REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, 'deprecated.deployment.rollback.to']);

/** Of several with the Deployment's template the oldest is the newest revision, so that a race settles the same way everywhere. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return byAge(sets).find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

export function byAge(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return [...sets].sort((left, right) => age(left) - age(right) || (left.metadata.name < right.metadata.name ? -1 : 1));
}

export function sameTemplate(left: PodTemplateSpec | undefined, right: PodTemplateSpec): boolean {
  const plain = (template: PodTemplateSpec | undefined): unknown => {
    const { [HASH_LABEL]: _, ...labels } = template?.metadata?.labels ?? {};
    return { ...template, metadata: { ...template?.metadata, labels } };
  };
  return sameWhenWritten(plain(left), plain(right));
}

/** An int64: a user may have set any. 0 where there is none. */
export function revisionOf(set: ReplicaSet): bigint {
  const text = set.metadata.annotations?.[REVISION] ?? '';
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

export function nextRevision(oldSets: readonly ReplicaSet[]): bigint {
  return oldSets.map(revisionOf).reduce(later, 0n) + 1n;
}

export function later(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

/** The newest ReplicaSet as it should be: annotations of the Deployment, revision, minReadySeconds. */
export function refreshed(deployment: Deployment, set: ReplicaSet, revision: bigint): ReplicaSet {
  const next = copy(set);
  const annotations = { ...next.metadata.annotations, ...copiedAnnotations(deployment) };
  const old = annotations[REVISION];
  if (revisionOf(set) < revision) {
    annotations[REVISION] = String(revision);
    if (old !== undefined) annotations[REVISION_HISTORY] = appendedHistory(annotations[REVISION_HISTORY], old);
  }
  next.metadata.annotations = annotations;
  if ((next.spec.minReadySeconds ?? 0) !== (deployment.spec.minReadySeconds ?? 0)) next.spec.minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  return next;
}

function appendedHistory(history: string | undefined, revision: string): string {
  const all = history === undefined || history === '' ? [revision] : [...history.split(','), revision];
  while (all.join(',').length > HISTORY_MAX_CHARS) all.shift();
  return all.join(',');
}

/** A ReplicaSet for the Deployment's template. Its name depends on the template (and the collisions met so far) alone. */
export function newSet(deployment: Deployment, oldSets: readonly ReplicaSet[], now: number): ReplicaSet {
  const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount ?? 0);
  const template = copy(deployment.spec.template);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  template.metadata = { ...template.metadata, labels } as NonNullable<PodTemplateSpec['metadata']>;
  const set: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name.slice(0, 252 - hash.length)}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      uid: '',
      resourceVersion: '',
      creationTimestamp: formatTime(now),
      labels,
      ownerReferences: [controllerReference(deployment)],
      annotations: { ...copiedAnnotations(deployment), [REVISION]: String(nextRevision(oldSets)), ...sizeAnnotations(deployment) },
    },
    spec: {
      replicas: 0,
      ...(deployment.spec.minReadySeconds !== undefined && { minReadySeconds: deployment.spec.minReadySeconds }),
      selector: withHash(deployment.spec.selector, hash),
      template,
    },
  };
  set.spec.replicas = newSetReplicas(deployment, oldSets, 0);
  return set;
}

/** Without what the server fills in. */
export function draftOf(set: ReplicaSet): Draft<ReplicaSet> {
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _time, ...metadata } = set.metadata;
  return { apiVersion: set.apiVersion, kind: set.kind, metadata, spec: set.spec };
}

/** How large the Deployment was when it last set the size: what proportional scaling goes by. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const desired = desiredReplicas(deployment);
  return { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(desired + limits(deployment).surge) };
}

function withHash(selector: LabelSelector, hash: string): LabelSelector {
  return { ...copy(selector), matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } };
}

function copiedAnnotations(deployment: Deployment): Record<string, string> {
  return Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key)));
}
