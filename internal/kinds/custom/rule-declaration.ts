// CEL rules of a definition's schema: whether they can be read, compile, and stay within what rules may cost at worst.
// Upstream: apiextensions-apiserver, pkg/apis/apiextensions/validation.
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { schemaOfValues, type CustomSchema, type ValidationRule } from './custom-schema.ts';
import { fieldPathOf } from './field-path.ts';
import { rulesOf, type CompiledRule } from './rule-compilation.ts';
import { ruleAsGoPrints } from './schema-print.ts';

/** What one rule may come to at worst, and all of a schema. */
const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
const MOST_EXPENSIVE = 4;
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

interface Walk {
  errors: FieldError[];
  unchanged: boolean;
  /** Schemas with problems of their own, or below them: their rules are not compiled. */
  broken: ReadonlySet<CustomSchema>;
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

export function ruleDeclarationProblems(schema: CustomSchema, { path, unchanged, broken }: { path: string; unchanged: boolean; broken: ReadonlySet<CustomSchema> }): FieldError[] {
  const walk: Walk = { errors: [], unchanged, broken, costs: [] };
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
  if ((schema['x-kubernetes-validations']?.length ?? 0) > 0 && !walk.broken.has(schema)) compileAll(schema, place, walk);
}

/** What is wrong with how the rules of a schema are said, wherever it stands. */
export function ruleShapeProblems(schema: CustomSchema, path: string): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) => shapeProblems(rule, schema, `${path}.x-kubernetes-validations[${String(index)}]`));
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
  if (fieldPath !== '' && typeof fieldPathOf(fieldPath, schema, { brackets: true }) === 'string') errors.push(invalid(`${path}.fieldPath`, fieldPath, 'must be a valid path'));
  return errors;
}

const UNTYPED = 'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations';

function compileAll(schema: CustomSchema, place: Place, walk: Walk): void {
  const compiled = rulesOf(schema, place.isRoot || schema['x-kubernetes-embedded-resource'] === true);
  if (compiled === undefined) return void walk.errors.push({ type: 'Internal', field: `${place.path}.x-kubernetes-validations`, detail: UNTYPED });
  compiled.rules.forEach((rule, index) => {
    const path = `${place.path}.x-kubernetes-validations[${String(index)}]`;
    const cost = (rule.program?.estimateCost().max ?? 0) * (place.times ?? compiled.cardinality);
    observe(walk, `${path}.rule`, { cost, what: 'estimated rule cost' });
    walk.errors.push(...compileProblems(rule, path));
    if (rule.message !== undefined) observe(walk, `${path}.messageExpression`, { cost: rule.message.estimateCost().max, what: 'estimated messageExpression cost' });
    walk.errors.push(...oldSelfProblems(rule, path, place));
  });
}

function compileProblems({ rule, problem, messageProblem }: CompiledRule, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (problem !== undefined) errors.push(invalid(`${path}.rule`, ruleAsGoPrints(rule), problem));
  if (messageProblem !== undefined) errors.push(invalid(`${path}.messageExpression`, ruleAsGoPrints(rule), messageProblem));
  return errors;
}

function oldSelfProblems({ rule, usesOldSelf }: CompiledRule, path: string, { uncorrelatable }: Place): FieldError[] {
  if (usesOldSelf && uncorrelatable !== undefined) return [invalid(`${path}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`)];
  return usesOldSelf || rule.optionalOldSelf === undefined ? [] : [invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')];
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
