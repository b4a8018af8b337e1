// The pod subresources that take a change of one part: binding, ephemeralcontainers, resize (upstream: registry/core/pod/{strategy,storage}).
// Pure: each gives the pod to store, or throws the StatusError that the client gets.
import { conflict } from '../base/errors.ts';
import { sameSemantically } from '../api/json-equality.ts';
import { copy } from '../api/meta.ts';
import { forbidden, invalidObject, notSupported, required, type FieldError } from '../api/field-error.ts';
import { formatTime } from '../api/meta.ts';
import type { Binding, Container, Pod } from './generated/api-types.ts';
import { validatePod } from './pod-validation.ts';
import { podSpecDefaults } from './pod-spec/defaults.ts';
import { qosClassOf } from './pod-spec/qos.ts';

const PODS = { group: '', resource: 'pods/binding' };
const POD = { group: '', kind: 'Pod' };

/** The pod on the node that the binding names. */
export function bindPod(old: Pod, binding: Binding, now: number): Pod {
  const { metadata: { name }, spec } = old;
  validateBinding(binding);
  if (old.metadata.deletionTimestamp !== undefined) throw conflict(PODS, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (spec.nodeName) throw conflict(PODS, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if ((spec.schedulingGates ?? []).length > 0) throw conflict(PODS, name, `pod ${name} has non-empty .spec.schedulingGates`);
  const pod = copy(old);
  pod.spec.nodeName = binding.target.name ?? '';
  const { annotations, labels } = binding.metadata ?? {};
  if (annotations !== undefined) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  if (labels !== undefined) pod.metadata.labels = { ...labels, ...pod.metadata.labels };
  const status = { ...pod.status };
  delete status.nominatedNodeName;
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: formatTime(now), ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }) };
  status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'), scheduled];
  pod.status = status;
  return pod;
}

/** The pod with the draft's ephemeral containers: more may come, none may change or go. */
export function withEphemeralContainers(old: Pod, draft: Pod): Pod {
  const pod = copy(old);
  const next = draft.spec.ephemeralContainers ?? [];
  pod.spec.ephemeralContainers = copy(next);
  podSpecDefaults(pod.spec);
  pod.metadata.resourceVersion = draft.metadata.resourceVersion || old.metadata.resourceVersion;
  const errors: FieldError[] = validatePod(pod);
  for (const before of old.spec.ephemeralContainers ?? []) {
    const after = pod.spec.ephemeralContainers.find(({ name }) => name === before.name);
    if (after === undefined) errors.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`));
    else if (!sameSemantically(after, before)) errors.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`));
  }
  if (errors.length > 0) throw invalidObject(POD, old.metadata.name, errors);
  return bumped(pod, old);
}

/** The pod with the draft's container resources and resize policies. */
export function withResources(old: Pod, draft: Pod): Pod {
  const pod = copy(old);
  pod.metadata.resourceVersion = draft.metadata.resourceVersion || old.metadata.resourceVersion;
  for (const field of ['containers', 'initContainers'] as const) {
    const list = pod.spec[field];
    if (list !== undefined) pod.spec[field] = list.map((container) => resized(container, draft.spec[field]?.find(({ name }) => name === container.name)));
  }
  if (draft.spec.resources !== undefined) pod.spec.resources = copy(draft.spec.resources);
  const errors = validatePod(pod);
  if (qosClassOf(pod.spec) !== (old.status?.qosClass ?? qosClassOf(old.spec))) errors.push({ type: 'Invalid', field: 'spec', value: old.status?.qosClass ?? '', detail: 'Pod QOS Class may not change as a result of resizing' });
  if (errors.length > 0) throw invalidObject(POD, old.metadata.name, errors);
  return bumped(pod, old);
}

function resized(container: Container, from: Container | undefined): Container {
  if (from === undefined) return container;
  const { resources: _resources, resizePolicy: _policy, ...rest } = container;
  return { ...rest, resources: copy(from.resources ?? {}), ...(from.resizePolicy !== undefined && { resizePolicy: copy(from.resizePolicy) }) };
}

function bumped(pod: Pod, old: Pod): Pod {
  if (!sameSemantically(pod.spec, old.spec)) pod.metadata.generation = (old.metadata.generation ?? 1) + 1;
  return pod;
}

function validateBinding({ target, metadata }: Binding): void {
  const errors: FieldError[] = [];
  if (target?.kind && target.kind !== 'Node') errors.push(notSupported('target.kind', target.kind, ['Node', '<empty>']));
  if (!target?.name) errors.push(required('target.name'));
  if (errors.length > 0) throw invalidObject({ group: '', kind: 'Binding' }, metadata?.name ?? '', errors);
}
