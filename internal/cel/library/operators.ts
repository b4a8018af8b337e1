// Operators of the standard library: arithmetic with overflow told, comparison across number types, concatenation, membership, size.
// && || ?: == != and indexing are planned by themselves; their overloads stand here for the checker.
import { compareValues, equalValues, sameKeys } from '../equality.ts';
import { EvaluationError } from '../cel-error.ts';
import type { Definition } from '../function.ts';
import { Double, Duration, INT_MAX, INT_MIN, normalInt, Uint, UINT_MAX, type Int, type Timestamp } from '../scalar.ts';
import { addDuration, checkedDuration, timeBetween } from '../time.ts';
import { isError, ListValue, MapValue, sizeOf, typeNameOf, TypeValue, type Value } from '../value.ts';

type Operation = 'add' | 'subtract' | 'multiply' | 'divide' | 'modulo';

const PLANNED = (): Value => new EvaluationError('no such overload');
const ORDERED = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const NUMBERS = ['int', 'uint', 'double'];
const GO_NAMES: Readonly<Record<string, string>> = { int: 'int64', uint: 'uint64' };

export function operatorLibrary(): Definition[] {
  return [
    ['_?_:_', 'conditional', '(bool, A, A) A', PLANNED], ['_&&_', 'logical_and', '(bool, bool) bool', PLANNED], ['_||_', 'logical_or', '(bool, bool) bool', PLANNED],
    ['_==_', 'equals', '(A, A) bool', PLANNED], ['_!=_', 'not_equals', '(A, A) bool', PLANNED], ['@not_strictly_false', 'not_strictly_false', '(bool) bool', PLANNED],
    ['_[_]', 'index_list', '(list(A), int) A', PLANNED], ['_[_]', 'index_map', '(map(A, B), A) B', PLANNED],
    ['_[_]', 'optional_list_index_int', '(optional(list(V)), int) optional(V)', PLANNED], ['_[_]', 'optional_map_index_value', '(optional(map(K, V)), K) optional(V)', PLANNED],
    ['_[?_]', 'list_optindex_optional_int', '(list(V), int) optional(V)', PLANNED], ['_[?_]', 'optional_list_optindex_optional_int', '(optional(list(V)), int) optional(V)', PLANNED],
    ['_[?_]', 'map_optindex_optional_value', '(map(K, V), K) optional(V)', PLANNED], ['_[?_]', 'optional_map_optindex_optional_value', '(optional(map(K, V)), K) optional(V)', PLANNED],
    ['_?._', 'select_optional_field', '(dyn, string) optional(V)', PLANNED],
    ['!_', 'logical_not', '(bool) bool', (value: boolean) => !value],
    ...[...arithmetic(), ...concatenation(), ...timeArithmetic()].toSorted(byCelGo), ...comparison(), ...containers(),
  ];
}

// What a type that is still open becomes is decided by the first overload that takes it: the order is cel-go's, by name.
function byCelGo([nameA, idA]: Definition, [nameB, idB]: Definition): number {
  const [a, b] = [`${nameA} ${place(idA)}`, `${nameB} ${place(idB)}`];
  return a === b ? 0 : a < b ? -1 : 1;
}

function place(id: string): string {
  return id.replace('add_timestamp_duration', 'add_duration_u').replace('subtract_timestamp', 'subtract_int65');
}

function arithmetic(): Definition[] {
  const of = (sign: string, operation: Operation): Definition[] => [
    [sign, `${operation}_double`, '(double, double) double', (a: Double, b: Double) => new Double(onDoubles(operation, a.value, b.value))],
    [sign, `${operation}_int64`, '(int, int) int', (a: Int, b: Int) => onInts(operation, a, b)],
    [sign, `${operation}_uint64`, '(uint, uint) uint', (a: Uint, b: Uint) => onUints(operation, a, b)],
  ];
  return [
    ...of('_+_', 'add'), ...of('_-_', 'subtract'), ...of('_*_', 'multiply'), ...of('_/_', 'divide'), ...of('_%_', 'modulo').slice(1),
    ['-_', 'negate_double', '(double) double', ({ value }: Double) => new Double(-value)],
    ['-_', 'negate_int64', '(int) int', (value: Int) => onInts('subtract', 0, value)],
  ];
}

function onDoubles(operation: Operation, a: number, b: number): number {
  switch (operation) {
    case 'add': return a + b;
    case 'subtract': return a - b;
    case 'multiply': return a * b;
    case 'divide': return a / b;
    case 'modulo': return a % b;
  }
}

function onInts(operation: Operation, a: Int, b: Int): Int {
  if (operation === 'divide' || operation === 'modulo') {
    // oxlint-disable-next-line eqeqeq
    if (b == 0) throw new EvaluationError(operation === 'divide' ? 'division by zero' : 'modulus by zero');
  }
  if (typeof a === 'number' && typeof b === 'number') {
    const fast = operation === 'divide' ? Math.trunc(a / b) : onDoubles(operation, a, b);
    // Also takes the sign off a negative zero.
    if (Number.isSafeInteger(fast)) return fast + 0;
  }
  const exact = onBigInts(operation, BigInt(a), BigInt(b));
  if (exact > INT_MAX || exact < INT_MIN) throw new EvaluationError('integer overflow');
  return normalInt(exact);
}

