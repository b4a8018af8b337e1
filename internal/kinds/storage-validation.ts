// What volumes and claims have in common: access modes, modes, classes, sizes (upstream: pkg/apis/core/validation).
import { forbidden, invalid, notSupported, type FieldError } from '../api/field-error.ts';
import { subdomainProblems } from '../api/names.ts';
import { compareQuantities, isQuantity } from '../api/quantity.ts';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];

export function accessModeProblems(modes: readonly string[], path: string): FieldError[] {
  const errors = modes.filter((mode) => !ACCESS_MODES.includes(mode)).map((mode) => notSupported(path, mode, ACCESS_MODES));
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode))) errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

export function volumeModeProblems(mode: string | undefined, path: string): FieldError[] {
  return mode === undefined || VOLUME_MODES.includes(mode) ? [] : [notSupported(path, mode, VOLUME_MODES)];
}

export function classNameProblems(name: string | undefined, path: string): FieldError[] {
  return name === undefined || name === '' ? [] : subdomainProblems(name).map((problem) => invalid(path, name, problem));
}

export function positiveQuantityProblems(quantity: string, path: string): FieldError[] {
  if (!isQuantity(quantity)) return [invalid(path, quantity, 'must be a valid quantity')];
  return compareQuantities(quantity, '0') > 0 ? [] : [invalid(path, quantity, 'must be greater than zero')];
}
