// The CEL rules of a schema, compiled where they stand when they are first asked for. Upstream: apiextensions-apiserver,
// pkg/apiserver/schema/cel/compilation.go.
import { CelError, compile, maxCardinality, optionalOf, ProgramError, sameType, BOOL, STRING, schemaType, type CelType, type Program, type TypeSchema } from '../../cel/index.ts';
import type { CustomSchema, ValidationRule } from './custom-schema.ts';

export interface CompiledRule {
  rule: ValidationRule;
  /** undefined: the rule is empty, or has a problem. */
  program: Program | undefined;
  problem?: string;
  message?: Program;
  messageProblem?: string;
  /** A transition rule: it needs the old value. */
  usesOldSelf: boolean;
}

export interface CompiledRules {
  type: CelType;
  rules: readonly CompiledRule[];
  /** How often the value can stand in a request. */
  cardinality: number;
}

const known = new WeakMap<CustomSchema, CompiledRules>();

/** undefined: no rules, or a value that CEL has no type for. */
export function rulesOf(schema: CustomSchema, isResourceRoot: boolean): CompiledRules | undefined {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return undefined;
  const found = known.get(schema);
  if (found !== undefined) return found;
  const type = schemaType(schema as TypeSchema, { resourceRoot: isResourceRoot, name: 'selfType' });
  if (type === undefined) return undefined;
  const compiled: CompiledRules = { type, rules: rules.map((rule) => compileRule(rule, type)), cardinality: maxCardinality(type) };
  known.set(schema, compiled);
  return compiled;
}

function compileRule(rule: ValidationRule, type: CelType): CompiledRule {
  const nothing: CompiledRule = { rule, program: undefined, usesOldSelf: false };
  if (rule.rule.trim() === '') return nothing;
  const variables = { self: type, oldSelf: rule.optionalOldSelf === true ? optionalOf(type) : type };
  const program = attempt(rule.rule, variables);
  if (typeof program === 'string') return { ...nothing, problem: program };
  if (!sameType(program.outputType, BOOL)) return { ...nothing, problem: 'cel expression must evaluate to a bool' };
  const compiled: CompiledRule = { rule, program, usesOldSelf: program.references.has('oldSelf') };
  if (rule.messageExpression === undefined || rule.messageExpression === '') return compiled;
  const message = attempt(rule.messageExpression, variables);
  if (typeof message === 'string') return { ...compiled, messageProblem: `messageExpression ${message.replace(/^program /, '')}` };
  return sameType(message.outputType, STRING) ? { ...compiled, message } : { ...compiled, messageProblem: 'messageExpression must evaluate to a string' };
}

/** The program, or what is wrong with it. */
function attempt(expression: string, variables: Readonly<Record<string, CelType>>): Program | string {
  try {
    return compile(expression, { variables });
  } catch (error) {
    if (error instanceof CelError) return `compilation failed: ${error.message}`;
    if (error instanceof ProgramError) return `program instantiation failed: ${error.message}`;
    throw error;
  }
}

let optionals: { none: Program; of: (type: CelType) => Program } | undefined;

/** A value for a variable that may be absent. */
export function optionalValue(value: unknown, type: CelType): unknown {
  optionals ??= { none: compile('optional.none()', { variables: {} }), of: (of) => compile('optional.of(value)', { variables: { value: of } }) };
  return value === undefined || value === null ? optionals.none.evaluate({}).value : optionals.of(type).evaluate({ value }).value;
}
