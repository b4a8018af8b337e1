// Values as Go reads and writes them, where error texts and patterns show it.
import { EvaluationError } from '../../cel/index.ts';
import { compileRegex } from '../../cel/library/regex.ts';

/** As %v writes a float64. */
export function goNumber(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return Math.abs(value) >= 1e21 || (value !== 0 && Math.abs(value) < 1e-4) ? exponential(value) : text;
  return exponential(value);
}

function exponential(value: number): string {
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
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
