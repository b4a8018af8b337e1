// Validation of whole pods (upstream: ValidatePodCreate, ValidatePodUpdate, ValidatePodStatusUpdate).
import { forbidden, invalid, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { rangeProblems, subdomainProblems } from '../../api/names.ts';
import type { ContainerStatus, Pod, PodSpec, Toleration } from '../generated/api-types.ts';
import { annotationChanges, annotationProblems, profileMismatches } from '../pod-spec/annotations.ts';
import { validatePodSpec } from '../pod-spec/validation.ts';

const ANNOTATIONS = 'metadata.annotations';
const INT32_MAX = 2_147_483_647;
const UPDATABLE = '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What holds at create and after every update. */
export function validatePod({ metadata, spec }: Pod): FieldError[] {
  const annotations = metadata.annotations ?? {};
  const errors = [...annotationProblems(annotations, spec, ANNOTATIONS), ...validatePodSpec(spec, { path: 'spec', metadata, isPod: true })];
  for (const field of ['containers', 'initContainers'] as const) {
    (spec[field] ?? []).forEach(({ image = '' }, index) => {
      if (image !== image.trim()) errors.push(invalid(`spec.${field}[${String(index)}].image`, image, 'must not have leading or trailing whitespace'));
    });
  }
  // What was never stored has no resourceVersion: it is being created.
  const isNew = !metadata.resourceVersion;
  if (isNew && (spec.ephemeralContainers ?? []).length > 0) errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  if (spec.nodeName && (spec.schedulingGates ?? []).length > 0) errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  if (isNew) errors.push(...profileMismatches(annotations, spec, 'spec'));
  if (!spec.serviceAccountName) {
    (spec.volumes ?? []).forEach(({ projected }, volume) => (projected?.sources ?? []).forEach((source, index) => {
      if (source.serviceAccountToken !== undefined) errors.push(forbidden(`spec.volumes[${String(volume)}].projected.sources[${String(index)}].serviceAccountToken`, 'must not be specified when serviceAccountName is not set'));
    }));
  }
  return errors;
}

export function validatePodUpdate({ metadata, spec }: Pod, { metadata: { annotations }, spec: old }: Pod): FieldError[] {
  const changed = annotationChanges(metadata.annotations ?? {}, annotations ?? {}, ANNOTATIONS);
  for (const field of ['containers', 'initContainers'] as const) {
    if ((spec[field] ?? []).length !== (old[field] ?? []).length) return [...changed, forbidden(`spec.${field}`, 'pod updates may not add or remove containers')];
  }
  const errors = [...changed, ...validateDeadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds), ...onlyAddedTolerations(spec.tolerations ?? [], old.tolerations ?? [])];
  const gates = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  (spec.schedulingGates ?? []).forEach(({ name }, index) => {
    if (!gates.has(name)) errors.push(forbidden(`spec.schedulingGates[${String(index)}]`, 'only deletion is allowed, but found new scheduling gate \'' + name + '\''));
  });
  const fixed = withUpdatable(spec, old);
  if (!sameSemantically(fixed, old)) errors.push(forbidden('spec', `pod updates may not change fields other than ${UPDATABLE}\n${changedFields(fixed, old)}`));
  return errors;
}

