// Regular expressions. (Until the linear matcher stands: JavaScript's.)
import { EvaluationError } from '../cel-error.ts';

export interface Regex {
  test(text: string): boolean;
}

export function compileRegex(pattern: string): Regex {
  try {
    return new RegExp(pattern, 'u');
  } catch (cause) {
    throw new EvaluationError(`error parsing regexp: ${(cause as Error).message}`, { cause });
  }
}
