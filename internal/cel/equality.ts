// When two values are the same, and which comes first: numbers across their types by value, strings by code points, times by moment.
// Values of different types are different; that is no error.
import { Double, Duration, Timestamp, Uint, type Int } from './scalar.ts';
import { isError, ListValue, MapValue, OpaqueValue, Optional, StructValue, TypeValue, type Value } from './value.ts';

export function equalValues(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string' || typeof a === 'boolean' || typeof b === 'boolean') return false;
  const [left, right] = [numberOf(a), numberOf(b)];
  // JavaScript compares numbers with bigints exactly.
  // oxlint-disable-next-line eqeqeq
  if (left !== undefined || right !== undefined) return left !== undefined && right !== undefined && left == right;
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b);
  if (a instanceof MapValue) return b instanceof MapValue && equalMaps(a, b);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.seconds === b.seconds && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Optional) return b instanceof Optional && equalOptionals(a, b);
  if (a instanceof StructValue) return b instanceof StructValue && equalStructs(a, b);
  return a instanceof OpaqueValue && a.equals(b);
}

/** Negative, 0 or positive; undefined where the two have no order. NaN is before nothing. */
export function compareValues(a: Value, b: Value): number | undefined {
  if (typeof a === 'string') return typeof b === 'string' ? compareStrings(a, b) : undefined;
  if (typeof a === 'boolean') return typeof b === 'boolean' ? Number(a) - Number(b) : undefined;
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined) return right === undefined ? undefined : left < right ? -1 : left > right ? 1 : 0;
  if (a instanceof Timestamp) return b instanceof Timestamp ? a.seconds - b.seconds || a.nanos - b.nanos : undefined;
  if (a instanceof Duration) return b instanceof Duration ? (a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0) : undefined;
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) : undefined;
}

/** The plain number in an int, uint or double. */
function numberOf(value: Value): Int | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  return value instanceof Double || value instanceof Uint ? value.value : undefined;
}

// UTF-16 orders surrogates before the last of the basic plane; code points do not.
function compareStrings(a: string, b: string): number {
  if (/[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function equalLists(a: ListValue, b: ListValue): boolean {
  if (a.size !== b.size) return false;
  const { listType, mapKeys = [] } = a.schema ?? {};
  if (listType === 'set') return a.toArray().every((item) => b.toArray().some((other) => equalValues(item, other)));
  if (listType === 'map') {
    return b.toArray().every((item) => {
      const other = a.toArray().find((candidate) => sameKeys(candidate, item, mapKeys));
      return other !== undefined && equalValues(other, item);
    });
  }
  for (let index = 0; index < a.size; index++) if (!equalValues(a.at(index), b.at(index))) return false;
  return true;
}

/** Whether two elements of an associative list have the same keys. */
export function sameKeys(a: Value, b: Value, keys: readonly string[]): boolean {
  if (!(a instanceof MapValue) || !(b instanceof MapValue)) return false;
  return keys.every((key) => equalValues(a.find(key) ?? null, b.find(key) ?? null));
}

function equalMaps(a: MapValue, b: MapValue): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const [left, right] = [a.find(key), b.find(key)];
    if (left === undefined && right === undefined) continue;
    if (left === undefined || right === undefined || isError(right) || !equalValues(left, right)) return false;
  }
  return true;
}

function equalOptionals(a: Optional, b: Optional): boolean {
  return a.value === undefined || b.value === undefined ? a.value === b.value : equalValues(a.value, b.value);
}

function equalStructs(a: StructValue, b: StructValue): boolean {
  if (a.type.name !== b.type.name || a.fields.size !== b.fields.size) return false;
  for (const [name, value] of a.fields) {
    const other = b.fields.get(name);
    if (other === undefined || !equalValues(value, other)) return false;
  }
  return true;
}
