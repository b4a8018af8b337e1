// What ReplicaSets, Deployments and their kin share: a selector that must match the template, and counts of replicas.
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import type { LabelSelector, PodTemplateSpec } from '../generated/api-types.ts';
import { sortedKeys } from '../go-form.ts';
import { isEmptySelector, selectorInGo, selectorMatches, validateLabelSelector, validateLabels } from '../label-selector.ts';
import { nonNegative } from '../numbers.ts';
import { annotationProblems, profileMismatches } from '../pod-spec/annotations.ts';
import { validatePodSpec } from '../pod-spec/validation.ts';

/** `kind` for the words: what an empty selector is invalid for, and what has no deadline. */
export function validateSelectorAndTemplate({ selector, template }: { selector?: LabelSelector; template?: PodTemplateSpec }, path: string, kind: { selecting: string; timed: string } = { selecting: 'deployment', timed: 'ReplicaSet' }): FieldError[] {
  const errors: FieldError[] = [];
  if (selector === undefined) {
    if (kind.selecting !== 'daemonset') errors.push(required(`${path}.selector`));
    errors.push(mismatch(template, `${path}.template`)); // no selector selects nothing
  } else {
    errors.push(...validateLabelSelector(selector, `${path}.selector`));
    const isSelector = errors.length === 0;
    if (isEmptySelector(selector)) errors.push(invalid(`${path}.selector`, selector, `empty selector is invalid for ${kind.selecting}`));
    else if (isSelector && !selectorMatches(selector, template?.metadata?.labels)) errors.push(mismatch(template, `${path}.template`));
    // Templates are held against selectors, all but those of daemons; nothing is told of them where there is none.
    if (!isSelector && kind.selecting !== 'daemonset') return [...errors, invalid(`${path}.selector`, selectorInGo(selector), kind.selecting === 'statefulset' ? '' : 'invalid label selector'), ...(kind.selecting === 'statefulset' ? restartProblems(template, `${path}.template`, kind.timed) : [])];
  }
  return [...errors, ...validateLongRunningTemplate(template, `${path}.template`, kind.timed)];
}

function mismatch(template: PodTemplateSpec | undefined, path: string): FieldError {
  return invalid(`${path}.metadata.labels`, sortedKeys(template?.metadata?.labels) ?? null, '`selector` does not match template `labels`');
}

/** A template whose pods are always restarted. */
export function validateLongRunningTemplate(template: PodTemplateSpec | undefined, path: string, kind = 'ReplicaSet'): FieldError[] {
  return [...validatePodTemplate(template, path), ...restartProblems(template, path, kind)];
}

function restartProblems(template: PodTemplateSpec | undefined, path: string, kind: string): FieldError[] {
  const errors: FieldError[] = [];
  const spec = template?.spec;
  if (spec?.restartPolicy !== 'Always') errors.push(notSupported(`${path}.spec.restartPolicy`, spec?.restartPolicy ?? '', ['Always']));
  if (spec?.activeDeadlineSeconds !== undefined) errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`));
  return errors;
}

export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  const errors = validateLabels(template?.metadata?.labels, `${path}.labels`);
  const annotations = template?.metadata?.annotations ?? {};
  const spec = template?.spec ?? { containers: [] };
  errors.push(...annotationProblems(annotations, spec, `${path}.annotations`), ...validatePodSpec(spec, { path: `${path}.spec`, ...(template?.metadata !== undefined && { metadata: template.metadata }) }), ...profileMismatches(annotations, spec, `${path}.spec`));
  if ((template?.spec?.ephemeralContainers ?? []).length > 0) errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  return errors;
}

/** Counts are not negative, and those `within` are at most status.replicas. */
export function replicaCountProblems(status: object, counts: readonly string[], within: readonly string[]): FieldError[] {
  const numbers = status as Record<string, number | undefined>;
  const errors = counts.flatMap((field) => nonNegative(numbers[field], `status.${field}`));
  for (const field of within) {
    if ((numbers[field] ?? 0) > (numbers.replicas ?? 0)) errors.push(invalid(`status.${field}`, numbers[field] ?? 0, 'cannot be greater than status.replicas'));
  }
  if ((numbers.availableReplicas ?? 0) > (numbers.readyReplicas ?? 0)) errors.push(invalid('status.availableReplicas', numbers.availableReplicas ?? 0, 'cannot be greater than readyReplicas'));
  return errors;
}

/** Name collisions are only ever counted up. */
export function notDecremented(status: { collisionCount?: number }, old: { collisionCount?: number } | undefined): FieldError[] {
  if (old?.collisionCount === undefined) return [];
  return status.collisionCount === undefined || status.collisionCount < old.collisionCount ? [invalid('status.collisionCount', status.collisionCount ?? 0, 'cannot be decremented')] : [];
}
