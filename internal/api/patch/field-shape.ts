// How ownership of fields divides an object, as read from the schema: which values are owned as a whole (leaves, atomic lists and
// maps), which member by member, which lists item by item. What has no schema is deduced: objects by member, lists as a whole.
import type { Definition, Field, MapType, Schemas, TypeRef } from '../schema.ts';
import { isMembers, type Members } from './members.ts';

export type Shape =
  | { kind: 'leaf' }
  | { kind: 'struct'; definition: Definition }
  | { kind: 'map'; values: TypeRef }
  /** Without keys: a set of primitives. */
  | { kind: 'list'; items: TypeRef; keys: readonly string[] | undefined; element: Definition | undefined }
  | { kind: 'deduced' };

export interface Child {
  shape: Shape;
  /** A field of the schema, not a key of a map. */
  declared: boolean;
  /** What upstream writes where it is empty: it never comes or goes then, only what is in it does. undefined: nothing. */
  zero?: unknown;
}

const WHOLE: Shape = { kind: 'leaf' };
const DEDUCED: Shape = { kind: 'deduced' };
const DEDUCED_CHILD: Child = { shape: DEDUCED, declared: false };
const WHOLE_CHILD: Child = { shape: WHOLE, declared: true };

export function rootShape(definition: Definition): Shape {
  return { kind: 'struct', definition };
}

export function shapeOf(type: TypeRef, schemas: Schemas, mapType?: MapType): Shape {
  switch (type.type) {
    case 'any': return type.raw === 'RawExtension' ? WHOLE : DEDUCED;
    case 'map': return (type.mapType ?? mapType) === 'atomic' ? WHOLE : { kind: 'map', values: type.values };
    case 'object': {
      const definition = schemas.get(type.definition);
      if (definition === undefined) return DEDUCED;
      return (mapType ?? definition.mapType) === 'atomic' ? WHOLE : { kind: 'struct', definition };
    }
    case 'list': {
      if (type.listType !== 'map' && type.listType !== 'set') return WHOLE;
      const element = type.items.type === 'object' ? schemas.get(type.items.definition) : undefined;
      return { kind: 'list', items: type.items, keys: type.listType === 'map' ? type.listMapKeys?.toSorted() : undefined, element };
    }
    case 'string': case 'integer': case 'number': case 'boolean': case 'bytes': case 'time': case 'microtime': case 'quantity': case 'intOrString':
      return WHOLE;
  }
}

/** The member of an object, or undefined where the schema has none of that name. */
export function childOf(shape: Shape, name: string, schemas: Schemas): Child | undefined {
  switch (shape.kind) {
    case 'struct': {
      const field = shape.definition.fields.get(name);
      if (field === undefined) return shape.definition.open === true ? DEDUCED_CHILD : undefined;
      return declaredChild(field, schemas);
    }
    case 'map': return { shape: shapeOf(shape.values, schemas), declared: false };
    case 'leaf': case 'list': case 'deduced': return DEDUCED_CHILD;
  }
}

export const UNKNOWN_CHILD = DEDUCED_CHILD;

function declaredChild(field: Field, schemas: Schemas): Child {
  const shape = shapeOf(field.type, schemas, field.mapType);
  const zero = zeroOf(field);
  return zero === undefined && shape === WHOLE ? WHOLE_CHILD : { shape, declared: true, ...(zero !== undefined && { zero }) };
}

// Fields without a place on the wire are of custom resources, where nothing is written unasked.
function zeroOf({ type, pointer, omitEmpty, omitZero, wire }: Field): unknown {
  if (wire.length === 0 || pointer) return undefined;
  if (type.type === 'object') return omitZero ? undefined : NO_MEMBERS;
  return omitEmpty ? undefined : ZEROS[type.type];
}

// What has a form of its own (times, quantities) is written by rule.
const ZEROS: Readonly<Partial<Record<TypeRef['type'], unknown>>> = { list: null, map: null, string: '', integer: 0, number: 0, boolean: false };

/** A list whose items cannot be told apart: ownership of such an object is not tracked. */
export class UnknownItem extends Error {}

/** The element (`k:…`, `v:…`) by which an item of a list is owned. */
export function elementOfItem(shape: Shape & { kind: 'list' }, item: unknown): string {
  if (shape.keys === undefined) {
    if (isMembers(item)) throw new UnknownItem("associative list without keys has an element that's a map type");
    if (Array.isArray(item)) throw new UnknownItem('not supported: associative list with lists as elements');
    if (item === null || item === undefined) throw new UnknownItem("associative list without keys has an element that's an explicit null");
    return `v:${encode(item)}`;
  }
  if (item === null || item === undefined) throw new UnknownItem('associative list with keys may not have a null element');
  if (!isMembers(item)) throw new UnknownItem('associative list with keys may not have non-map elements');
  const parts: string[] = [];
  for (const key of shape.keys) {
    const value = Object.hasOwn(item, key) ? item[key] : defaultOf(shape.element, key);
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${encode(value)}`);
  }
  if (parts.length === 0) throw new UnknownItem(`associative list with keys has an element that omits all key fields ${formatList(shape.keys)} (and doesn't have default values for any key fields)`);
  return `k:{${parts.join(',')}}`;
}

function defaultOf(element: Definition | undefined, key: string): unknown {
  const field = element?.fields.get(key);
  if (field === undefined) return undefined;
  if (field.default !== undefined) return field.default;
  if (!field.zeroDefault) return undefined;
  return field.type.type === 'integer' || field.type.type === 'number' ? 0 : field.type.type === 'boolean' ? false : '';
}

// Go's JSON escapes these, and elements are compared as text.
function encode(value: unknown): string {
  const text = JSON.stringify(value);
  return /[<>&\u2028\u2029]/.test(text) ? text.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`) : text;
}

function formatList(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
}

export function isEmptyOrAbsent(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

export const NO_MEMBERS: Members = Object.freeze({});
