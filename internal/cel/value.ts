// The values of expressions. Where JavaScript has the thing it is used: null, boolean, string, Uint8Array (bytes); numbers and times are in
// scalar.ts. Lists and maps hold either CEL values or the API's own JSON, which is converted element by element when read, by its declared type, and never copied.
// An error is a value too (EvaluationError): && and || and the macros absorb it.
import { CostLimitError, EvaluationError } from './cel-error.ts';
import { escapeIdentifier, unescapeIdentifier } from './escape.ts';
import { Double, Duration, INT_MAX, INT_MIN, normalInt, Timestamp, Uint, type Int } from './scalar.ts';
import { parseFormattedString } from './time.ts';
import { DYN, type CelType, type ListType, type ObjectType } from './type.ts';

export type Value = null | boolean | Int | string | Uint8Array | Double | Uint | Timestamp | Duration | ListValue | MapValue | StructValue | Optional | TypeValue | OpaqueValue | EvaluationError;

export class Optional {
  /** undefined in optional.none(). */
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}
export const NONE = new Optional(undefined);

/** What `type(x)` gives; equal by name. */
export class TypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A value of a library's own type: Quantity, IP, URL, Authorizer … */
export abstract class OpaqueValue {
  abstract readonly typeName: string;
  abstract equals(other: Value): boolean;
}

export class ListValue {
  private items: unknown[];
  private readonly of: CelType | undefined;
  /** What a schema says of it. */
  readonly schema: ListType | undefined;
  /** An accumulator that nobody else holds yet: adding to it may change it. */
  growing = false;

  private constructor(items: unknown[], schema: ListType | undefined, of: CelType | undefined) {
    this.items = items;
    this.schema = schema;
    this.of = of;
  }

  static of(values: Value[]): ListValue {
    return new ListValue(values, undefined, undefined);
  }

  static fromJson(items: readonly unknown[], type: CelType): ListValue {
    return type.kind === 'list' ? new ListValue(items as unknown[], type, type.of) : new ListValue(items as unknown[], undefined, DYN);
  }

  get size(): number {
    return this.items.length;
  }

  at(index: number): Value {
    return this.of === undefined ? (this.items[index] as Value) : adapt(this.items[index], this.of);
  }

  *[Symbol.iterator](): Iterator<Value> {
    for (let index = 0; index < this.items.length; index++) yield this.at(index);
  }

  push(value: Value): void {
    this.items.push(value);
  }

  toArray(): Value[] {
    return this.of === undefined ? (this.items as Value[]) : Array.from(this);
  }

  with(values: Value[]): ListValue {
    return new ListValue(values, this.schema, undefined);
  }
}

type Key = string | boolean | Int;

/** A map, or an object of declared fields: `find` is by key or by the field's CEL name. */
export abstract class MapValue {
  abstract readonly size: number;
  /** undefined where there is none; an EvaluationError for a key of the wrong type. */
  abstract find(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;
  /** As `growing` of lists. */
  growing = false;
}

export class EntryMap extends MapValue {
  readonly entries = new Map<Key, [Value, Value]>();

  static of(pairs: Iterable<readonly [Value, Value]>): EntryMap {
    const map = new EntryMap();
    for (const [key, value] of pairs) map.set(key, value);
    return map;
  }

  get size(): number {
    return this.entries.size;
  }

  find(key: Value): Value | undefined {
    const plain = keyOf(key);
    return plain === undefined ? undefined : this.entries.get(plain)?.[1];
  }

  set(key: Value, value: Value): void {
    const plain = keyOf(key);
    if (plain !== undefined) this.entries.set(plain, [key, value]);
  }

  delete(key: Value): void {
    const plain = keyOf(key);
    if (plain !== undefined) this.entries.delete(plain);
  }

  *keys(): Iterable<Value> {
    for (const [key] of this.entries.values()) yield key;
  }
}

/** A JSON object: of declared fields, or a map of one type of value. */
class JsonMap extends MapValue {
  readonly object: Readonly<Record<string, unknown>>;
  private readonly type: CelType;

  constructor(object: Readonly<Record<string, unknown>>, type: CelType) {
    super();
    this.object = object;
    this.type = type;
  }

  get size(): number {
    return Object.keys(this.object).length;
  }

  find(key: Value): Value | undefined {
    if (typeof key !== 'string') return this.type.kind === 'object' || this.type.kind === 'map' ? new EvaluationError('no such overload') : undefined;
    if (this.type.kind === 'object') return this.field(key, this.type);
    return Object.hasOwn(this.object, key) ? adapt(readProperty(this.object, key), this.type.kind === 'map' ? this.type.value : DYN) : undefined;
  }

