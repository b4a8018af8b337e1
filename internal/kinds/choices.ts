// A field that takes one of a few words.
import { notSupported, required, type FieldError } from '../api/field-error.ts';

/** The words are told in the order given: upstream sorts some and not others. */
export function oneOf(value: string | undefined, path: string, words: readonly string[]): FieldError[] {
  if (value === undefined || value === '') return [required(path)];
  return words.includes(value) ? [] : [notSupported(path, value, words)];
}
