// ControllerRevision: rules and row (upstream: pkg/apis/apps).
import { objectAge } from '../../api/age.ts';
import { sameJson } from '../../api/json-equality.ts';
import { controllerOf, parseApiVersion } from '../../api/meta.ts';
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import type { ControllerRevision } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { nonNegative } from '../numbers.ts';

export const controllerRevision: KindRules<ControllerRevision> = {
  applyDefaults: (draft) => { draft.revision ??= 0; },
  validate: ({ revision }) => nonNegative(revision, 'revision'),
  validateCreate: ({ data }) => validateData(data),
  validateUpdate: ({ data }, old) => (sameJson(data, old.data) ? [] : [invalid('data', data, 'field is immutable')]),
  cells: (object, now) => {
    const owner = controllerOf(object);
    if (owner === undefined) return [object.metadata.name, '<none>', object.revision, objectAge(object, now)];
    const { group } = parseApiVersion(owner.apiVersion);
    return [object.metadata.name, `${(group === '' ? owner.kind : `${owner.kind}.${group}`).toLowerCase()}/${owner.name}`, object.revision, objectAge(object, now)];
  },
};

function validateData(data: ControllerRevision['data']): FieldError[] {
  if (data === undefined || data === null) return [required('data', 'data is mandatory')];
  return typeof data === 'object' && !Array.isArray(data) ? [] : [required('data', 'data must be a valid JSON object')];
}