  *keys(): Iterable<Value> {
    for (const key of Object.keys(this.object)) {
      if (this.type.kind !== 'object') yield key;
      else {
        const name = escapeIdentifier(key);
        if (name !== undefined && this.type.field(name) !== undefined) yield name;
      }
    }
  }

  // A null is the same as an absent field.
  private field(name: string, type: ObjectType): Value | undefined {
    const jsonName = type.jsonName?.(name) ?? unescapeIdentifier(name);
    if (jsonName === undefined || !(jsonName in this.object)) return undefined;
    const raw = readProperty(this.object, jsonName);
    const fieldType = raw === null || raw === undefined ? undefined : type.field(name);
    return fieldType === undefined ? undefined : adapt(raw, fieldType);
  }
}

/** What `Object.spec{replicas: 3}` builds. */
export class StructValue {
  readonly type: ObjectType;
  readonly fields: ReadonlyMap<string, Value>;

  constructor(type: ObjectType, fields: ReadonlyMap<string, Value>) {
    this.type = type;
    this.fields = fields;
  }
}

/** JSON as the declared type has it; CEL values pass as they are, functions are called, and optional types wrap what they are given. */
export function adapt(raw: unknown, type: CelType): Value {
  if (type.kind === 'opaque' && type.name === 'optional_type') return adaptOptional(raw, type.parameters[0] ?? DYN);
  switch (typeof raw) {
    case 'string': return type.kind === 'string' || type.kind === 'dyn' ? raw : parseFormattedString(raw, type);
    case 'number': return type.kind === 'double' || !Number.isInteger(raw) ? new Double(raw) : Number.isSafeInteger(raw) ? raw : largeInt(raw);
    case 'boolean': return raw;
    case 'bigint': return type.kind === 'double' ? new Double(Number(raw)) : normalInt(raw);
    case 'function': return adapt(attempt(raw as () => unknown), type);
    case 'object': return raw === null ? null : adaptObject(raw, type);
    default: return null;
  }
}

function adaptOptional(raw: unknown, type: CelType): Value {
  if (raw instanceof Optional || raw instanceof EvaluationError) return raw;
  return raw === undefined || raw === null ? NONE : new Optional(adapt(raw, type));
}

// A getter may compute what it gives; its failure is the value's, for && and || to absorb. A spent budget ends everything.
function readProperty(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return attempt(() => object[name]);
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof EvaluationError && !(error instanceof CostLimitError)) return error;
    throw error;
  }
}

// Beyond 2^63 upstream reads a double.
function largeInt(raw: number): Value {
  const whole = BigInt(raw);
  return whole > INT_MAX || whole < INT_MIN ? new Double(raw) : whole;
}

function adaptObject(raw: object, type: CelType): Value {
  if (Array.isArray(raw)) return ListValue.fromJson(raw, type);
  const prototype = Object.getPrototypeOf(raw) as unknown;
  if (prototype === Object.prototype || prototype === null) return new JsonMap(raw as Record<string, unknown>, type);
  return raw as Value;
}

function keyOf(key: Value): Key | undefined {
  switch (typeof key) {
    case 'string': case 'boolean': case 'number': case 'bigint': return key;
    default:
      if (key instanceof Uint) return key.value;
      return key instanceof Double ? key.value : undefined;
  }
}

/** The runtime's name of a value's type: what `type(x)` prints and overload errors show. */
export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case 'string': return 'string';
    case 'number': case 'bigint': return 'int';
    case 'boolean': return 'bool';
    default: return value === null ? 'null_type' : objectTypeName(value);
  }
}

function objectTypeName(value: Exclude<Value, null | string | boolean | Int>): string {
  if (value instanceof ListValue) return 'list';
  if (value instanceof MapValue) return 'map';
  if (value instanceof Double) return 'double';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof StructValue) return value.type.name;
  if (value instanceof OpaqueValue) return value.typeName;
  return 'error';
}

export function isError(value: Value): value is EvaluationError {
  return value instanceof EvaluationError;
}

/** Code points of a string, bytes, elements, entries; undefined for what has no size. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === 'string') return stringLength(value);
  if (value instanceof ListValue || value instanceof MapValue) return value.size;
  return value instanceof Uint8Array ? value.length : undefined;
}

function stringLength(text: string): number {
  if (!/[\ud800-\udbff]/.test(text)) return text.length;
  let length = 0;
  for (const _ of text) length++;
  return length;
}
