// What the expressions of one policy may name: its variables are compiled in order, each seeing those before it; the others see them all.
import { APPLY_CONFIGURATION_TYPE, BOOL, DYN, JSON_PATCH_TYPE, listOf, mutationTypes, NULL, STRING, type CelType, type Program } from '../../cel/index.ts';
import type { Mutation, Variable } from '../generated/api-types.ts';
import { compileExpression, ExpressionProblem, type Form } from './expressions.ts';

export type Compiled = { program: Program } | { problem: string };

export interface PolicyForms {
  /** In their order. */
  variables: { name: string; expression: string; compiled: Compiled }[];
  condition: Form;
  validation: Form;
  message: Form;
  annotation: Form;
  /** For type checks, whatever comes of it. */
  free: Form;
}

export interface PolicySpec {
  paramKind?: object;
  variables?: readonly Variable[];
}

/** What `object` and `params` are where that is checked; `alwaysVariables`: `variables` can be named where there are none. */
export function policyForms({ paramKind, variables = [] }: PolicySpec, { alwaysVariables = false, ...types }: Pick<Form, 'object' | 'paramsType'> & { alwaysVariables?: boolean } = {}): PolicyForms {
  const known: Record<string, CelType> = {};
  const base: Form = { params: paramKind !== undefined, authorizer: true, ...types, ...((variables.length > 0 || alwaysVariables) && { variables: known }) };
  const compiled = variables.map(({ name = '', expression = '' }: Partial<Variable>) => {
    const result = attempt(expression, base);
    if (expression.trim() !== '') known[name] = 'program' in result ? result.program.outputType : DYN;
    return { name, expression, compiled: result };
  });
  return {
    variables: compiled, free: base,
    condition: { ...base, returns: [BOOL] }, validation: { ...base, returns: [BOOL] },
    message: { ...base, authorizer: false, returns: [STRING] }, annotation: { ...base, returns: [STRING, NULL] },
  };
}

export function attempt(expression: string, form: Form): Compiled {
  try {
    return { program: compileExpression(expression, form) };
  } catch (error) {
    if (error instanceof ExpressionProblem) return { problem: error.message };
    throw error;
  }
}

/** What a mutation's expression may build, and must come to. */
export function mutationForm(base: Form, patchType: Mutation['patchType']): Form {
  return { ...base, types: mutationTypes, returns: [patchType === 'JSONPatch' ? listOf(JSON_PATCH_TYPE) : APPLY_CONFIGURATION_TYPE] };
}
