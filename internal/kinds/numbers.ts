// Checks of numbers and of int-or-percent fields, in upstream's words.
import { invalid, type FieldError } from '../api/field-error.ts';
import { regexpWords } from '../api/names.ts';

const PERCENT = '[0-9]+%';

export function nonNegative(value: number | undefined, path: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : [];
}

/** A number from 0 up, or a percentage. */
export function intOrPercentProblems(value: number | string, path: string): FieldError[] {
  if (typeof value === 'number') return nonNegative(value, path);
  return percentOf(value) === undefined ? [invalid(path, value, regexpWords('a valid percent string must be a numeric string followed by an ending \'%\'', PERCENT, ['1%', '93%']))] : [];
}

export function notOver100Percent(value: number | string, path: string): FieldError[] {
  const percent = typeof value === 'string' ? percentOf(value) : undefined;
  return percent !== undefined && percent > 100 ? [invalid(path, value, 'must not be greater than 100%')] : [];
}

/** 0, or 0%, or a text that is no percentage at all. */
export function isZero(value: number | string): boolean {
  return typeof value === 'number' ? value === 0 : (percentOf(value) ?? 0) === 0;
}

function percentOf(text: string): number | undefined {
  return /^[0-9]+%$/.test(text) ? Number(text.slice(0, -1)) : undefined;
}
