// Kubernetes' protobuf: the k8s\0 envelope around runtime.Unknown around the message, read and written by the schema table's numbers.
// Objects are JSON-shaped on both sides: embedded messages are inlined, Time, Quantity, IntOrString, RawExtension and FieldsV1 take
// their JSON forms, zeros that JSON leaves out (omitempty) are left out. Unknown field numbers are skipped, as Go does.
import { StatusError } from '../base/errors.ts';
import { apiVersionOf, parseApiVersion, type KubeObject } from './meta.ts';
import { decodeRaw, encodeRaw, formatEpoch, parseEpoch } from './protobuf-values.ts';
import { WireReader, WireWriter } from './protobuf-wire.ts';
import type { Definition, Field, Schemas, TypeRef } from './schema.ts';

const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);
type Json = Record<string, unknown>;

/** Field numbers of a definition, nested where JSON inlines what the wire nests. Built at first use, kept with the definition. */
interface WireNode {
  field?: Field;
  inner?: Map<number, WireNode>;
}
const nodes = new WeakMap<Definition, Map<number, WireNode>>();

function isProtobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Throws StatusError BadRequest for what is no envelope, UnsupportedMediaType-like BadRequest for a kind without a table entry. */
export function decodeProtobuf(bytes: Uint8Array, schemas: Schemas): KubeObject {
  if (bytes.length === 0) throw new StatusError('BadRequest', 'empty data');
  if (!isProtobuf(bytes)) throw new StatusError('BadRequest', 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  if (bytes.length === MAGIC.length) throw new StatusError('BadRequest', 'empty body');
  try {
    const { apiVersion, kind, raw } = readEnvelope(bytes.subarray(MAGIC.length));
    const { group, version } = parseApiVersion(apiVersion);
    const definition = schemas.byKind(group, version, kind);
    if (definition === undefined) throw new StatusError('BadRequest', `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
    return { apiVersion, kind, ...decodeMessage(new WireReader(raw), definition, schemas) } as unknown as KubeObject;
  } catch (error) {
    if (error instanceof RangeError) throw new StatusError('BadRequest', 'unexpected EOF', { cause: error });
    throw error;
  }
}

/** The object, or a list of them; its kind must be in the table. */
export function encodeProtobuf(object: object, schemas: Schemas): Uint8Array {
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
  const { group, version } = parseApiVersion(apiVersion);
  const definition = schemas.byKind(group, version, kind);
  if (definition === undefined) throw new StatusError('NotAcceptable', 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'); // it has no such form
  const type = new WireWriter();
  if (apiVersion !== '') type.text(1, apiVersionOf(group, version));
  type.text(2, kind);
  const unknown = new WireWriter();
  unknown.bytes(1, type.finish());
  unknown.bytes(2, encodeMessage(object as Json, definition, schemas));
  unknown.text(3, '');
  unknown.text(4, '');
  return Buffer.concat([MAGIC, unknown.finish()]);
}

function readEnvelope(bytes: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  const envelope: { apiVersion: string; kind: string; raw: Uint8Array } = { apiVersion: '', kind: '', raw: new Uint8Array() };
  for (const reader = new WireReader(bytes); !reader.atEnd; ) {
    const { number, wireType } = reader.tag();
    if (number === 2) envelope.raw = reader.bytes();
    else if (number !== 1) reader.skip(wireType);
    else {
      const type = new WireReader(reader.bytes());
      while (!type.atEnd) {
        const inner = type.tag();
        if (inner.number === 1) envelope.apiVersion = type.text();
        else if (inner.number === 2) envelope.kind = type.text();
        else type.skip(inner.wireType);
      }
    }
  }
  return envelope;
}

function decodeMessage(reader: WireReader, definition: Definition, schemas: Schemas): Json {
  const object: Json = {};
  decodeFields(reader, { numbers: wireNodes(definition), schemas, object });
  return object;
}

function decodeFields(reader: WireReader, { numbers, schemas, object }: { numbers: Map<number, WireNode>; schemas: Schemas; object: Json }): void {
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    const node = numbers.get(number);
    if (node?.field !== undefined) decodeField(reader, { field: node.field, wireType, schemas, object });
    else if (node?.inner !== undefined) decodeFields(new WireReader(reader.bytes()), { numbers: node.inner, schemas, object });
    else reader.skip(wireType);
  }
}

function decodeField(reader: WireReader, { field, wireType, schemas, object }: { field: Field; wireType: number; schemas: Schemas; object: Json }): void {
  const { type, name } = field;
  if (type.type === 'list') {
    const list = (object[name] ??= []) as unknown[];
    if (wireType === 2 && isPackable(type.items)) {
      for (const packed = new WireReader(reader.bytes()); !packed.atEnd; ) list.push(decodeValue(packed, type.items, schemas));
    } else list.push(decodeValue(reader, type.items, schemas));
  } else if (type.type === 'map') {
    decodeEntry(new WireReader(reader.bytes()), type.values, { map: (object[name] ??= {}) as Json, schemas });
  } else {
    const value = decodeValue(reader, type, schemas);
    if (value !== undefined && !isLeftOut(field, value)) object[name] = value;
  }
}

function decodeEntry(reader: WireReader, values: TypeRef, { map, schemas }: { map: Json; schemas: Schemas }): void {
  let key = '';
  let value: unknown;
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1) key = reader.text();
    else if (number === 2) value = decodeValue(reader, values, schemas);
    else reader.skip(wireType);
  }
  Object.defineProperty(map, key, { value: value ?? emptyOf(values), enumerable: true, writable: true, configurable: true });
}

function decodeValue(reader: WireReader, type: TypeRef, schemas: Schemas): unknown {
  switch (type.type) {
    case 'string': return reader.text();
    case 'boolean': return reader.integer() !== 0;
    case 'integer': return reader.long();
    case 'number': return reader.double();
    case 'bytes': return Buffer.from(reader.bytes()).toString('base64');
    case 'time': case 'microtime': return formatEpoch(new WireReader(reader.bytes()), type.type);
    case 'quantity': case 'intOrString': return decodeRaw(new WireReader(reader.bytes()), type.type);
    case 'any': return decodeAny(reader, type, schemas);
    case 'object': {
      const definition = schemas.get(type.definition);
      return definition === undefined ? undefined : decodeMessage(new WireReader(reader.bytes()), definition, schemas);
    }
    case 'list': return decodeItems(new WireReader(reader.bytes()), type.items, schemas);
    case 'map': return {};
  }
}

// ExtraValue: a map's value that is a list is a message with its items in field 1.
function decodeItems(reader: WireReader, items: TypeRef, schemas: Schemas): unknown[] {
  const list: unknown[] = [];
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1) list.push(decodeValue(reader, items, schemas));
    else reader.skip(wireType);
  }
  return list;
}

const PROPS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

// RawExtension, JSON and FieldsV1 hold JSON text in field 1; the JSONSchemaPropsOr… unions hold one of two fields.
function decodeAny(reader: WireReader, type: Extract<TypeRef, { type: 'any' }>, schemas: Schemas): unknown {
  const message = new WireReader(reader.bytes());
  if (!type.raw.startsWith('JSONSchemaPropsOr')) return decodeRaw(message, 'json');
  const props = schemas.get(PROPS);
  let result: unknown;
  while (!message.atEnd && props !== undefined) {
    const { number, wireType } = message.tag();
    if (type.raw === 'JSONSchemaPropsOrBool' && number === 1) result ??= message.integer() !== 0;
    else if (type.raw === 'JSONSchemaPropsOrStringArray' && number === 2) result = [...((result ?? []) as unknown[]), message.text()];
    else if (type.raw === 'JSONSchemaPropsOrArray' && number === 2) result = [...((result ?? []) as unknown[]), decodeMessage(new WireReader(message.bytes()), props, schemas)];
    else if (wireType === 2) result = decodeMessage(new WireReader(message.bytes()), props, schemas);
    else message.skip(wireType);
  }
  return result;
}

function encodeMessage(object: Json, definition: Definition, schemas: Schemas): Uint8Array {
  const writer = new WireWriter();
  encodeFields(writer, { numbers: wireNodes(definition), schemas, object });
  return writer.finish();
}

function encodeFields(writer: WireWriter, { numbers, schemas, object }: { numbers: Map<number, WireNode>; schemas: Schemas; object: Json }): void {
  for (const [number, node] of numbers) {
    if (node.inner !== undefined) {
      const inner = new WireWriter();
      encodeFields(inner, { numbers: node.inner, schemas, object });
      writer.bytes(number, inner.finish());
      continue;
    }
    const field = node.field;
    const value = field === undefined ? undefined : object[field.name];
    if (field === undefined || value === undefined || value === null) continue;
    if (field.type.type === 'list') for (const item of value as unknown[]) encodeValue(writer, { number, type: field.type.items, value: item, schemas });
    else if (field.type.type === 'map') encodeMap(writer, { number, values: field.type.values, map: value as Json, schemas });
    else encodeValue(writer, { number, type: field.type, value, schemas });
  }
}

function encodeMap(writer: WireWriter, { number, values, map, schemas }: { number: number; values: TypeRef; map: Json; schemas: Schemas }): void {
  for (const key of Object.keys(map).sort()) {
    const entry = new WireWriter();
    entry.text(1, key);
    encodeValue(entry, { number: 2, type: values, value: map[key], schemas });
    writer.bytes(number, entry.finish());
  }
}

function encodeValue(writer: WireWriter, { number, type, value, schemas }: { number: number; type: TypeRef; value: unknown; schemas: Schemas }): void {
  switch (type.type) {
    case 'string': return writer.text(number, String(value));
    case 'boolean': return writer.integer(number, value === true ? 1 : 0);
    case 'integer': return writer.integer(number, value as number | bigint);
    case 'number': return writer.double(number, Number(value));
    case 'bytes': return writer.bytes(number, Buffer.from(value as string, 'base64'));
    case 'time': case 'microtime': return writer.bytes(number, parseEpoch(value as string | null));
    case 'quantity': case 'intOrString': return writer.bytes(number, encodeRaw(value, type.type));
    case 'any': return writer.bytes(number, encodeAny(type, value, schemas));
    case 'object': {
      const definition = schemas.get(type.definition);
      return definition === undefined ? undefined : writer.bytes(number, encodeMessage(value as Json, definition, schemas));
    }
    case 'list': {
      const items = new WireWriter();
      for (const item of value as unknown[]) encodeValue(items, { number: 1, type: type.items, value: item, schemas });
      return writer.bytes(number, items.finish());
    }
    case 'map': return undefined;
  }
}

function encodeAny(type: Extract<TypeRef, { type: 'any' }>, value: unknown, schemas: Schemas): Uint8Array {
  if (!type.raw.startsWith('JSONSchemaPropsOr')) return encodeRaw(value, 'json');
  const writer = new WireWriter();
  const props = schemas.get(PROPS);
  if (props === undefined) return writer.finish();
  if (typeof value === 'boolean') writer.integer(1, value ? 1 : 0);
  else if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      if (typeof item === 'string') writer.text(2, item);
      else writer.bytes(2, encodeMessage(item as Json, props, schemas));
    }
  } else {
    if (type.raw === 'JSONSchemaPropsOrBool') writer.integer(1, 1);
    writer.bytes(type.raw === 'JSONSchemaPropsOrBool' ? 2 : 1, encodeMessage(value as Json, props, schemas));
  }
  return writer.finish();
}

function wireNodes(definition: Definition): Map<number, WireNode> {
  const known = nodes.get(definition);
  if (known !== undefined) return known;
  const root = new Map<number, WireNode>();
  for (const field of definition.fields.values()) {
    let level = root;
    field.wire.forEach((number, depth) => {
      const node = level.get(number) ?? {};
      level.set(number, node);
      if (depth === field.wire.length - 1) node.field = field;
      else level = node.inner ??= new Map();
    });
  }
  const sorted = sortNumbers(root);
  nodes.set(definition, sorted);
  return sorted;
}

function sortNumbers(level: Map<number, WireNode>): Map<number, WireNode> {
  for (const node of level.values()) if (node.inner !== undefined) node.inner = sortNumbers(node.inner);
  return new Map([...level].sort(([a], [b]) => a - b));
}

function isPackable(type: TypeRef): boolean {
  return type.type === 'integer' || type.type === 'boolean' || type.type === 'number';
}

function isLeftOut(field: Field, value: unknown): boolean {
  return !field.pointer && field.omitEmpty && (value === '' || value === 0 || value === false);
}

function emptyOf(type: TypeRef): unknown {
  if (type.type === 'string' || type.type === 'bytes') return '';
  if (type.type === 'time' || type.type === 'microtime') return null;
  return type.type === 'list' ? [] : type.type === 'quantity' ? '0' : {};
}