function onUints(operation: Operation, { value: a }: Uint, { value: b }: Uint): Uint {
  // oxlint-disable-next-line eqeqeq
  if (b == 0 && (operation === 'divide' || operation === 'modulo')) throw new EvaluationError(operation === 'divide' ? 'division by zero' : 'modulus by zero');
  const exact = onBigInts(operation, BigInt(a), BigInt(b));
  if (exact > UINT_MAX || exact < 0n) throw new EvaluationError('unsigned integer overflow');
  return new Uint(normalInt(exact));
}

function onBigInts(operation: Operation, a: bigint, b: bigint): bigint {
  switch (operation) {
    case 'add': return a + b;
    case 'subtract': return a - b;
    case 'multiply': return a * b;
    case 'divide': return a / b;
    case 'modulo': return a % b;
  }
}

function concatenation(): Definition[] {
  return [
    ['_+_', 'add_string', '(string, string) string', (a: string, b: string) => a + b],
    ['_+_', 'add_bytes', '(bytes, bytes) bytes', (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b])],
    ['_+_', 'add_list', '(list(A), list(A)) list(A)', addLists],
  ];
}

// Lists of a schema's sets and maps merge.
function addLists(a: ListValue, b: ListValue): ListValue {
  if (a.growing) {
    for (const item of b) a.push(item);
    return a;
  }
  const { listType, mapKeys = [] } = a.schema ?? {};
  if (listType === undefined) return a.schema === undefined ? ListValue.of([...a.toArray(), ...b.toArray()]) : a.with([...a.toArray(), ...b.toArray()]);
  const merged = [...a.toArray()];
  for (const item of b) {
    const at = merged.findIndex((other) => (listType === 'set' ? equalValues(other, item) : sameKeys(other, item, mapKeys)));
    if (at < 0) merged.push(item);
    else if (listType === 'map') merged[at] = item;
  }
  return a.with(merged);
}

function comparison(): Definition[] {
  const pairs = ORDERED.flatMap((type) => (NUMBERS.includes(type) ? [type, ...NUMBERS.toSorted().filter((other) => other !== type)] : [type]).map((other) => [type, other] as const));
  const of = (sign: string, word: string, holds: (order: number) => boolean): Definition[] => pairs.map(([a, b]): Definition => {
    const name = (type: string): string => GO_NAMES[type] ?? type;
    return [sign, `${word}_${a === b ? name(a) : `${name(a)}_${name(b)}`}`, `(${a}, ${b}) bool`, (left: Value, right: Value) => !isNan(left) && !isNan(right) && holds(compareValues(left, right) ?? Number.NaN)];
  });
  return [
    ...of('_<_', 'less', (order) => order < 0), ...of('_<=_', 'less_equals', (order) => order <= 0),
    ...of('_>_', 'greater', (order) => order > 0), ...of('_>=_', 'greater_equals', (order) => order >= 0),
  ];
}

function isNan(value: Value): boolean {
  if (value instanceof Double && Number.isNaN(value.value)) throw new EvaluationError('NaN values cannot be ordered');
  return false;
}

function timeArithmetic(): Definition[] {
  return [
    ['_+_', 'add_duration_duration', '(duration, duration) duration', (a: Duration, b: Duration) => checkedDuration(a.nanos + b.nanos)],
    ['_+_', 'add_duration_timestamp', '(duration, timestamp) timestamp', (a: Duration, b: Timestamp) => addDuration(b, a)],
    ['_+_', 'add_timestamp_duration', '(timestamp, duration) timestamp', addDuration],
    ['_-_', 'subtract_duration_duration', '(duration, duration) duration', (a: Duration, b: Duration) => checkedDuration(a.nanos - b.nanos)],
    ['_-_', 'subtract_timestamp_duration', '(timestamp, duration) timestamp', (a: Timestamp, b: Duration) => addDuration(a, new Duration(-b.nanos))],
    ['_-_', 'subtract_timestamp_timestamp', '(timestamp, timestamp) duration', timeBetween],
  ];
}

function containers(): Definition[] {
  const size = (value: Value): Value => sizeOf(value) ?? 0;
  const sizes = ['bytes', 'list(A)', 'map(A, B)', 'string'].flatMap((type): Definition[] => {
    const id = type.replace(/\(.*/, '');
    return [['size', `size_${id}`, `(${type}) int`, size], ['size', `${id}_size`, `${type}.() int`, size]];
  });
  return [
    ...sizes,
    ['@in', 'in_list', '(A, list(A)) bool', (value: Value, list: ListValue) => list.toArray().some((item) => equalValues(item, value))],
    ['@in', 'in_map', '(A, map(A, B)) bool', containsKey],
    ['dyn', 'to_dyn', '(A) dyn', (value: Value) => value],
    ['type', 'type', '(A) type(A)', (value: Value) => new TypeValue(typeNameOf(value))],
  ];
}

function containsKey(key: Value, map: MapValue): Value {
  const found = map.find(key);
  return found !== undefined && isError(found) ? found : found !== undefined;
}
