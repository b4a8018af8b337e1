// CEL rules of a custom schema (x-kubernetes-validations) against an object, within the budget of one request. Upstream:
// apiextensions-apiserver, pkg/apiserver/schema/cel/validation.go.
import { CostLimitError, EvaluationError, RUNTIME_COST_BUDGET } from '../../cel/index.ts';
import { duplicate, forbidden, invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameJson } from '../../api/json-equality.ts';
import { hasMember, isMembers, schemaOfMember, type CustomSchema, type ValidationRule } from './custom-schema.ts';
import { fieldPathOf } from './field-path.ts';
import { NO_PATH } from './value-validation.ts';
import { optionalValue, rulesOf, type CompiledRule, type CompiledRules } from './rule-compilation.ts';

const MESSAGE_BYTES_MAX = 5 * 1024;

interface Budget {
  left: number;
  errors: FieldError[];
}

interface Place {
  path: string;
  value: unknown;
  /** undefined: there is none, or it cannot be told which it was. */
  old: unknown;
  /** The whole value, or one it is part of, is as it was: what is wrong with it was wrong before. */
  unchanged(): boolean;
  isRoot: boolean;
}

/** `old`: for updates. `path`: where the value stands, '' for a whole object. */
export function ruleProblems(schema: CustomSchema, { value, old, path = '', isRoot = true }: { value: unknown; old: unknown; path?: string; isRoot?: boolean }): FieldError[] {
  const budget: Budget = { left: RUNTIME_COST_BUDGET, errors: [] };
  walk(schema, { path, value, old, isRoot, unchanged: () => old !== undefined && sameJson(value, old) }, budget);
  return budget.errors.map((error) => (error.field === '' ? { ...error, field: NO_PATH } : error));
}

export function hasRules(schema: CustomSchema | undefined): boolean {
  if (schema === undefined) return false;
  if ((schema['x-kubernetes-validations']?.length ?? 0) > 0) return true;
  const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return hasRules(schema.items) || hasRules(values) || Object.values(schema.properties ?? {}).some(hasRules);
}

function walk(schema: CustomSchema | undefined, place: Place, budget: Budget): void {
  const { value, old, path } = place;
  if (schema === undefined || value === undefined || value === null || budget.left < 0) return;
  const rules = rulesOf(schema, place.isRoot || schema['x-kubernetes-embedded-resource'] === true);
  if (rules !== undefined) judgeAll(schema, rules, place, budget);
  const below = (inner: unknown, before: unknown, at: string): Place => ({
    path: at, value: inner, old: before, isRoot: false, unchanged: () => place.unchanged() || (before !== undefined && sameJson(inner, before)),
  });
  if (Array.isArray(value)) value.forEach((item, index) => walk(schema.items, below(item, itemBefore(schema, item, old), `${path}[${String(index)}]`), budget));
  else if (isMembers(value)) {
    for (const [name, member] of Object.entries(value)) {
      const at = hasMember(schema, name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
      walk(schemaOfMember(schema, name), below(member, isMembers(old) ? old[name] : undefined, at), budget);
    }
  }
}

/** Items of lists of type map are told apart by their keys; of other lists nobody knows which was which. */
function itemBefore(schema: CustomSchema, item: unknown, old: unknown): unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old) || !isMembers(item)) return undefined;
  return old.find((candidate) => isMembers(candidate) && keys.every((key) => sameJson(candidate[key], item[key]))) as unknown;
}

function judgeAll(schema: CustomSchema, { rules, type }: CompiledRules, place: Place, budget: Budget): void {
  const refuse = (detail: string): void => void budget.errors.push(invalid(place.path, schema.type ?? '', detail));
  if (budget.left <= 0) return spend(budget, refuse, 'validation failed due to running out of cost budget, no further validation rules will be run');
  for (const compiled of rules) {
    if (budget.left < 0) return;
    if (compiled.problem !== undefined) refuse(`rule compile error: ${compiled.problem}`);
    else judge(compiled, { schema, type, place, refuse }, budget);
  }
}

interface Judging {
  schema: CustomSchema;
  type: CompiledRules['type'];
  place: Place;
  refuse(detail: string): void;
}

