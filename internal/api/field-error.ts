// Validation findings, as upstream's k8s.io/apimachinery field.Error: type, path, value, detail, with its exact words.
import { StatusError, type StatusCause } from '../base/errors.ts';

export type FieldErrorType = 'Required' | 'Invalid' | 'Duplicate' | 'NotFound' | 'NotSupported' | 'Forbidden' | 'TooLong' | 'TooMany' | 'TooFew' | 'TypeInvalid' | 'Internal';

export interface FieldError {
  type: FieldErrorType;
  /** `spec.containers[0].name` */
  field: string;
  /** Left out of the message for Required, Forbidden, TooLong. */
  value?: unknown;
  detail: string;
}

const TEXT: Record<FieldErrorType, [cause: string, words: string]> = {
  Required: ['FieldValueRequired', 'Required value'],
  Invalid: ['FieldValueInvalid', 'Invalid value'],
  Duplicate: ['FieldValueDuplicate', 'Duplicate value'],
  NotFound: ['FieldValueNotFound', 'Not found'],
  NotSupported: ['FieldValueNotSupported', 'Unsupported value'],
  Forbidden: ['FieldValueForbidden', 'Forbidden'],
  TooLong: ['FieldValueTooLong', 'Too long'],
  TooMany: ['FieldValueTooMany', 'Too many'],
  TooFew: ['FieldValueTooFew', 'Too few'],
  TypeInvalid: ['FieldValueTypeInvalid', 'Invalid value'],
  Internal: ['InternalError', 'Internal error'],
};

export const required = (field: string, detail = ''): FieldError => ({ type: 'Required', field, detail });
export const invalid = (field: string, value: unknown, detail: string): FieldError => ({ type: 'Invalid', field, value, detail });
export const duplicate = (field: string, value: unknown): FieldError => ({ type: 'Duplicate', field, value, detail: '' });
export const fieldNotFound = (field: string, value: unknown): FieldError => ({ type: 'NotFound', field, value, detail: '' });
export const forbidden = (field: string, detail: string): FieldError => ({ type: 'Forbidden', field, detail });
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'NotSupported', field, value, detail: supported.length === 0 ? '' : `supported values: ${supported.map((word) => JSON.stringify(word)).join(', ')}`,
});
export const tooLong = (field: string, max: number): FieldError => ({ type: 'TooLong', field, detail: `may not be more than ${String(max)} bytes` });
export const tooMany = (field: string, actual: number, max: number): FieldError => ({ type: 'TooMany', field, value: actual, detail: `must have at most ${String(max)} ${max === 1 ? 'item' : 'items'}` });

/** `Required value: must be set`, `Invalid value: "x": bad`: what upstream's ErrorBody gives. */
export function errorBody(error: FieldError): string {
  const { type, value, detail } = error;
  const hasValue = 'value' in error; // left out where it would be a whole object
  const words = TEXT[type][1];
  const bare = type === 'Required' || type === 'Forbidden' || type === 'TooLong' || type === 'Internal' || !hasValue;
  const head = bare ? words : `${words}: ${formatValue(value)}`;
  return detail === '' ? head : `${head}: ${detail}`;
}

/** The Status that upstream's errors.NewInvalid gives: every problem, `Kind.group "name" is invalid: …`. */
export function invalidObject(kind: { group: string; kind: string }, name: string, errors: readonly FieldError[]): StatusError {
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const lines = [...new Set(errors.map((error) => `${error.field || '[]'}: ${errorBody(error)}`))];
  // An error of the whole object has no path: upstream writes [].
  const causes: StatusCause[] = errors.map((error) => ({ reason: TEXT[error.type][0], message: errorBody(error), field: error.field || '[]' }));
  const text = lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
  return new StatusError('Invalid', `${qualified} ${JSON.stringify(name)} is invalid${errors.length === 0 ? '' : `: ${text}`}`, {
    details: { ...(name !== '' && { name }), ...(kind.group !== '' && { group: kind.group }), ...(kind.kind !== '' && { kind: kind.kind }), causes },
  });
}

const EXPONENT_FROM = 6;

function formatValue(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\u007f', '\\x7f'); // as Go quotes it
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return goFloat(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value as number | boolean);
}

/** As Go's %v writes a float64. */
export function goFloat(value: number): string {
  const written = value.toExponential();
  const exponent = Number(written.slice(written.indexOf('e') + 1));
  return value !== 0 && (exponent < -4 || exponent >= EXPONENT_FROM) ? written.replace(/e([+-])(\d)$/, 'e$10$2') : String(value);
}
