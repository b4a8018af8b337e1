// Validation of what a volume claim asks for, also where the claim is part of something else (upstream: ValidatePersistentVolumeClaimSpec).
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, subdomainProblems } from '../../api/names.ts';
import { compareQuantities, quantityValue } from '../../api/quantity.ts';
import type { PersistentVolumeClaim } from '../generated/api-types.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { isNativeResource } from '../resource-names.ts';
import { accessModeProblems, classNameProblems, positiveQuantityProblems, volumeModeProblems } from '../storage/storage-validation.ts';

export function validateClaimSpec(spec: PersistentVolumeClaim['spec'], path: string): FieldError[] {
  const { accessModes = [], selector, resources, dataSource, dataSourceRef } = spec;
  const errors = accessModes.length === 0 ? [required(`${path}.accessModes`, 'at least 1 access mode is required')] : accessModeProblems(accessModes, `${path}.accessModes`);
  errors.push(...validateLabelSelector(selector, `${path}.selector`));
  const storage = resources?.requests?.storage;
  if (storage === undefined) errors.push(required(`${path}.resources[storage]`));
  else errors.push(...positiveQuantityProblems(storage, `${path}.resources[storage]`));
  errors.push(...classNameProblems(spec.storageClassName, `${path}.storageClassName`), ...volumeModeProblems(spec.volumeMode, `${path}.volumeMode`));
  for (const [field, source] of [['dataSource', dataSource], ['dataSourceRef', dataSourceRef]] as const) {
    if (source === undefined) continue;
    if (!source.name) errors.push(required(`${path}.${field}.name`));
    if (!source.kind) errors.push(required(`${path}.${field}.kind`));
    if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') errors.push(invalid(`${path}.${field}`, source.kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
    if (source.apiGroup) errors.push(...subdomainProblems(source.apiGroup).map((problem) => invalid(`${path}.${field}.apiGroup`, source.apiGroup, problem)));
  }
  if (dataSource !== undefined && dataSourceRef !== undefined) {
    if (dataSourceRef.namespace) errors.push(invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified'));
    else if (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name) errors.push(invalid(path, {}, 'must match dataSourceRef'));
  }
  return [...errors, ...classNameProblems(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`)];
}

const RESIZES = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizeInProgress', 'NodeResizeInfeasible', 'NodeResizePending'];

/** What the provisioner, the resizer and the kubelet say of it. */
export function validateClaimStatus({ capacity = {}, allocatedResourceStatuses: resizes = {}, allocatedResources = {} }: NonNullable<PersistentVolumeClaim['status']>): FieldError[] {
  const [resizesAt, allocatedAt] = ['status.allocatedResourceStatuses', 'status.allocatedResources'];
  return [
    ...Object.entries(capacity).flatMap(([name, quantity]) => notNegative(quantity, `status.capacity[${name}]`)),
    ...Object.entries(resizes).flatMap(([name, resize]) => [...claimResourceProblems(name, resizesAt), ...(RESIZES.includes(resize) ? [] : [notSupported(resizesAt, name, RESIZES)])]),
    ...Object.entries(allocatedResources).flatMap(([name, quantity]) => {
      const problems = claimResourceProblems(name, allocatedAt);
      return problems.length > 0 ? problems : notNegative(quantity, `${allocatedAt}[${name}]`);
    }),
  ];
}

function claimResourceProblems(name: string, path: string): FieldError[] {
  const problems = labelKeyProblems(name).map((problem) => invalid(path, name, problem));
  return problems.length > 0 || name === 'storage' || !isNativeResource(name) ? problems : [notSupported(path, name, ['storage'])];
}

function notNegative(quantity: string, path: string): FieldError[] {
  return compareQuantities(quantity, '0') < 0 ? [invalid(path, quantityValue(quantity), 'must be a valid resource quantity')] : [];
}
