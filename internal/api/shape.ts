// Does a value fit its definition? As Go's decoder sees it: a wrong type is an error in encoding/json's words, a field the type does not
// have is unknown (names are case-sensitive), null is absence. Required fields and enums are validation's business, not the decoder's.
import { isQuantity, parseQuantity } from './quantity.ts';
import { formatPath } from './json.ts';
import { INT64_MAX, INT64_MIN } from './large-integers.ts';
import type { Definition, Schemas, TypeRef } from './schema.ts';
import type { Shape } from './shape-error.ts';

const UNKNOWN_MAX = 100;
const EXPONENT_FROM = 1e21;
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d([.,]\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const INT_RANGE = { int32: [-2147483648, 2147483647], int64: [INT64_MIN, INT64_MAX] } as const;

export function checkShape(definition: Definition, value: unknown, schemas: Schemas): Shape {
  if (definition.custom !== undefined && typeof value === 'object' && value !== null) return definition.custom.check(value as Record<string, unknown>, schemas);
  const shape: Shape = { errors: [], unknown: [], strays: [] };
  checkObject({ shape, schemas, path: [], names: [], struct: nameOf(definition) }, definition, value);
  return shape;
}

interface Walk {
  shape: Shape;
  schemas: Schemas;
  path: (string | number)[];
  /** JSON names without indexes, as Go's field stack has them. */
  names: string[];
  /** The innermost Go struct. */
  struct: string;
}

function checkObject(walk: Walk, definition: Definition, value: unknown): void {
  if (value === null || value === undefined) return;
  if (typeof value !== 'object' || Array.isArray(value)) return refuse(walk, value, goName(definition.id), 'struct');
  const outer = walk.struct;
  walk.struct = nameOf(definition);
  for (const name in value) {
    const child = (value as Record<string, unknown>)[name];
    const field = definition.fields.get(name);
    walk.path.push(name);
    if (field === undefined) {
      walk.shape.strays.push({ owner: value as Record<string, unknown>, name });
      if (walk.shape.unknown.length < UNKNOWN_MAX) walk.shape.unknown.push(formatPath(walk.path));
    } else {
      walk.names.push(name);
      checkType(walk, field.type, child);
      walk.names.pop();
    }
    walk.path.pop();
  }
  walk.struct = outer;
}

function checkType(walk: Walk, type: TypeRef, value: unknown): void {
  if (value === null || value === undefined) return;
  switch (type.type) {
    case 'object': return checkReference(walk, type.definition, value);
    case 'list': return checkList(walk, type.items, value);
    case 'map': return checkMap(walk, type.values, value);
    case 'any': return type.raw === 'object' && (typeof value !== 'object' || Array.isArray(value)) ? refuse(walk, value, 'map[string]interface {}') : undefined;
    case 'string': case 'boolean': case 'number': case 'integer': case 'bytes': case 'time': case 'microtime': case 'quantity': case 'intOrString':
      return checkScalar(walk, type, value);
  }
}

function checkReference(walk: Walk, id: string, value: unknown): void {
  const definition = walk.schemas.get(id);
  if (definition !== undefined) checkObject(walk, definition, value);
}

function checkList(walk: Walk, items: TypeRef, value: unknown): void {
  if (!Array.isArray(value)) return refuse(walk, value, `[]${goTypeOf(items)}`, 'slice');
  for (let index = 0; index < value.length; index++) {
    walk.path.push(index);
    checkType(walk, items, value[index]);
    walk.path.pop();
  }
}

function checkMap(walk: Walk, values: TypeRef, value: unknown): void {
  if (typeof value !== 'object' || Array.isArray(value)) return refuse(walk, value, `map[string]${goTypeOf(values)}`, 'map');
  for (const [key, child] of Object.entries(value as object)) {
    walk.path.push(key); // Go's stack of fields has no keys of maps
    checkType(walk, values, child);
    walk.path.pop();
  }
}

type Scalar = Exclude<TypeRef, { type: 'object' | 'list' | 'map' | 'any' }>;

const WRONG_TYPE = Symbol('wrong type');

function checkScalar(walk: Walk, type: Scalar, value: unknown): void {
  const problem = scalarProblem(type, value);
  if (problem === undefined) return;
  if (problem === WRONG_TYPE) refuse(walk, value, scalarGoType(type));
  else report(walk, value, problem);
}

function scalarProblem(type: Scalar, value: unknown): string | typeof WRONG_TYPE | undefined {
  switch (type.type) {
    case 'string': return typeof value === 'string' ? undefined : WRONG_TYPE;
    case 'boolean': return typeof value === 'boolean' ? undefined : WRONG_TYPE;
    case 'number': return isNumber(value) ? undefined : WRONG_TYPE;
    case 'integer': return isNumber(value) && isInteger(value, type.format) ? undefined : WRONG_TYPE;
    case 'bytes': return bytesProblem(value);
    case 'time': case 'microtime': return timeProblem(value);
    case 'quantity': return quantityProblem(value);
    case 'intOrString': return typeof value === 'string' || (typeof value === 'number' && isInteger(value, 'int32')) ? undefined : WRONG_TYPE;
  }
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isInteger(value: number | bigint, format: 'int32' | 'int64'): boolean {
  const [min, max] = INT_RANGE[format];
  return (typeof value === 'bigint' || Number.isInteger(value)) && value >= min && value <= max;
}

function bytesProblem(value: unknown): string | typeof WRONG_TYPE | undefined {
  if (typeof value !== 'string') return WRONG_TYPE;
  if (BASE64.test(value)) return undefined;
  const plain = value.replaceAll(/[\r\n]/g, '');
  if (BASE64.test(plain)) return undefined;
  const at = plain.search(/[^A-Za-z0-9+/]/);
  return `illegal base64 data at input byte ${String(at < 0 ? plain.length - (plain.length % 4 === 0 ? 0 : plain.length % 4) : at)}`;
}

function timeProblem(value: unknown): string | typeof WRONG_TYPE | undefined {
  if (typeof value !== 'string') return WRONG_TYPE;
  if (TIME.test(value) && !Number.isNaN(Date.parse(value.replace(',', '.')))) return undefined;
  return `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`;
}

function quantityProblem(value: unknown): string | undefined {
  if (isQuantity(value)) return undefined;
  try {
    parseQuantity(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

function refuse(walk: Walk, value: unknown, goType: string, sort: 'struct' | 'slice' | 'map' | 'scalar' = 'scalar'): void {
  const words = jsonTypeOf(value) + (isNumber(value) && goType.startsWith('int') ? ` ${digitsOf(value)}` : '');
  const where = walk.names.length === 0 ? 'Go value' : `Go struct field ${walk.struct}.${walk.names.join('.')}`;
  report(walk, value, `json: cannot unmarshal ${words} into ${where} of type ${goType}`, conversionProblem(value, goType, sort));
}

/** As the client wrote it, or near enough for a number that fits no type. */
function digitsOf(value: number | bigint): string {
  return Number.isInteger(value) && Math.abs(value as number) < EXPONENT_FROM ? String(BigInt(value)) : String(value);
}

function conversionProblem(value: unknown, goType: string, sort: 'struct' | 'slice' | 'map' | 'scalar'): string {
  const kind = goKindOf(value);
  if (sort !== 'scalar') return `cannot restore ${sort} from${sort === 'struct' ? ':' : ''} ${kind}`;
  const isNumber = kind === 'int64' || kind === 'float64';
  if (isNumber && goType !== 'bool') return `cannot convert ${kind} to ${goType}`;
  return `unrecognized type: ${goType.includes('.') ? 'string' : goType}`;
}

function goKindOf(value: unknown): string {
  if (isNumber(value)) return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'object') return Array.isArray(value) ? 'slice' : 'map';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

function report(walk: Walk, value: unknown, message: string, conversion?: string): void {
  walk.shape.errors.push({ field: formatPath(walk.path), value, message, ...(conversion !== undefined && { conversion }) });
}

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return isNumber(value) ? 'number' : typeof value;
}

function goTypeOf(type: TypeRef): string {
  switch (type.type) {
    case 'object': return goName(type.definition);
    case 'list': return `[]${goTypeOf(type.items)}`;
    case 'map': return `map[string]${goTypeOf(type.values)}`;
    case 'any': return 'interface {}';
    case 'string': case 'boolean': case 'number': case 'integer': case 'bytes': case 'time': case 'microtime': case 'quantity': case 'intOrString':
      return scalarGoType(type);
  }
}

function scalarGoType(type: Scalar): string {
  if (type.goType !== undefined) return type.goType.includes('.') ? type.goType : `v1.${type.goType}`;
  switch (type.type) {
    case 'integer': return type.format;
    case 'number': return 'float64';
    case 'boolean': return 'bool';
    case 'bytes': return '[]uint8';
    case 'quantity': return 'resource.Quantity';
    case 'intOrString': return 'int32';
    case 'string': case 'time': case 'microtime': return 'string';
  }
}

// io.k8s.api.core.v1.Container → v1.Container
function goName(id: string): string {
  return id.split('.').slice(-2).join('.');
}

function nameOf(definition: Definition): string {
  return definition.id.slice(definition.id.lastIndexOf('.') + 1);
}
