// How many pods the owners of a budget's pods are meant to have: what a share of them is a share of.
import { controllerOf, type OwnerReference } from '../api/meta.ts';
import type { Views } from '../informer/view.ts';
import type { LabelSelector, Pod } from '../kinds/generated/api-types.ts';
import { DEPLOYMENTS, REPLICASETS, REPLICATIONCONTROLLERS, STATEFULSETS } from '../kinds/generated/resources.ts';

export interface Scale {
  /** Of all owners, each once. */
  pods: number;
  /** Some pods have no owner: they are not counted. */
  unmanaged: boolean;
  /** Why it cannot be told. */
  problem?: string;
}

/** Owners that say no number of pods. */
const WITHOUT_SCALE: Readonly<Record<string, string>> = { 'apps/v1/DaemonSet': 'daemonsets.apps', 'batch/v1/Job': 'jobs.batch', 'v1/Node': 'nodes' };

export function scaleOf(pods: readonly Pod[], views: Views): Scale {
  const scales = new Map<string, number>();
  let unmanaged = false;
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) {
      unmanaged = true;
      continue;
    }
    const without = WITHOUT_SCALE[`${owner.apiVersion}/${owner.kind}`];
    if (without !== undefined) return { pods: 0, unmanaged, problem: `${without} does not implement the scale subresource` };
    const [uid, scale] = scaleOfOwner(owner, pod.metadata.namespace ?? '', views);
    scales.set(uid, scale);
  }
  return { pods: [...scales.values()].reduce((sum, scale) => sum + scale, 0), unmanaged };
}

function scaleOfOwner({ kind, name, uid }: OwnerReference, namespace: string, views: Views): [uid: string, scale: number] {
  if (kind === 'StatefulSet') return [uid, views.of(STATEFULSETS).get(namespace, name)?.spec?.replicas ?? 0];
  if (kind === 'ReplicationController') return [uid, views.of(REPLICATIONCONTROLLERS).get(namespace, name)?.spec?.replicas ?? 0];
  if (kind !== 'ReplicaSet') return [uid, 0];
  const set = views.of(REPLICASETS).get(namespace, name);
  const parent = set === undefined ? undefined : controllerOf(set);
  return parent?.kind === 'Deployment' ? [parent.uid, views.of(DEPLOYMENTS).get(namespace, parent.name)?.spec.replicas ?? 0] : [uid, set?.spec.replicas ?? 0];
}

/** As Go prints a selector, which is what upstream's event shows. */
export function printedSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels).sort().map((key) => `${key}: ${matchLabels[key] ?? ''},`).join('');
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
}
