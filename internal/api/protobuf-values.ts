// The values whose JSON form is not their protobuf message: Time, Quantity, IntOrString, and JSON kept as text.
import { parseJson } from './json.ts';
import { WireReader, WireWriter } from './protobuf-wire.ts';

/** Time {seconds = 1, nanos = 2} as RFC 3339; undefined for Go's zero time. */
export function formatEpoch(reader: WireReader, precision: 'time' | 'microtime'): string | undefined {
  let seconds: number | undefined;
  let nanos = 0;
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1) seconds = reader.integer();
    else if (number === 2) nanos = reader.integer();
    else reader.skip(wireType);
  }
  if (seconds === undefined || seconds === ZERO_TIME_SECONDS) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return precision === 'time' ? `${text}Z` : `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}

/** The message of an RFC 3339 text; empty (Go's zero time) for null. */
export function parseEpoch(text: string | null): Uint8Array {
  const writer = new WireWriter();
  if (text === null || Number.isNaN(Date.parse(text))) return writer.finish();
  const [, fraction = ''] = /\.(\d+)/.exec(text) ?? [];
  writer.integer(1, Math.floor(Date.parse(text) / 1000));
  writer.integer(2, Number(fraction.padEnd(9, '0').slice(0, 9)));
  return writer.finish();
}

/** Quantity {string = 1}; IntOrString {type = 1 (0 int, 1 string), intVal = 2, strVal = 3}; JSON text in field 1. */
export function decodeRaw(reader: WireReader, form: 'quantity' | 'intOrString' | 'json'): unknown {
  let kind = 0;
  let integer = 0;
  let text = form === 'quantity' ? '0' : '';
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (form === 'intOrString' && number === 1) kind = reader.integer();
    else if (form === 'intOrString' && number === 2) integer = reader.integer();
    else if ((form === 'intOrString' && number === 3) || (form !== 'intOrString' && number === 1)) text = reader.text();
    else reader.skip(wireType);
  }
  if (form === 'intOrString') return kind === 0 ? integer : text;
  if (form === 'quantity') return text;
  return text === '' ? undefined : parseJson(text);
}

export function encodeRaw(value: unknown, form: 'quantity' | 'intOrString' | 'json'): Uint8Array {
  const writer = new WireWriter();
  if (form === 'quantity') writer.text(1, String(value));
  else if (form === 'json') writer.text(1, JSON.stringify(value));
  else {
    writer.integer(1, typeof value === 'number' ? 0 : 1);
    writer.integer(2, typeof value === 'number' ? value : 0);
    writer.text(3, typeof value === 'number' ? '' : String(value));
  }
  return writer.finish();
}

const ZERO_TIME_SECONDS = -62135596800;
