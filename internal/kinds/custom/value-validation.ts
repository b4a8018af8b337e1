// Values of a custom object against its schema, in the words of kube-openapi's validator. An update is ratcheted: what was wrong before and
// did not change is let be (KEP-4008), member by member and, in lists of type map, item by item.
import { sameJson } from '../../api/json-equality.ts';
import { errorBody, goFloat, invalid, notSupported, required, tooLong, tooMany, type FieldError } from '../../api/field-error.ts';
import { hasFormat, validatesFormat } from './formats.ts';
import { hasMember, isMembers, OBJECT_FIELDS, schemaOfValues, type CustomSchema, type Members } from './custom-schema.ts';
import { matches, sortedKeys } from './go-values.ts';

/** As Go prints a path that is none. */
export const NO_PATH = '<nil>';

/** No old value to compare with. */
const NOTHING = Symbol('nothing');

/** What one schema finds of a value, and how much of it fitted: of several alternatives, the best is told of. */
interface Result {
  errors: FieldError[];
  fits: number;
}

export function validateValue(schema: CustomSchema | undefined, value: unknown, options: { path?: string; old?: unknown; isUpdate?: boolean } = {}): FieldError[] {
  if (schema === undefined) return [];
  const { path = '', old, isUpdate = false } = options;
  return told(validate(schema, value, { path: '', old: isUpdate ? old : NOTHING }).errors).map((error) => (path === '' ? { ...error, field: error.field || NO_PATH } : { ...error, field: error.field === '' ? path : `${path}.${error.field}` }));
}

/** Alternatives may find the same thing: it is told once. */
function told(errors: readonly FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return errors.filter((error) => {
    const text = `${error.field}: ${errorBody(error)}`;
    return !seen.has(text) && seen.add(text).size > 0;
  });
}

interface Place {
  path: string;
  old: unknown;
}

function validate(schema: CustomSchema, value: unknown, place: Place): Result {
  const result = collect(schema, value, place);
  return result.errors.length > 0 && place.old !== NOTHING && sameJson(value, place.old) ? { errors: [], fits: 0 } : result;
}

function collect(schema: CustomSchema, value: unknown, place: Place): Result {
  const result: Result = { errors: [], fits: 0 };
  const wrongType = typeProblem(schema, value, place.path);
  if (wrongType !== undefined) result.errors.push(wrongType);
  else result.fits++;
  if (value === null) {
    checkEnum(schema, value, place, result);
    return result;
  }
  checkCombinations(schema, value, place, result);
  if (typeof value === 'string') checkString(schema, value, place, result);
  if (typeof value === 'number' || typeof value === 'bigint') result.errors.push(...numberProblems(schema, value, place.path));
  if (Array.isArray(value)) checkItems(schema, value, place, result);
  checkEnum(schema, value, place, result);
  if (isMembers(value)) checkMembers(schema, value, place, result);
  result.fits++;
  return result;
}

function merge(result: Result, more: Result): void {
  result.errors.push(...more.errors);
  result.fits += more.fits;
}

// ── types ──

function typesOf({ type, 'x-kubernetes-int-or-string': intOrString }: CustomSchema): string[] {
  if (intOrString === true) return ['integer', 'string'];
  return type === undefined || type === '' ? [] : [type];
}

function typeProblem(schema: CustomSchema, value: unknown, path: string): FieldError | undefined {
  const types = typesOf(schema);
  const isNumeric = types.includes('number') || types.includes('integer');
  const format = schema.format !== undefined && (isNumeric ? NUMBER_FORMATS[types.join()]?.includes(schema.format) === true : hasFormat(schema.format)) ? schema.format : '';
  if (value === null) return types.length === 0 || schema.nullable === true ? undefined : wrong(path, types.join(','), 'null');
  if (types.length === 0 && format === '') return undefined;
  const given = typeName(value);
  const isText = given === 'string' || given === 'array';
  if (!isNumeric && format !== '' && isText) return undefined;
  if (types.includes(given) || (given === 'integer' && types.includes('number'))) return undefined;
  if (!isText && format !== '') return wrong(path, format, goFormatOf(value));
  return wrong(path, types.join(','), given);
}

const NUMBER_FORMATS: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] };

/** The format that upstream's validator takes a value to have by its type in Go. */
function goFormatOf(value: unknown): string {
  return typeof value === 'bigint' ? 'int64' : typeof value === 'number' ? (Number.isSafeInteger(value) ? 'int64' : 'float64') : '';
}

