// The identity of a StatefulSet's pods: names and ordinals, the claims that go with each, and how a new one looks (upstream:
// pkg/controller/statefulset/stateful_set_utils.go).
import { copy, type Draft } from '../../api/meta.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '../../kinds/generated/api-types.ts';
import { REVISION_HASH } from '../controller-revision.ts';
import { podFromTemplate } from '../pod-state.ts';

const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

/** -1: no ordinal. */
export function ordinalOf({ metadata: { name } }: { metadata: { name: string } }): number {
  return Number(/^.*-(\d+)$/.exec(name)?.[1] ?? -1);
}

export function parentNameOf(name: string): string {
  return /^(.*)-\d+$/.exec(name)?.[1] ?? '';
}

export function replicasOf({ spec }: StatefulSet): number {
  return spec.replicas ?? 1;
}

export function startOrdinal({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0;
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= startOrdinal(set) && ordinal < startOrdinal(set) + replicasOf(set);
}

export function podNameOf(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${String(ordinal)}`;
}

/** Which revision a pod is of, by name. */
export function revisionNameOf({ metadata }: { metadata: Partial<Pod['metadata']> }): string {
  return metadata.labels?.[REVISION_HASH] ?? '';
}

export function newStatefulPod(set: StatefulSet, ordinal: number, revision: { name: string; template: PodTemplateSpec }): Draft<Pod> {
  const draft = podFromTemplate(revision.template, set, { name: podNameOf(set, ordinal) });
  draft.metadata.generateName = `${set.metadata.name}-`; // as upstream's, although the name is given
  draft.metadata.labels = { ...draft.metadata.labels, ...identityLabels(set, ordinal), [REVISION_HASH]: revision.name };
  const volumes = volumesFor(set, ordinal, draft.spec.volumes);
  draft.spec = { ...draft.spec, hostname: podNameOf(set, ordinal), ...(set.spec.serviceName !== undefined && { subdomain: set.spec.serviceName }), ...(volumes.length > 0 && { volumes }) };
  return draft;
}

export function hasIdentity(set: StatefulSet, pod: Pod): boolean {
  return pod.metadata.labels?.[POD_NAME] === pod.metadata.name && ordinalOf(pod) >= 0 && parentNameOf(pod.metadata.name) === set.metadata.name;
}

export function hasStorage(set: StatefulSet, pod: Pod): boolean {
  return (set.spec.volumeClaimTemplates ?? []).every((template) => pod.spec.volumes?.find(({ name }) => name === template.metadata.name)?.persistentVolumeClaim?.claimName === claimNameOf(set, template, ordinalOf(pod)));
}

/** The pod with identity and storage as they should be. */
export function corrected(set: StatefulSet, pod: Pod): Pod {
  const next = copy(pod);
  next.metadata.labels = { ...next.metadata.labels, ...identityLabels(set, ordinalOf(pod)) };
  if (!hasStorage(set, pod)) next.spec.volumes = volumesFor(set, ordinalOf(pod), next.spec.volumes);
  return next;
}

export function claimNameOf(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name}-${set.metadata.name}-${String(ordinal)}`;
}

export function claimsFor(set: StatefulSet, ordinal: number): (Draft<PersistentVolumeClaim> & { metadata: { name: string } })[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { spec, metadata: { labels, annotations } } = copy(template);
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: claimNameOf(set, template, ordinal),
        namespace: set.metadata.namespace ?? '',
        labels: { ...labels, ...set.spec.selector.matchLabels },
        ...(annotations !== undefined && { annotations }),
      },
      spec,
    };
  });
}

function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [POD_NAME]: podNameOf(set, ordinal), [POD_INDEX]: String(ordinal) };
}

// Claims come first, and take the place of volumes of the same name.
function volumesFor(set: StatefulSet, ordinal: number, volumes: Pod['spec']['volumes'] = []): NonNullable<Pod['spec']['volumes']> {
  const templates = set.spec.volumeClaimTemplates ?? [];
  const claims = templates.map((template) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName: claimNameOf(set, template, ordinal) } }));
  return [...claims, ...copy(volumes).filter(({ name }) => !templates.some(({ metadata }) => metadata.name === name))];
}
