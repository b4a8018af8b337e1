// What a trip through upstream's Go types makes of an object, before any kind's own rules: defaults filled in, zero values that JSON
// leaves out (omitempty) dropped, structs it always writes (`resources: {}`, `status: {}`) added, quantities and times in canonical
// form. Zero scalars of required fields (`name: ""`) are filled in where asked for alone (`fillZeros`): a kind's rules tell absent from given. Defaults that the OpenAPI documents do not know (upstream's defaults.go) are the kinds' business.
import { canonicalQuantity } from './quantity.ts';
import type { Definition, Field, Schemas, TypeRef } from './schema.ts';

/** In place; the draft must fit its definition (see shape.ts). Unknown fields are left alone: dropping them is `pruneUnknown`. */
export function applyDefaults(definition: Definition, draft: object, schemas: Schemas): void {
  const object = draft as Record<string, unknown>;
  if (definition.custom !== undefined) return definition.custom.fillIn(object, schemas);
  for (const field of definition.fields.values()) {
    const value = object[field.name];
    if (value === undefined || value === null) fill(field, object, schemas);
    else settle(field, object, schemas);
  }
}

/** Zero scalars that JSON does not leave out, in place and all the way down: a status is written with all its counts. */
export function fillZeros(definition: Definition, draft: object, schemas: Schemas): void {
  const object = draft as Record<string, unknown>;
  if (definition.custom !== undefined) return;
  for (const field of definition.fields.values()) {
    const value = object[field.name];
    if (value !== undefined && value !== null) zerosWithin(field.type, value, schemas);
    else if (!field.omitEmpty && !field.pointer) {
      const zero = zeroScalar(field.type);
      if (zero !== undefined) object[field.name] = zero;
    }
  }
}

function zerosWithin(type: TypeRef, value: unknown, schemas: Schemas): void {
  if (typeof value !== 'object' || value === null) return;
  if (type.type === 'list' && Array.isArray(value)) for (const item of value) zerosWithin(type.items, item, schemas);
  else if (type.type === 'map') for (const item of Object.values(value)) zerosWithin(type.values, item, schemas);
  else if (type.type === 'object') {
    const nested = schemas.get(type.definition);
    if (nested !== undefined) fillZeros(nested, value, schemas);
  }
}

function zeroScalar(type: TypeRef): unknown {
  return type.type === 'string' || type.type === 'integer' || type.type === 'number' || type.type === 'boolean' ? zeroOf(type) : undefined;
}

/** Removes fields the definition does not have, in place (fieldValidation Ignore and Warn keep nothing unknown). */
export function pruneUnknown(definition: Definition, draft: object, schemas: Schemas): void {
  const object = draft as Record<string, unknown>;
  for (const name of Object.keys(object)) {
    const field = definition.fields.get(name);
    if (field === undefined) delete object[name];
    else pruneType(field.type, object[name], schemas);
  }
}

// An absent field: its default, or the empty struct that Go always writes.
function fill(field: Field, object: Record<string, unknown>, schemas: Schemas): void {
  if (field.default !== undefined) {
    object[field.name] = field.default;
    return;
  }
  if (object[field.name] === null) delete object[field.name];
  if (field.pointer || field.omitZero || !field.zeroDefault || field.type.type !== 'object' || field.name === 'metadata') return;
  const nested = schemas.get(field.type.definition);
  if (nested === undefined) return;
  const value = {};
  object[field.name] = value;
  applyDefaults(nested, value, schemas);
}

// A field that is there: canonical, or dropped where Go would write nothing.
function settle(field: Field, object: Record<string, unknown>, schemas: Schemas): void {
  const value = canonical(field.type, object[field.name], schemas);
  if (isOmitted(field, value)) {
    delete object[field.name];
    if (field.default !== undefined && !field.pointer) object[field.name] = field.default;
  } else object[field.name] = value;
}

function isOmitted(field: Field, value: unknown): boolean {
  if (!field.omitEmpty || field.pointer) return false;
  if (value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return (field.type.type === 'map') && Object.keys(value as object).length === 0;
}

function canonical(type: TypeRef, value: unknown, schemas: Schemas): unknown {
  switch (type.type) {
    case 'object': {
      const nested = schemas.get(type.definition);
      if (nested !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value)) applyDefaults(nested, value, schemas);
      return value;
    }
    case 'list': return Array.isArray(value) ? canonicalList(type.items, value, schemas) : value;
    case 'map': return typeof value === 'object' && value !== null ? canonicalMap(type.values, value as Record<string, unknown>, schemas) : value;
    case 'quantity': return canonicalQuantityValue(value);
    case 'time': return typeof value === 'string' ? canonicalTime(value) : value;
    case 'any': return type.raw.startsWith('JSONSchemaPropsOr') ? canonicalSchemas(value, schemas) : value;
    case 'number': return typeof value === 'bigint' ? Number(value) : value; // a float in Go
    case 'string': case 'integer': case 'boolean': case 'bytes': case 'microtime': case 'intOrString': return value;
  }
}

// The unions of a schema and something else, which a table of fields cannot tell from plain JSON.
function canonicalSchemas(value: unknown, schemas: Schemas): unknown {
  const props = schemas.get('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
  const nested = Array.isArray(value) ? (value as unknown[]) : [value];
  for (const one of nested) if (props !== undefined && typeof one === 'object' && one !== null) applyDefaults(props, one, schemas);
  return value;
}

function canonicalList(items: TypeRef, list: unknown[], schemas: Schemas): unknown[] {
  if (items.type === 'string' || items.type === 'integer') return list.includes(null) ? list.map((item) => item ?? zeroOf(items)) : list;
  for (let index = 0; index < list.length; index++) {
    list[index] = canonical(items, list[index] ?? (items.type === 'object' ? {} : zeroOf(items) ?? null), schemas);
  }
  return list;
}

function canonicalMap(values: TypeRef, map: Record<string, unknown>, schemas: Schemas): Record<string, unknown> {
  for (const key of Object.keys(map)) {
    const value = map[key];
    if (value === null) map[key] = zeroOf(values) ?? {};
    else if (values.type !== 'string') map[key] = canonical(values, value, schemas);
  }
  return map;
}

function canonicalQuantityValue(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return value;
  return canonicalQuantity(value);
}

// Whole seconds in UTC, as metav1.Time writes them.
function canonicalTime(text: string): string {
  if (text.length === 20 && text.endsWith('Z')) return text;
  const epochMs = Date.parse(text);
  return Number.isNaN(epochMs) ? text : `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

function zeroOf(type: TypeRef): unknown {
  switch (type.type) {
    case 'string': case 'bytes': return '';
    case 'integer': case 'number': case 'intOrString': return 0;
    case 'boolean': return false;
    case 'quantity': return '0';
    case 'object': case 'list': case 'map': case 'time': case 'microtime': case 'any': return undefined;
  }
}

function pruneType(type: TypeRef, value: unknown, schemas: Schemas): void {
  if (typeof value !== 'object' || value === null) return;
  if (type.type === 'object') {
    const nested = schemas.get(type.definition);
    if (nested !== undefined) pruneUnknown(nested, value, schemas);
  } else if (type.type === 'list' && Array.isArray(value)) for (const item of value) pruneType(type.items, item, schemas);
  else if (type.type === 'map') for (const child of Object.values(value)) pruneType(type.values, child, schemas);
}
