// CSINode: validation and row (upstream: pkg/apis/storage).
import { objectAge } from '../../api/age.ts';
import { duplicate, invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { labelKeyProblems } from '../../api/names.ts';
import type { CSINode, CSINodeDriver } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { nonNegative } from '../numbers.ts';
import { driverNameProblems } from './storage-validation.ts';

const NODE_ID_MAX = 256;

export const csiNode: KindRules<CSINode> = {
  validate: ({ spec }) => {
    const names = new Set<string>();
    return (spec?.drivers ?? []).flatMap((driver, index) => validateDriver(driver, `spec.drivers[${String(index)}]`, names));
  },
  // How many volumes fit may change, nothing else.
  validateUpdate: ({ spec }, { spec: old }) => (old?.drivers ?? []).flatMap(({ allocatable: _was, ...before }) => (spec?.drivers ?? []).filter(({ name }) => name === before.name).flatMap(({ allocatable: _now, ...driver }) => (
    sameSemantically(driver, before) ? [] : [invalid('spec.drivers', driver, 'field is immutable')]
  ))),
  cells: (object, now) => [object.metadata.name, (object.spec?.drivers ?? []).length, objectAge(object, now)],
  allowUnconditionalUpdate: false,
};

function validateDriver({ name = '', nodeID = '', allocatable, topologyKeys = [] }: Partial<CSINodeDriver>, path: string, names: Set<string>): FieldError[] {
  const errors = driverNameProblems(name, `${path}.name`);
  if (nodeID === '') errors.push(required(`${path}.nodeID`));
  if (nodeID.length > NODE_ID_MAX) errors.push(invalid(`${path}.nodeID`, nodeID, `must be ${String(NODE_ID_MAX)} characters or less`));
  errors.push(...nonNegative(allocatable?.count, `${path}.allocatable.count`));
  if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
  names.add(name);
  topologyKeys.forEach((key, index) => {
    if (key === '') errors.push(required(path));
    if (topologyKeys.indexOf(key) < index) errors.push(duplicate(path, key));
    errors.push(...labelKeyProblems(key).map((problem) => invalid(path, key, problem)));
  });
  return errors;
}
