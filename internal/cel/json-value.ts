// CEL values → JSON, as upstream writes what an expression gives into an object or a patch: bytes in base64, times in their string forms.
import { settled } from '../api/large-integers.ts';
import { EvaluationError } from './cel-error.ts';
import { Double, Duration, Timestamp, Uint } from './scalar.ts';
import { formatDurationSeconds, formatTimestamp } from './time.ts';
import { ListValue, MapValue, Optional, StructValue, typeNameOf, type Value } from './value.ts';

/** Throws EvaluationError for what JSON cannot say: types, quantities, keys that are no strings. */
export function toJson(value: unknown): unknown {
  const known = value as Value;
  switch (typeof known) {
    case 'string': case 'boolean': case 'number': case 'bigint': return known;
    default: return known === null ? null : objectToJson(known);
  }
}

function objectToJson(value: Exclude<Value, null | string | boolean | number | bigint>): unknown {
  if (value instanceof Double) return value.value;
  if (value instanceof Uint) return settled(BigInt(value.value));
  if (value instanceof ListValue) return value.toArray().map(toJson);
  if (value instanceof MapValue) return Object.fromEntries(Array.from(value.keys(), (key) => [keyText(key), toJson(value.find(key) ?? null)]));
  if (value instanceof StructValue) return Object.fromEntries(Array.from(value.fields, ([name, field]) => [name, toJson(field)]));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDurationSeconds(value);
  if (value instanceof Optional && value.value !== undefined) return toJson(value.value);
  throw new EvaluationError(`type conversion error from '${typeNameOf(value)}' to JSON`);
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key;
  throw new EvaluationError(`map key of type ${typeNameOf(key)} is no string`);
}