export function validatePodStatusUpdate({ metadata, spec, status = {} }: Pod, { metadata: before, spec: oldSpec, status: old = {} }: Pod): FieldError[] {
  const { annotations = {} } = metadata;
  const errors = [...annotationChanges(annotations, before.annotations ?? {}, ANNOTATIONS), ...annotationProblems(annotations, spec, ANNOTATIONS)];
  if ((spec.nodeName ?? '') !== (oldSpec.nodeName ?? '')) errors.push(forbidden('status.nodeName', 'may not be changed directly'));
  const nominated = status.nominatedNodeName ?? '';
  if (nominated !== '' && nominated !== old.nominatedNodeName) for (const problem of subdomainProblems(nominated)) errors.push(invalid('status.nominatedNodeName', nominated, problem));
  if (oldSpec.nodeName && nominated !== '' && nominated !== old.nominatedNodeName) errors.push(forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'));
  if ((status.observedGeneration ?? 0) < 0) errors.push(invalid('status.observedGeneration', status.observedGeneration, 'must be a non-negative integer'));
  if (status.qosClass !== old.qosClass && old.qosClass !== undefined) errors.push(invalid('status.qosClass', status.qosClass ?? '', 'field is immutable'));
  return [...errors, ...validateStateTransitions(status.containerStatuses ?? [], old.containerStatuses ?? [], oldSpec)];
}

function validateDeadline(next: number | undefined, was: number | undefined): FieldError[] {
  const path = 'spec.activeDeadlineSeconds';
  if (next === undefined) return was === undefined ? [] : [invalid(path, null, 'must not update from a positive integer to nil value')];
  const problems = rangeProblems(next, 0, INT32_MAX);
  if (problems.length > 0) return problems.map((problem) => invalid(path, next, problem));
  return was !== undefined && was < next ? [invalid(path, next, 'must be less than or equal to previous value')] : [];
}

// An existing toleration may get another tolerationSeconds, but none may go.
function onlyAddedTolerations(next: readonly Toleration[], was: readonly Toleration[]): FieldError[] {
  const found = was.every((old) => next.some((toleration) => sameSemantically({ ...toleration, tolerationSeconds: 0 }, { ...old, tolerationSeconds: 0 })));
  return found ? [] : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function withUpdatable(spec: PodSpec, old: PodSpec): PodSpec {
  const images = (list: PodSpec['containers'] | undefined, before: PodSpec['containers'] = []): PodSpec['containers'] => (list ?? []).map((container, index) => {
    const image = before[index]?.image;
    return image === undefined ? container : { ...container, image };
  });
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, schedulingGates: _gates, ...rest } = spec;
  const grace = old.terminationGracePeriodSeconds;
  const gated = (old.schedulingGates ?? []).length > 0;
  return {
    ...rest,
    containers: images(spec.containers, old.containers),
    ...(spec.initContainers !== undefined && { initContainers: images(spec.initContainers, old.initContainers) }),
    ...(old.activeDeadlineSeconds !== undefined && { activeDeadlineSeconds: old.activeDeadlineSeconds }),
    ...(old.tolerations !== undefined && { tolerations: old.tolerations }),
    ...(old.schedulingGates !== undefined && { schedulingGates: old.schedulingGates }),
    ...(grace !== undefined && grace < 0 && spec.terminationGracePeriodSeconds === 1 && { terminationGracePeriodSeconds: grace }),
    ...(gated && old.nodeSelector !== undefined && { nodeSelector: old.nodeSelector }),
  };
}

function changedFields(spec: PodSpec, old: PodSpec): string {
  const left = old as unknown as Record<string, unknown>;
  const right = spec as unknown as Record<string, unknown>;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((key) => !sameSemantically(left[key], right[key]));
  return keys.map((key) => `-\t${key}: ${JSON.stringify(left[key] ?? null)}\n+\t${key}: ${JSON.stringify(right[key] ?? null)}\n`).join('');
}

function validateStateTransitions(next: readonly ContainerStatus[], was: readonly ContainerStatus[], spec: PodSpec): FieldError[] {
  // One rule of that action lets any container of the pod begin again, whatever its own policy.
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  if (containers.some(({ restartPolicyRules = [] }) => restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'))) return [];
  return was.flatMap(({ name, state }, index) => {
    if (state?.terminated === undefined) return [];
    const now = next.find((status) => status.name === name);
    if (now === undefined || now.state?.terminated !== undefined || mayRestart(spec, name, state.terminated.exitCode)) return [];
    return [forbidden(`status.containerStatuses[${String(index)}].state`, 'may not be transitioned to non-terminated state')];
  });
}

function mayRestart(spec: PodSpec, name: string, exitCode: number): boolean {
  const container = spec.containers.find((candidate) => candidate.name === name);
  if (container === undefined) return false;
  if ((container.restartPolicyRules ?? []).length > 0) return true;
  const policy = container.restartPolicy ?? spec.restartPolicy;
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}
