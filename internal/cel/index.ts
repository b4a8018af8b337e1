// CEL as Kubernetes 1.36 speaks it: cel-go's language and error texts, Kubernetes' libraries, and its costs.
//
//   const program = compile('self.replicas <= oldSelf.replicas', { variables: { self: type, oldSelf: type } });   // throws CelError, ProgramError
//   if (program.outputType.kind !== 'bool') …                                                                    // the caller's words
//   const { value, cost } = program.evaluate({ self, oldSelf }, { costLimit: budgetLeft });                       // throws EvaluationError
//
// Types come from a CRD's structural schema (`schemaType`), from a built-in kind (`definitionType`), from a record (`objectType`), or are `DYN`.
// Values go in as the JSON the API holds (never copied, converted only where they are read) and come out as CEL values; `toJson` makes JSON of
// them. A boolean is a boolean, a string a string, null null; an int is a number (a bigint beyond 2^53), a double a `Double`.
// A variable may be given as a function: it is called once, when the expression first reads the variable. A field of an object may
// be a getter: so `variables.x` of a policy is computed when it is read, and an EvaluationError it throws is the value's own, which || may
// absorb. Values that another program gave may be passed as they are. A variable of type optionalOf(T) is given as a T, or undefined for none.
// An expression reads no clock: `evaluate` is pure but for what the authorizer given to it answers.
//
// Nothing is built at import; a program is checked at once and planned at its first evaluation.
import { CelError, CostLimitError, EvaluationError, ProgramError, type Issue } from './cel-error.ts';
import { compileProgram } from './compile.ts';
import type { Environment, Program } from './program.ts';

export { CelError, CostLimitError, EvaluationError, ProgramError, type Issue };
export * from './type.ts';
export { AUTHORIZER, authorizerValue, RESOURCE_CHECK, resourceCheckValue, type AuthorizerPort, type AuthorizerQuery } from './authorizer.ts';
export { PER_CALL_LIMIT } from './call-cost.ts';
export { definitionType } from './definition-type.ts';
export { toJson } from './json-value.ts';
export { APPLY_CONFIGURATION_TYPE, JSON_PATCH_TYPE, misnamedObjects, mutationTypes } from './mutation-type.ts';
export type { CostEstimate, Environment, EvaluateOptions, Evaluation, Program, Variables } from './program.ts';
export { Double } from './scalar.ts';
export { maxCardinality, schemaType, type TypeSchema } from './schema-type.ts';

/** What all rules of one custom resource may cost in a request: RuntimeCELCostBudget of apiextensions. */
export const RUNTIME_COST_BUDGET = 10_000_000;
/** What the match conditions of one object may cost together: RuntimeCELCostBudgetMatchConditions. */
export const MATCH_CONDITIONS_COST_BUDGET = 2_500_000;

/** Checks an expression. Throws CelError with every issue, ProgramError where it is correct but no program can be made of it. */
export function compile(expression: string, environment: Environment): Program {
  return compileProgram(expression, environment);
}
