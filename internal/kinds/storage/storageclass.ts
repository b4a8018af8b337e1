// StorageClass: defaults, validation and row (upstream: pkg/apis/storage).
import { objectAge } from '../../api/age.ts';
import { duplicate, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { labelKeyProblems } from '../../api/names.ts';
import type { StorageClass, TopologySelectorTerm } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { parameterProblems, provisionerProblems } from './storage-validation.ts';

const DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

const RECLAIM_POLICIES = ['Delete', 'Retain'];
const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer'];
const FIXED = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;

export const storageClass: KindRules<StorageClass> = {
  applyDefaults: (draft) => {
    draft.reclaimPolicy ??= 'Delete';
    draft.volumeBindingMode ??= 'Immediate';
  },
  validate,
  validateUpdate: (object, old): FieldError[] => FIXED.flatMap((field) => (sameSemantically(object[field], old[field]) ? [] : [invalid(field, object[field] ?? (field === 'provisioner' ? '' : null), 'field is immutable')])),
  cells: (object, now) => {
    const { metadata } = object;
    const isDefault = DEFAULT.some((name) => metadata.annotations?.[name] === 'true');
    return [
      isDefault ? `${metadata.name} (default)` : metadata.name, object.provisioner, object.reclaimPolicy ?? 'Delete', object.volumeBindingMode ?? 'Immediate',
      object.allowVolumeExpansion ?? false, objectAge(object, now),
    ];
  },
};

function validate({ provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies = [] }: StorageClass): FieldError[] {
  const errors = [...provisionerProblems(provisioner, 'provisioner'), ...parameterProblems(parameters, 'parameters', { mayBeEmpty: true })];
  if (reclaimPolicy && !RECLAIM_POLICIES.includes(reclaimPolicy)) errors.push(notSupported('reclaimPolicy', reclaimPolicy, RECLAIM_POLICIES));
  if (volumeBindingMode === undefined) errors.push(required('volumeBindingMode'));
  else if (!BINDING_MODES.includes(volumeBindingMode)) errors.push(notSupported('volumeBindingMode', volumeBindingMode, BINDING_MODES));
  allowedTopologies.forEach((term, index) => {
    const path = `allowedTopologies[${String(index)}]`;
    errors.push(...validateTerm(term, path));
    // A term that says nothing counts as said before.
    if ((term.matchLabelExpressions ?? []).length === 0 || allowedTopologies.slice(0, index).some((other) => sameSemantically(asSets(other), asSets(term)))) errors.push(duplicate(`${path}.matchLabelExpressions`, ''));
  });
  return errors;
}

function validateTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, path: string): FieldError[] {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key = '', values = [] }: { key?: string; values?: readonly string[] }, index) => {
    const at = `${path}.matchLabelExpressions[${String(index)}]`;
    const errors = values.length === 0 ? [required(`${at}.values`)] : [];
    values.forEach((value, place) => { if (values.indexOf(value) < place) errors.push(duplicate(`${at}.values[${String(place)}]`, value)); });
    errors.push(...labelKeyProblems(key).map((problem) => invalid(`${at}.key`, key, problem)));
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
    return errors;
  });
}

/** What a term allows, whatever the order. */
function asSets({ matchLabelExpressions = [] }: TopologySelectorTerm): Record<string, string[]> {
  return Object.fromEntries(matchLabelExpressions.map(({ key, values }) => [key ?? '', [...new Set(values ?? [])].sort()]));
}
