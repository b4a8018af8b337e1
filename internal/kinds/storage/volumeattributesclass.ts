// VolumeAttributesClass: validation and row (upstream: pkg/apis/storage).
import { objectAge } from '../../api/age.ts';
import { forbidden, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import type { VolumeAttributesClass } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { parameterProblems, provisionerProblems } from './storage-validation.ts';

export const volumeAttributesClass: KindRules<VolumeAttributesClass> = {
  validate: ({ driverName, parameters }) => [...provisionerProblems(driverName, 'driverName'), ...parameterProblems(parameters, 'parameters', { mayBeEmpty: false })],
  validateUpdate: (object, old): FieldError[] => (['driverName', 'parameters'] as const).flatMap((field) => (sameSemantically(object[field], old[field]) ? [] : [forbidden(field, `updates to ${field} are forbidden.`)])),
  changesFirst: true,
  cells: (object, now) => [object.metadata.name, object.driverName, objectAge(object, now)],
};
