// Optional values: optional.of, optional.none, value, hasValue and their kin, and what the two-variable macros build maps with.
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { formatKey } from '../attribute.ts';
import { Double, Duration, Timestamp, Uint } from '../scalar.ts';
import { EntryMap, ListValue, MapValue, NONE, Optional, sizeOf, StructValue, type Value } from '../value.ts';

export function optionalLibrary(): Definition[] {
  return [
    ['optional.of', 'optional_of', '(V) optional(V)', (value: Value) => new Optional(value)],
    ['optional.ofNonZeroValue', 'optional_ofNonZeroValue', '(V) optional(V)', (value: Value) => (isZero(value) ? NONE : new Optional(value))],
    ['optional.none', 'optional_none', '() optional(V)', () => NONE],
    ['value', 'optional_value', 'optional(V).() V', ({ value }: Optional) => value ?? missing(value)],
    ['hasValue', 'optional_hasValue', 'optional(V).() bool', ({ value }: Optional) => value !== undefined],
    ['or', 'optional_or_optional', 'optional(V).(optional(V)) optional(V)', (optional: Optional) => optional],
    ['orValue', 'optional_orValue_value', 'optional(V).(V) V', (optional: Optional) => optional],
    ['last', 'list_last', 'list(V).() optional(V)', (list: ListValue) => (list.size === 0 ? NONE : new Optional(list.at(list.size - 1)))],
    ['first', 'list_first', 'list(V).() optional(V)', (list: ListValue) => (list.size === 0 ? NONE : new Optional(list.at(0)))],
    ['optional.unwrap', 'optional_unwrap', '(list(optional(V))) list(V)', unwrap],
    ['unwrapOpt', 'optional_unwrapOpt', 'list(optional(V)).() list(V)', unwrap],
    ['cel.@mapInsert', '@mapInsert_map_key_value', '(map(K, V), K, V) map(K, V)', insert],
    ['cel.@mapInsert', '@mapInsert_map_map', '(map(K, V), map(K, V)) map(K, V)', insertAll],
  ];
}

function missing(value: undefined | null): Value {
  if (value === null) return null;
  throw new EvaluationError('optional.none() dereference');
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === '') return true;
  if (value instanceof Double || value instanceof Uint) return value.value === 0;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Timestamp) return value.seconds === -62135596800 && value.nanos === 0;
  if (value instanceof StructValue) return value.fields.size === 0;
  if (value instanceof Optional) return value.value === undefined || isZero(value.value);
  return sizeOf(value) === 0;
}

function unwrap(list: ListValue): ListValue {
  return ListValue.of(list.toArray().flatMap((item) => (item instanceof Optional && item.value !== undefined ? [item.value] : [])));
}

function insert(map: MapValue, key: Value, value: Value): MapValue {
  if (map.find(key) !== undefined) throw new EvaluationError(`insert failed: key ${formatKey(key)} already exists`);
  const target = map.growing && map instanceof EntryMap ? map : EntryMap.of(Array.from(map.keys(), (old) => [old, map.find(old) ?? null] as const));
  target.set(key, value);
  return target;
}

function insertAll(map: MapValue, added: MapValue): MapValue {
  let result = map;
  for (const key of added.keys()) result = insert(result, key, added.find(key) ?? null);
  return result;
}
