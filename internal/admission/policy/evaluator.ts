// The expressions of one policy on one request: `variables.x` are computed when first read and then kept; all of them spend one budget.
import { CostLimitError, EvaluationError, PER_CALL_LIMIT, RUNTIME_COST_BUDGET, type Variables } from '../../cel/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Compiled, PolicyForms } from '../../kinds/admission/policy-forms.ts';
import { variablesOf, type ExpressionInput } from '../expression-input.ts';
import { evaluate, OUT_OF_BUDGET, type Evaluated } from '../match-conditions.ts';

export interface Evaluator {
  readonly variables: Variables;
  run(compiled: Compiled, expression: string): Evaluated;
}

export function createEvaluator({ variables }: Pick<PolicyForms, 'variables'>, input: ExpressionInput): Evaluator {
  let budget = RUNTIME_COST_BUDGET;
  const base = variablesOf(input);
  const all: Record<string, unknown> = { ...base };
  const values: object = {};
  for (const { name, compiled } of variables) {
    let known: { value: unknown } | undefined;
    Object.defineProperty(values, name, { enumerable: true, get: () => (known ??= { value: compute(name, compiled) }).value });
  }
  if (variables.length > 0) all['variables'] = values;

  const compute = (name: string, compiled: Compiled): unknown => {
    if ('problem' in compiled) throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to compile: ${compiled.problem}`);
    try {
      const { value, cost } = compiled.program.evaluate(all, { costLimit: Math.min(budget, PER_CALL_LIMIT) });
      budget -= cost;
      return value;
    } catch (error) {
      if (error instanceof CostLimitError) throw error;
      throw new EvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${messageOf(error)}`);
    }
  };

  return {
    variables: all,
    run(compiled, expression) {
      const result = evaluate(compiled, { expression, variables: all, budget });
      if (result !== OUT_OF_BUDGET && 'cost' in result) budget -= result.cost;
      return budget < 0 ? OUT_OF_BUDGET : result;
    },
  };
}
