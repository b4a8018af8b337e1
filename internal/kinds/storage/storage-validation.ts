// What volumes and claims have in common: access modes, modes, classes, sizes (upstream: pkg/apis/core/validation).
import { forbidden, invalid, notSupported, required, tooLong, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems, subdomainProblems } from '../../api/names.ts';
import { compareQuantities, isQuantity } from '../../api/quantity.ts';

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

const DRIVER_NAME_MAX = 63;
const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX = 256 * 1024;

/** The name of a CSI driver. */
export function driverNameProblems(name: string, path: string): FieldError[] {
  if (name === '') return [required(path)];
  const errors = name.length > DRIVER_NAME_MAX ? [tooLong(path, DRIVER_NAME_MAX)] : [];
  return [...errors, ...subdomainProblems(name.toLowerCase()).map((problem) => invalid(path, name, problem))];
}

/** Who provisions, of storage classes and attributes classes. */
export function provisionerProblems(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)];
  const lower = name.toLowerCase();
  return labelKeyProblems(lower).map((problem) => invalid(path, lower, problem));
}

export function parameterProblems(parameters: Readonly<Record<string, string>> | undefined, path: string, { mayBeEmpty }: { mayBeEmpty: boolean }): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > PARAMETERS_MAX) return [tooLong(path, PARAMETERS_MAX)];
  const errors = entries.filter(([key]) => key === '').map(([key]) => invalid(path, key, 'field can not be empty.'));
  if (entries.reduce((size, [key, value]) => size + Buffer.byteLength(key) + Buffer.byteLength(value), 0) > PARAMETERS_BYTES_MAX) errors.push(tooLong(path, PARAMETERS_BYTES_MAX));
  if (!mayBeEmpty && entries.length === 0) errors.push(required(path, 'must contain at least one key/value pair'));
  return errors;
}