function wrong(path: string, type: string, given: string): FieldError {
  return { type: 'TypeInvalid', field: fieldAt(path), value: given, detail: `${path} in body must be of type ${type}: ${JSON.stringify(given)}` };
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** The path of an error: upstream's start at the root with a dot, or with nothing. */
function fieldAt(path: string): string {
  return path.startsWith('.') ? path.slice(1) : path;
}

// ── scalars ──

function checkString({ maxLength, minLength, pattern, format }: CustomSchema, text: string, { path }: Place, result: Result): void {
  const { length } = Array.from(text); // runes, as Go counts them
  if (maxLength !== undefined && length > maxLength) result.errors.push(tooLong(fieldAt(path), maxLength));
  else if (minLength !== undefined && length < minLength) result.errors.push(invalid(fieldAt(path), text, `${path} in body should be at least ${String(minLength)} chars long`));
  else if (pattern !== undefined && pattern !== '' && !matches(pattern, text)) result.errors.push(invalid(fieldAt(path), text, `${path} in body should match '${pattern}'`));
  else result.fits++;
  if (!hasFormat(format)) return;
  if (validatesFormat(format, text)) result.fits++;
  else result.errors.push({ type: 'TypeInvalid', field: fieldAt(path), value: text, detail: `${path} in body must be of type ${format}: ${JSON.stringify(text)}` });
}

/** Bounds of whole numbers are whole too: upstream cuts off what is behind the point. */
function numberProblems(schema: CustomSchema, value: number | bigint, path: string): FieldError[] {
  const { minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false } = schema;
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value); // any other is a float to Go
  const limit = (bound: number | bigint): number => (isWhole ? Math.trunc(Number(bound)) : Number(bound)); // the bound is a float to Go
  const shown = (bound: number): string => (isWhole ? String(BigInt(bound)) : goFloat(bound));
  const errors = rangeProblems(schema, value, path);
  const say = (detail: string, about: number | bigint = value): void => void errors.push(invalid(fieldAt(path), about, detail));
  if (schema.multipleOf !== undefined) {
    const factor = limit(schema.multipleOf);
    if (factor <= 0) say(`factor MultipleOf declared for ${path} must be positive: ${shown(factor)}`, factor);
    else if (!isMultiple(value, factor)) say(`${path} in body should be a multiple of ${shown(factor)}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= limit(minimum) : value < limit(minimum))) say(`${path} in body should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${shown(limit(minimum))}`);
  if (maximum !== undefined && (exclusiveMaximum ? value >= limit(maximum) : value > limit(maximum))) say(`${path} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${shown(limit(maximum))}`);
  return errors;
}

function isMultiple(value: number | bigint, factor: number): boolean {
  if (typeof value === 'bigint' && Number.isInteger(factor)) return value % BigInt(factor) === 0n;
  const times = factor < 1 ? (1 / factor) * Number(value) : Number(value) / factor;
  return Number.isInteger(times) && Math.abs(times) <= MULTIPLE_MAX;
}

/** Beyond it upstream tells no fraction any more. */
const MULTIPLE_MAX = 2 ** 53 - 1;
const INT64_BOUND = 2 ** 63;

/** Whether the number fits its type; upstream tells of it without a path. */
function rangeProblems({ type, format }: CustomSchema, value: number | bigint, path: string): FieldError[] {
  if (type !== 'integer') return [];
  const known = format === 'int32' || format === 'int64';
  const fits = typeof value === 'bigint' ? format !== 'int32' : Number.isInteger(value) && Math.abs(value) < INT64_BOUND && (format !== 'int32' || Math.abs(value + 0.5) < 2147483648);
  return fits ? [] : [invalid('', '', `Checked value must be of type integer ${known ? `with format ${format}` : '(default format)'} in ${path}`)];
}

function checkEnum(schema: CustomSchema, value: unknown, { path }: Place, result: Result): void {
  if (schema.enum === undefined || schema.enum.length === 0) return;
  if (schema.enum.some((allowed) => sameJson(allowed, value) || sameAsWhole(allowed, value))) result.fits++;
  else result.errors.push(notSupported(fieldAt(path), sortedKeys(value), schema.enum.map((allowed) => (typeof allowed === 'string' ? allowed : JSON.stringify(allowed)))));
}

/** Upstream has a fraction read as the type of the value it is held against. */
function sameAsWhole(allowed: unknown, value: unknown): boolean {
  return typeof allowed === 'number' && Number.isInteger(allowed) && typeof value === 'number' && Math.trunc(value) === allowed;
}

// ── lists and objects ──

function checkItems(schema: CustomSchema, list: unknown[], place: Place, result: Result): void {
  const { path } = place;
  const { items, minItems, maxItems, uniqueItems } = schema;
  if (items !== undefined) list.forEach((item, index) => merge(result, validate(items, item, { path: `${path}[${String(index)}]`, old: oldItem(schema, item, place.old) })));
  if (minItems !== undefined && list.length < minItems) result.errors.push(invalid(fieldAt(path), list.length, `${path} in body should have at least ${String(minItems)} items`));
  if (maxItems !== undefined && list.length > maxItems) result.errors.push(tooMany(fieldAt(path), list.length, maxItems));
  if (uniqueItems === true && list.some((item, index) => list.slice(0, index).some((earlier) => sameJson(item, earlier)))) result.errors.push(invalid(fieldAt(path), '', `${path} in body shouldn't contain duplicates`));
  result.fits++;
}

/** The item of the old list that has the same keys; only lists of type map tell their items apart. */
function oldItem(schema: CustomSchema, item: unknown, old: unknown): unknown {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined || !Array.isArray(old) || !isMembers(item)) return NOTHING;
  const found = old.find((candidate) => isMembers(candidate) && keys.every((key) => sameJson(candidate[key], item[key])));
  return found ?? NOTHING;
}

function checkMembers(schema: CustomSchema, value: Members, place: Place, result: Result): void {
  const { path, old } = place;
  const names = Object.keys(value);
  if (schema.minProperties !== undefined && names.length < schema.minProperties) result.errors.push(invalid(fieldAt(path), names.length, `${path} in body should have at least ${String(schema.minProperties)} properties`));
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties) result.errors.push(tooMany(fieldAt(path), names.length, schema.maxProperties));
  const values = schemaOfValues(schema);
  const below = (name: string): Place => {
    const kept = isMembers(old) && Object.hasOwn(old, name) && !(path === '' && (name === 'kind' || name === 'apiVersion'));
    return { path: '', old: kept ? old[name] : NOTHING };
  };
  for (const name of names) {
    if (hasMember(schema, name)) continue;
    if (schema.additionalProperties === false) result.errors.push(invalid(fieldAt(path), '', `${path}.${name} in body is a forbidden property`));
    else if (values !== undefined) merge(result, validate(values, value[name], { ...below(name), path: `${path}.${name}` }));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(value, name) || (path === '' && OBJECT_FIELDS.has(name) && property.type === undefined)) continue;
    merge(result, validate(property, value[name], { ...below(name), path: path === '' ? name : `${path}.${name}` }));
  }
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) result.errors.push(required(fieldAt(`${path}.${name}`)));
}

