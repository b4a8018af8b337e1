// Match conditions of webhooks and policies, held to upstream's validation; each expression is compiled.
import { BOOL } from '../../cel/index.ts';
import { duplicate, invalid, required, tooMany, type FieldError } from '../../api/field-error.ts';
import { labelKeyProblems } from '../../api/names.ts';
import type { MatchCondition } from '../generated/api-types.ts';
import { compileExpression, ExpressionProblem, type Form } from './expressions.ts';

const CONDITIONS_MAX = 64;

export function validateMatchConditions(conditions: readonly MatchCondition[], path: string, { params }: { params: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  if (conditions.length > CONDITIONS_MAX) errors.push(tooMany(path, conditions.length, CONDITIONS_MAX));
  const names = new Set<string>();
  conditions.forEach(({ name = '', expression = '' }: { name?: string; expression?: string }, index) => {
    const at = `${path}[${String(index)}]`;
    const trimmed = expression.trim();
    if (trimmed === '') errors.push(required(`${at}.expression`));
    else errors.push(...validateExpression(trimmed, `${at}.expression`, { params, authorizer: true, returns: [BOOL] }));
    if (name === '') errors.push(required(`${at}.name`));
    else {
      errors.push(...labelKeyProblems(name).map((problem) => invalid(`${at}.name`, name, problem)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
  });
  return errors;
}

export function validateExpression(expression: string, path: string, form: Form): FieldError[] {
  try {
    compileExpression(expression, form);
    return [];
  } catch (error) {
    if (error instanceof ExpressionProblem) return [invalid(path, expression, error.message)];
    throw error;
  }
}
