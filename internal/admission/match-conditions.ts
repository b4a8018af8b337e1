// Match conditions: CEL expressions by which a webhook or policy chooses further. One that says no settles it; otherwise one that goes wrong
// leaves it to the failurePolicy.
import { BOOL, CostLimitError, MATCH_CONDITIONS_COST_BUDGET, PER_CALL_LIMIT, type Variables } from '../cel/index.ts';
import { messageOf } from '../base/errors.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { attempt, type Compiled } from '../kinds/admission/policy-forms.ts';
import type { MatchCondition } from '../kinds/generated/api-types.ts';
import { variablesOf, type ExpressionInput } from './expression-input.ts';

export interface ConditionSource {
  authorizer: Authorizer;
}
export type ConditionInput = ExpressionInput;

/** `error`: it cannot be told. */
export interface Outcome {
  met: boolean;
  error?: string;
}

export const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

const compiled = new WeakMap<readonly MatchCondition[], Compiled[]>();

export function matchConditions(conditions: readonly MatchCondition[], input: ConditionInput): Outcome {
  return judge(conditions, programsOf(conditions, input.params !== undefined), variablesOf(input));
}

export function judge(conditions: readonly MatchCondition[], programs: readonly Compiled[], variables: Variables): Outcome {
  const errors: string[] = [];
  let budget = MATCH_CONDITIONS_COST_BUDGET;
  let refused = false;
  for (const [index, condition] of programs.entries()) {
    const result = evaluate(condition, { expression: conditions[index]?.expression ?? '', variables, budget });
    if (result === OUT_OF_BUDGET) return { met: false, error: OUT_OF_BUDGET };
    if ('error' in result) errors.push(result.error);
    else {
      budget -= result.cost;
      if (result.value === false) refused = true;
    }
  }
  if (refused || errors.length === 0) return { met: !refused };
  return { met: false, error: errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]` };
}

export type Evaluated = { value: unknown; cost: number } | { error: string } | typeof OUT_OF_BUDGET;

/** One expression within what is left of the budget. */
export function evaluate(compiledOne: Compiled, { expression, variables, budget }: { expression: string; variables: Variables; budget: number }): Evaluated {
  if ('problem' in compiledOne) return { error: `compilation error: ${compiledOne.problem}` };
  try {
    const result = compiledOne.program.evaluate(variables, { costLimit: Math.min(budget, PER_CALL_LIMIT) });
    return result.cost > budget ? OUT_OF_BUDGET : result;
  } catch (error) {
    if (error instanceof CostLimitError && budget < PER_CALL_LIMIT) return OUT_OF_BUDGET;
    return { error: `expression '${expression}' resulted in error: ${messageOf(error)}` };
  }
}

function programsOf(conditions: readonly MatchCondition[], params: boolean): Compiled[] {
  const known = compiled.get(conditions);
  if (known !== undefined) return known;
  const programs = conditions.map(({ expression }) => attempt(expression, { params, authorizer: true, returns: [BOOL] }));
  compiled.set(conditions, programs);
  return programs;
}