// ── alternatives ──

function checkCombinations({ allOf = [], anyOf = [], oneOf = [], not }: CustomSchema, value: unknown, place: Place, result: Result): void {
  const quoted = JSON.stringify(place.path);
  const against = (schema: CustomSchema): Result => collectUnratcheted(schema, value, place);
  const say = (text: string): void => void result.errors.push(invalid('', '', text));
  if (anyOf.length > 0) {
    const results = anyOf.map(against);
    const valid = results.find(({ errors }) => errors.length === 0);
    if (valid === undefined) say(`${quoted} must validate at least one schema (anyOf)`);
    merge(result, valid ?? best(results));
  }
  if (oneOf.length > 0) {
    const results = oneOf.map(against);
    const valid = results.filter(({ errors }) => errors.length === 0);
    if (valid.length !== 1) say(`${quoted} must validate one and only one schema (oneOf). ${valid.length === 0 ? 'Found none valid' : `Found ${String(valid.length)} valid alternatives`}`);
    if (valid.length <= 1) merge(result, valid[0] ?? best(results));
  }
  if (allOf.length > 0) {
    const results = allOf.map(against);
    for (const each of results) merge(result, each);
    const valid = results.filter(({ errors }) => errors.length === 0).length;
    if (valid !== allOf.length) say(`${quoted} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
  }
  if (not !== undefined && against(not).errors.length === 0) say(`${quoted} must not validate the schema (not)`);
  result.fits++;
}

function collectUnratcheted(schema: CustomSchema, value: unknown, place: Place): Result {
  return collect(schema, value, { ...place, old: NOTHING });
}

function best(results: readonly Result[]): Result {
  return results.reduce((found, next) => (next.fits > found.fits ? next : found));
}
