// CEL rules of a definition's schema: whether they can be read, compile, and stay within what rules may cost at worst.
// Upstream: apiextensions-apiserver, pkg/apis/apiextensions/validation.
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { schemaOfValues, type CustomSchema, type ValidationRule } from './custom-schema.ts';
import { rulesOf, type CompiledRule } from './rule-compilation.ts';

/** What one rule may come to at worst, and all of a schema. */
const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
const MOST_EXPENSIVE = 4;
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

interface Walk {
  errors: FieldError[];
  unchanged: boolean;
  costs: { path: string; cost: number }[];
}

interface Place {
  path: string;
  isRoot: boolean;
  /** How often it can stand in an object, by the bounds of what it is in; undefined: no bound. */
  times: number | undefined;
  /** The innermost list or map around it whose parts cannot be told apart over an update. */
  uncorrelatable: string | undefined;
}

export function ruleDeclarationProblems(schema: CustomSchema, { path, unchanged }: { path: string; unchanged: boolean }): FieldError[] {
  const walk: Walk = { errors: [], unchanged, costs: [] };
  visit(schema, { path, isRoot: true, times: 1, uncorrelatable: undefined }, walk);
  const total = walk.costs.reduce((sum, { cost }) => sum + cost, 0);
  if (total <= SCHEMA_COST_MAX) return walk.errors;
  const expensive = walk.costs.filter(({ cost }) => cost >= SCHEMA_COST_MAX / 100).sort((a, b) => b.cost - a.cost).slice(0, MOST_EXPENSIVE);
  return [
    ...walk.errors, ...expensive.map((each) => forbidden(each.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')),
    forbidden(path, tooExpensive('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total, SCHEMA_COST_MAX)),
  ];
}

function visit(schema: CustomSchema, place: Place, walk: Walk): void {
  const { path, times } = place;
  const values = schemaOfValues(schema);
  if (values !== undefined) visit(values, { ...place, isRoot: false, path: `${path}.additionalProperties`, times: multiplied(times, schema.maxProperties) }, walk);
  for (const [name, property] of Object.entries(schema.properties ?? {})) visit(property, { ...place, isRoot: false, path: `${path}.properties[${name}]` }, walk);
  if (schema.items !== undefined) {
    const uncorrelatable = place.uncorrelatable ?? (schema['x-kubernetes-list-type'] === 'map' ? undefined : path);
    visit(schema.items, { path: `${path}.items`, isRoot: false, times: multiplied(times, schema.maxItems), uncorrelatable }, walk);
  }
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return;
  const shape = rules.flatMap((rule, index) => shapeProblems(rule, schema, `${path}.x-kubernetes-validations[${String(index)}]`));
  walk.errors.push(...shape);
  if (shape.length === 0) compileAll(schema, place, walk);
}

function multiplied(times: number | undefined, max: number | undefined): number | undefined {
  return times === undefined || max === undefined ? undefined : times * max;
}

function shapeProblems(rule: Partial<ValidationRule>, schema: CustomSchema, path: string): FieldError[] {
  const { rule: expression = '', message = '', messageExpression = '', reason, fieldPath = '' } = rule;
  const errors: FieldError[] = [];
  const hasLines = (text: string): boolean => /[\n\r]/.test(text.trim());
  if (expression.trim() === '') errors.push(required(`${path}.rule`, 'rule is not specified'));
  else if (message !== '' && message.trim() === '') errors.push(invalid(`${path}.message`, message, 'must be non-empty if specified'));
  else if (hasLines(message)) errors.push(invalid(`${path}.message`, message, 'must not contain line breaks'));
  else if (hasLines(expression) && message.trim() === '') errors.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
  if (messageExpression !== '' && messageExpression.trim() === '') errors.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, REASONS));
  if (fieldPath !== '' && fieldPath.trim() === '') errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must be non-empty if specified'));
  if (/[\n\r]/.test(fieldPath)) errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must not contain line breaks'));
  if (fieldPath !== '' && !isFieldOf(fieldPath, schema)) errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must be a valid path'));
  return errors;
}

/** `.spec.x`, `.labels['a/b']` */
function isFieldOf(path: string, root: CustomSchema): boolean {
  let schema: CustomSchema | undefined = root;
  let rest = path;
  while (rest !== '') {
    const step = /^(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\])/.exec(rest);
    if (step === null || schema === undefined) return false;
    const name: string = step[1] ?? (step[2] ?? '').replaceAll(/\\(.)/g, '$1');
    schema = schema.properties === undefined ? schemaOfValues(schema) : schema.properties[name];
    if (schema === undefined) return false;
    rest = rest.slice(step[0].length);
  }
  return true;
}

function compileAll(schema: CustomSchema, place: Place, walk: Walk): void {
  const compiled = rulesOf(schema, place.isRoot || schema['x-kubernetes-embedded-resource'] === true);
  if (compiled === undefined) return;
  compiled.rules.forEach((rule, index) => {
    const path = `${place.path}.x-kubernetes-validations[${String(index)}]`;
    walk.errors.push(...compileProblems(rule, path, place));
    const cost = (rule.program?.estimateCost().max ?? 0) * (place.times ?? compiled.cardinality);
    observe(walk, `${path}.rule`, { cost, what: 'estimated rule cost' });
    if (rule.message !== undefined) observe(walk, `${path}.messageExpression`, { cost: rule.message.estimateCost().max, what: 'estimated messageExpression cost' });
  });
}

function compileProblems({ rule, problem, messageProblem, usesOldSelf }: CompiledRule, path: string, { uncorrelatable }: Place): FieldError[] {
  const errors: FieldError[] = [];
  if (problem !== undefined) errors.push(invalid(`${path}.rule`, asGoPrints(rule), problem));
  if (messageProblem !== undefined) errors.push(invalid(`${path}.messageExpression`, asGoPrints(rule), messageProblem));
  if (usesOldSelf && uncorrelatable !== undefined) errors.push(invalid(`${path}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`));
  else if (!usesOldSelf && rule.optionalOldSelf !== undefined) errors.push(invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
  return errors;
}

/** The rule as upstream's internal type is written: every field, by its name in Go. */
function asGoPrints({ rule, message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf }: ValidationRule): object {
  return { Rule: rule, Message: message, MessageExpression: messageExpression, Reason: reason ?? null, FieldPath: fieldPath, OptionalOldSelf: optionalOldSelf ?? null };
}

function observe({ errors, costs, unchanged }: Walk, path: string, { cost, what }: { cost: number; what: string }): void {
  if (cost > RULE_COST_MAX && !unchanged) errors.push(forbidden(path, tooExpensive(what, cost, RULE_COST_MAX)));
  costs.push({ path, cost });
}

function tooExpensive(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
