// CSIStorageCapacity: validation (upstream: pkg/apis/storage).
import { invalid, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { subdomainProblems } from '../../api/names.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { CSIStorageCapacity } from '../generated/api-types.ts';
import { nameAndCreation } from '../cells.ts';
import type { KindRules } from '../kind.ts';
import { validateLabelSelector } from '../label-selector.ts';

export const csiStorageCapacity: KindRules<CSIStorageCapacity> = {
  validate: ({ nodeTopology, storageClassName, capacity }: Partial<CSIStorageCapacity>) => [
    ...validateLabelSelector(nodeTopology, 'nodeTopology'),
    ...subdomainProblems(storageClassName ?? '').map((problem) => invalid('storageClassName', storageClassName ?? '', problem)),
    ...(capacity !== undefined && compareQuantities(capacity, '0') < 0 ? [invalid('capacity', capacity, 'must be greater than or equal to 0')] : []),
  ],
  validateUpdate: (object, old): FieldError[] => (['nodeTopology', 'storageClassName'] as const).flatMap((field) => (
    sameSemantically(object[field], old[field]) ? [] : [invalid(field, object[field] ?? null, 'field is immutable')]
  )),
  cells: nameAndCreation,
  allowUnconditionalUpdate: false,
};
