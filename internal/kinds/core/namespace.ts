// Namespace: phase and the finalizer that empties it (upstream: registry/core/namespace, ValidateNamespace).
import { objectAge } from '../../api/age.ts';
import { invalid, type FieldError } from '../../api/field-error.ts';
import { dnsLabelName, labelKeyProblems } from '../../api/names.ts';
import type { Namespace } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';
const FINALIZER = 'kubernetes';

export const namespace: KindRules<Namespace> = {
  validateName: dnsLabelName,
  applyDefaults,
  prepareForCreate,
  prepareForUpdate,
  validate,
  validateStatusUpdate,
  cells: (object, now) => [object.metadata.name, object.status?.phase ?? '', objectAge(object, now)],
  selectableFields: (object) => ({ 'status.phase': object.status?.phase ?? '' }),
};

function applyDefaults(draft: Namespace): void {
  const { metadata } = draft;
  if (metadata.name && metadata.labels?.[NAME_LABEL] !== metadata.name) metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name };
  draft.status = { ...draft.status, phase: draft.status?.phase ?? 'Active' };
}

function prepareForCreate(draft: Namespace): void {
  const finalizers = draft.spec?.finalizers ?? [];
  draft.spec = { ...draft.spec, finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER] };
  draft.status = { phase: 'Active' };
  applyDefaults(draft);
}

function prepareForUpdate(draft: Namespace, old: Namespace): void {
  const { finalizers } = old.spec ?? {};
  draft.spec = { ...draft.spec, ...(finalizers !== undefined && { finalizers }) };
  if (old.status !== undefined) draft.status = old.status;
}

function validate({ spec }: Namespace): FieldError[] {
  return (spec?.finalizers ?? []).flatMap((name, index) => {
    const path = `spec.finalizers[${String(index)}]`;
    const problems = labelKeyProblems(name);
    if (problems.length > 0) return problems.map((problem) => invalid(path, name, problem));
    return name.includes('/') || name === FINALIZER || name === 'orphan' ? [] : [invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified')];
  });
}

function validateStatusUpdate({ metadata, status }: Namespace): FieldError[] {
  const terminating = metadata.deletionTimestamp !== undefined;
  if (terminating && status?.phase !== 'Terminating') return [invalid('status.Phase', status?.phase ?? '', 'may only be \'Terminating\' if `deletionTimestamp` is not empty')];
  if (!terminating && status?.phase !== 'Active') return [invalid('status.Phase', status?.phase ?? '', 'may only be \'Active\' if `deletionTimestamp` is empty')];
  return [];
}
