// Protobuf messages by a table of field numbers and types: the codec walks it and the types follow from it.
// Unknown fields are skipped, and those of a peer newer than the table with them.
//
//   [number, 'text']   text · integer (also enums) · boolean · bytes · map (text to text) · the name of another message of the table
//   [number, ['text']] the same, repeated
import { WireReader, WireWriter } from '../../internal/api/protobuf-wire.ts';

interface Scalars {
  text: string;
  integer: number;
  boolean: boolean;
  bytes: Uint8Array;
  map: Record<string, string>;
}

type Fields = Readonly<Record<string, readonly [number, string | readonly [string]]>>;
export type MessageTable = Readonly<Record<string, Fields>>;

type Field<T, K extends keyof T, F extends keyof T[K]> = T[K][F] extends readonly [number, infer Kind] ? Kind : never;
type Sent<T, Kind> = Kind extends readonly [infer U] ? readonly Sent<T, U>[] : Kind extends keyof Scalars ? Scalars[Kind] : Kind extends keyof T ? Outgoing<T, Kind> : never;
type Got<T, Kind> = Kind extends readonly [infer U] ? (U extends keyof T ? Incoming<T, U>[] : Got<T, U>[]) : Kind extends keyof Scalars ? Scalars[Kind] : Kind extends keyof T ? Incoming<T, Kind> | undefined : never;

/** As it is sent: what is absent has its zero. */
export type Outgoing<T, K extends keyof T> = { readonly [F in keyof T[K]]?: Sent<T, Field<T, K, F>> };
/** As it came: zeros are filled in, messages may be absent. (Repeated ones never are.) */
export type Incoming<T, K extends keyof T> = { [F in keyof T[K]]: Got<T, Field<T, K, F>> };

export interface Codec<T extends MessageTable> {
  encode<K extends keyof T & string>(name: K, message: Outgoing<T, K>): Uint8Array;
  /** RangeError for bytes that are not protobuf. */
  decode<K extends keyof T & string>(name: K, bytes: Uint8Array): Incoming<T, K>;
}

export function createCodec<const T extends MessageTable>(table: T): Codec<T> {
  return {
    encode: (name, message) => encode(table, name, message),
    decode: <K extends keyof T & string>(name: K, bytes: Uint8Array) => decode(table, name, bytes) as Incoming<T, K>,
  };
}

function encode(table: MessageTable, name: string, message: Readonly<Record<string, unknown>>): Uint8Array {
  const writer = new WireWriter();
  for (const [field, [number, kind]] of Object.entries(fieldsOf(table, name))) {
    const value = message[field];
    if (value === undefined) continue;
    const put = (one: string, item: unknown): void => write(writer, table, { number, kind: one, value: item });
    if (typeof kind === 'string') put(kind, value);
    else if (kind[0] === 'integer') writePacked(writer, number, value as readonly number[]);
    else for (const item of value as readonly unknown[]) put(kind[0], item);
  }
  return writer.finish();
}

function fieldsOf(table: MessageTable, name: string): Fields {
  const fields = table[name];
  if (fields === undefined) throw new Error(`no message ${name} in the table`);
  return fields;
}

function write(writer: WireWriter, table: MessageTable, { number, kind, value }: { number: number; kind: string; value: unknown }): void {
  if (kind === 'text') writer.text(number, value as string);
  else if (kind === 'integer') writer.integer(number, value as number);
  else if (kind === 'boolean') writer.integer(number, value === true ? 1 : 0);
  else if (kind === 'bytes') writer.bytes(number, value as Uint8Array);
  else if (kind === 'map') for (const [key, item] of Object.entries(value as Record<string, string>)) writer.bytes(number, encodePair(key, item));
  else writer.bytes(number, encode(table, kind, value as Readonly<Record<string, unknown>>));
}

function encodePair(key: string, value: string): Uint8Array {
  const writer = new WireWriter();
  writer.text(1, key);
  writer.text(2, value);
  return writer.finish();
}

function writePacked(writer: WireWriter, number: number, values: readonly number[]): void {
  if (values.length === 0) return;
  // Values without tags: each is written as field 1, whose tag is one byte, and that byte is left out.
  const runs = values.map((value) => {
    const one = new WireWriter();
    one.integer(1, value);
    return Buffer.from(one.finish()).subarray(1);
  });
  writer.bytes(number, Buffer.concat(runs));
}

const ZEROS: Record<keyof Scalars, () => unknown> = { text: () => '', integer: () => 0, boolean: () => false, bytes: () => new Uint8Array(), map: () => ({}) };

function decode(table: MessageTable, name: string, bytes: Uint8Array): Record<string, unknown> {
  const fields = Object.entries(fieldsOf(table, name));
  const message: Record<string, unknown> = {};
  for (const [field, [, kind]] of fields) if (typeof kind !== 'string') message[field] = []; else if (kind in ZEROS) message[field] = ZEROS[kind as keyof Scalars]();
  const reader = new WireReader(bytes);
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    const [field, [, kind]] = fields.find(([, [candidate]]) => candidate === number) ?? ['', [0, 'text']];
    if (field === '') reader.skip(wireType);
    else if (typeof kind !== 'string') (message[field] as unknown[]).push(...readAll(reader, table, { kind: kind[0], wireType }));
    else if (kind === 'map') addPair(message[field] as Record<string, string>, reader.bytes());
    else message[field] = read(reader, table, kind);
  }
  return message;
}

function readAll(reader: WireReader, table: MessageTable, { kind, wireType }: { kind: string; wireType: number }): unknown[] {
  if (kind !== 'integer' || wireType === 0) return [read(reader, table, kind)];
  const packed = new WireReader(reader.bytes());
  const values: number[] = [];
  while (!packed.atEnd) values.push(packed.integer());
  return values;
}

function read(reader: WireReader, table: MessageTable, kind: string): unknown {
  if (kind === 'text') return reader.text();
  if (kind === 'integer') return reader.integer();
  if (kind === 'boolean') return reader.integer() !== 0;
  if (kind === 'bytes') return reader.bytes();
  return decode(table, kind, reader.bytes());
}

function addPair(map: Record<string, string>, bytes: Uint8Array): void {
  const reader = new WireReader(bytes);
  let [key, value] = ['', ''];
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1) key = reader.text();
    else if (number === 2) value = reader.text();
    else reader.skip(wireType);
  }
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true }); // `__proto__` is a key like any other
}