function judge(compiled: CompiledRule, { schema, type, place, refuse }: Judging, budget: Budget): void {
  const { rule, program, usesOldSelf } = compiled;
  const isOptional = rule.optionalOldSelf === true;
  const hasOld = place.old !== undefined && place.old !== null;
  if (program === undefined || (usesOldSelf && !hasOld && !isOptional)) return;
  const variables = { self: place.value, ...(isOptional ? { oldSelf: () => optionalValue(place.old, type) } : hasOld && { oldSelf: place.old }) };
  try {
    const { value, cost } = program.evaluate(variables);
    if (cost > budget.left) return spend(budget, refuse, 'validation failed due to running out of cost budget, no further validation rules will be run');
    budget.left -= cost;
    if (value === true) return;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return failed(error, { rule, refuse }, budget);
  }
  const error = broken(compiled, { schema, place, variables }, budget);
  if (error !== undefined && (usesOldSelf || !place.unchanged())) budget.errors.push(error);
}

function spend(budget: Budget, refuse: (detail: string) => void, detail: string): void {
  refuse(detail);
  budget.left = -1;
}

/** The rule could not be judged. */
function failed(error: EvaluationError, { rule, refuse }: { rule: ValidationRule; refuse(detail: string): void }, budget: Budget): void {
  if (error instanceof CostLimitError) return spend(budget, refuse, `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${nameOf(rule)}`);
  if (error.cost > budget.left) return spend(budget, refuse, 'validation failed due to running out of cost budget, no further validation rules will be run');
  budget.left -= error.cost;
  if (error.message.startsWith('no such overload')) refuse(`'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${nameOf(rule)}`);
  else refuse(`${error.message} evaluating rule: ${nameOf(rule)}`);
}

/** The rule does not hold: the error it asks for. */
function broken(compiled: CompiledRule, { schema, place, variables }: { schema: CustomSchema; place: Place; variables: Readonly<Record<string, unknown>> }, budget: Budget): FieldError | undefined {
  const { rule } = compiled;
  const field = fieldOf(rule, schema, place.path);
  const message = messageOfRule(compiled, variables, budget);
  if (message.ends !== undefined) return invalid(field, schema.type ?? '', message.ends);
  const detail = message.text ?? (rule.message === undefined || rule.message === '' ? `failed rule: ${nameOf(rule)}` : rule.message.trim());
  const composed = schema.type === 'object' || schema.type === 'array';
  switch (rule.reason ?? '') {
    case 'FieldValueForbidden': return forbidden(field, detail);
    case 'FieldValueRequired': return required(field, detail);
    case 'FieldValueDuplicate': return composed ? { type: 'Duplicate', field, detail: '' } : duplicate(field, place.value);
    default: return composed ? { type: 'Invalid', field, detail } : invalid(field, place.value, detail);
  }
}

/** Where the rule says that the fault lies. */
function fieldOf({ fieldPath = '' }: ValidationRule, schema: CustomSchema, path: string): string {
  const found = fieldPath === '' ? undefined : fieldPathOf(fieldPath, schema, { brackets: true });
  if (found === undefined || typeof found === 'string') return path;
  return path === '' || found.path.startsWith('[') ? `${path}${found.path}` : `${path}.${found.path}`;
}

/** What the message expression says; `ends`: it took too long, and nothing more is asked. */
function messageOfRule({ message, rule }: CompiledRule, variables: Readonly<Record<string, unknown>>, budget: Budget): { text?: string; ends?: string } {
  if (message === undefined) return {};
  const tooMuch = 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';
  try {
    const { value, cost } = message.evaluate(variables);
    if (cost > budget.left) return over(budget, tooMuch);
    budget.left -= cost;
    const text = typeof value === 'string' ? value.trim() : '';
    return text === '' || text.includes('\n') || Buffer.byteLength(text) > MESSAGE_BYTES_MAX ? {} : { text };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    if (error instanceof CostLimitError) return over(budget, `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`);
    if (error.cost > budget.left) return over(budget, tooMuch);
    budget.left -= error.cost;
    return {};
  }
}

function over(budget: Budget, ends: string): { ends: string } {
  budget.left = -1;
  return { ends };
}

function nameOf({ message = '', rule }: ValidationRule): string {
  return (message === '' ? rule : message).trim();
}
