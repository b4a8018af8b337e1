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
import type { CelType, ObjectType } from './type.ts';

export { CelError, CostLimitError, EvaluationError, ProgramError, type Issue };
export * from './type.ts';
export { AUTHORIZER, authorizerValue, RESOURCE_CHECK, resourceCheckValue } from './authorizer.ts';
export { PER_CALL_LIMIT } from './call-cost.ts';
export { definitionType } from './definition-type.ts';
export { toJson } from './json-value.ts';
export { APPLY_CONFIGURATION_TYPE, JSON_PATCH_TYPE, misnamedObjects, mutationTypes } from './mutation-type.ts';
export { maxCardinality, schemaType, type TypeSchema } from './schema-type.ts';
export { Double } from './value.ts';

/** What all rules of one custom resource may cost in a request: RuntimeCELCostBudget of apiextensions. */
export const RUNTIME_COST_BUDGET = 10_000_000;
/** What the match conditions of one object may cost together: RuntimeCELCostBudgetMatchConditions. */
export const MATCH_CONDITIONS_COST_BUDGET = 2_500_000;

export interface Environment {
  /** By name; a dot in it is a namespace (`authorizer.requestResource`). */
  variables: Readonly<Record<string, CelType>>;
  /** Types that expressions may name and build; `mutationTypes` gives those of MutatingAdmissionPolicy: Object, Object.x.y, JSONPatch. */
  types?: (name: string) => ObjectType | undefined;
  /** cel.bind(name, value, expression) is known; upstream has it for devices alone. */
  bindings?: boolean;
}

export type Variables = Readonly<Record<string, unknown>>;

export interface EvaluateOptions {
  /** PER_CALL_LIMIT unless given; above it a CostLimitError ends the evaluation. */
  costLimit?: number;
}

export interface Evaluation {
  value: unknown;
  cost: number;
}

/** min and max are whole numbers up to 2^64-1; beyond 2^53 they are approximate. */
export interface CostEstimate {
  min: number;
  max: number;
}

export interface Program {
  readonly expression: string;
  readonly outputType: CelType;
  /** Names of the variables it reads: `references.has('oldSelf')` makes a transition rule. */
  readonly references: ReadonlySet<string>;
  evaluate(variables: Variables, options?: EvaluateOptions): Evaluation;
  /** The worst case by the sizes that the variables' types declare. */
  estimateCost(): CostEstimate;
}

/**
 * What `authorizer` answers from; the value of a variable of type AUTHORIZER is made of it by `authorizerValue(port)`, that of
 * `authorizer.requestResource` (RESOURCE_CHECK) by `resourceCheckValue(port, resource)`.
 */
export interface AuthorizerPort {
  /** `serviceAccount` where the expression asked for another user than the request's. */
  authorize(query: AuthorizerQuery): { allowed: boolean; reason: string; error?: string };
}

export interface AuthorizerQuery {
  serviceAccount?: { namespace: string; name: string };
  isResource: boolean;
  path: string;
  verb: string;
  group: string;
  /** '*' for resources. */
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector: string;
  labelSelector: string;
}

/** Checks an expression. Throws CelError with every issue, ProgramError where it is correct but no program can be made of it. */
export function compile(expression: string, environment: Environment): Program {
  return compileProgram(expression, environment);
}
