// Values as Go reads and writes them, where error texts and patterns show it.
import { EvaluationError } from '../../cel/index.ts';
import { compileRegex } from '../../cel/library/regex.ts';

/** The value as Go's maps are written: with their keys in order. */
export function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sortedKeys(member)]));
}

/** Whether the text matches a pattern in Go's syntax, in time linear in the text. A pattern that cannot be read matches nothing. */
export function matches(pattern: string, text: string): boolean {
  try {
    return compileRegex(pattern).test(text);
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}
