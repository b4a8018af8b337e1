// Lists and sets: Kubernetes' own functions, cel-go's lists extension (version 3) and its sets extension.
import { refuseBeyond } from '../call-cost.ts';
import { EvaluationError } from '../cel-error.ts';
import { compareValues, equalValues } from '../equality.ts';
import type { Definition, FindFunction } from '../function.ts';
import { Double, Duration, Uint, type Int } from '../scalar.ts';
import { ListValue, typeNameOf, type Value } from '../value.ts';

const COMPARABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const SUMMABLE: readonly (readonly [type: string, zero: () => Value])[] = [['int', () => 0], ['uint', () => new Uint(0)], ['double', () => new Double(0)], ['duration', () => new Duration(0n)]];

/** `find`: sums are made of the operator +. */
export function listLibrary(find: FindFunction): Definition[] {
  return [
    ...COMPARABLE.flatMap((type): Definition[] => [
      ['isSorted', `list_${type}_is_sorted_bool`, `list(${type}).() bool`, isSorted],
      ['min', `list_${type}_min_${type}`, `list(${type}).() ${type}`, (list: ListValue) => extreme(list, 'min', (order) => order > 0)],
      ['max', `list_${type}_max_${type}`, `list(${type}).() ${type}`, (list: ListValue) => extreme(list, 'max', (order) => order < 0)],
      ['sort', `list_${goName(type)}_sort`, `list(${type}).() list(${type})`, (list: ListValue) => sortByKeys(list, list)],
      ['@sortByAssociatedKeys', `list_${goName(type)}_sortByAssociatedKeys`, `list(T).(list(${type})) list(T)`, sortByKeys],
    ]),
    ...SUMMABLE.map(([type, zero]): Definition => ['sum', `list_${type}_sum_${type}`, `list(${type}).() ${type}`, (list: ListValue) => sum(list, zero(), find)]),
    ['indexOf', 'list_a_index_of_int', 'list(A).(A) int', (list: ListValue, item: Value) => list.toArray().findIndex((other) => equalValues(other, item))],
    ['lastIndexOf', 'list_a_last_index_of_int', 'list(A).(A) int', (list: ListValue, item: Value) => list.toArray().findLastIndex((other) => equalValues(other, item))],
    ['slice', 'list_slice', 'list(T).(int, int) list(T)', slice],
    ['flatten', 'list_flatten', 'list(list(T)).() list(T)', (list: ListValue) => ListValue.of(flatten(list, 1))],
    ['flatten', 'list_flatten_int', 'list(dyn).(int) list(dyn)', (list: ListValue, depth: Int) => ListValue.of(flatten(list, Number(depth)))],
    ['lists.range', 'lists_range', '(int) list(int)', range],
    ['reverse', 'list_reverse', 'list(T).() list(T)', (list: ListValue) => ListValue.of(list.toArray().toReversed())],
    ['distinct', 'list_distinct', 'list(T).() list(T)', distinct],
    ['sets.contains', 'list_sets_contains_list', '(list(T), list(T)) bool', containsAll],
    ['sets.equivalent', 'list_sets_equivalent_list', '(list(T), list(T)) bool', (a: ListValue, b: ListValue) => containsAll(a, b) && containsAll(b, a)],
    ['sets.intersects', 'list_sets_intersects_list', '(list(T), list(T)) bool', intersects],
  ];
}

function goName(type: string): string {
  return type === 'duration' || type === 'timestamp' ? `google.protobuf.${type === 'duration' ? 'Duration' : 'Timestamp'}` : type;
}

function isSorted(list: ListValue): boolean {
  const items = list.toArray();
  return items.every((item, index) => index === 0 || (compareValues(items[index - 1] ?? null, item) ?? 0) <= 0);
}

function extreme(list: ListValue, name: string, better: (order: number) => boolean): Value {
  if (list.size === 0) throw new EvaluationError(`${name} called on empty list`);
  return list.toArray().reduce((best, item) => (better(compareValues(best, item) ?? 0) ? item : best));
}

function sum(list: ListValue, zero: Value, find: FindFunction): Value {
  const add = find('_+_')?.find(({ parameters: [first] }) => first?.kind === kindOf(zero))?.run;
  return list.toArray().reduce((total, item) => add?.(total, item) ?? null, zero);
}

function kindOf(zero: Value): string {
  return zero instanceof Duration ? 'duration' : typeNameOf(zero);
}

function slice(list: ListValue, start: Int, end: Int): ListValue {
  const words = `cannot slice(${String(start)}, ${String(end)})`;
  if (start < 0 || end < 0) throw new EvaluationError(`${words}, negative indexes not supported`);
  if (start > end) throw new EvaluationError(`${words}, start index must be less than or equal to end index`);
  if (end > list.size) throw new EvaluationError(`${words}, list is length ${String(list.size)}`);
  return ListValue.of(list.toArray().slice(Number(start), Number(end)));
}

function flatten(list: ListValue, depth: number): Value[] {
  if (depth < 0) throw new EvaluationError('level must be non-negative');
  return list.toArray().flatMap((item) => (item instanceof ListValue && depth > 0 ? flatten(item, depth - 1) : [item]));
}

function range(count: Int): ListValue {
  refuseBeyond(Number(count));
  return ListValue.of(Array.from({ length: Math.max(0, Number(count)) }, (_, index) => index));
}

function sortByKeys(list: ListValue, keys: ListValue): ListValue {
  if (list.size !== keys.size) {
    throw new EvaluationError(`@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${String(list.size)} and ${String(keys.size)} elements respectively`);
  }
  refuseBeyond(2 * list.size ** 2);
  const pairs = list.toArray().map((item, index) => ({ item, key: keys.at(index) }));
  const type = pairs[0] === undefined ? '' : typeNameOf(pairs[0].key);
  if (pairs.some(({ key }) => typeNameOf(key) !== type)) throw new EvaluationError('list elements must have the same type');
  return ListValue.of(pairs.toSorted((a, b) => compareValues(a.key, b.key) ?? 0).map(({ item }) => item));
}

function distinct(list: ListValue): ListValue {
  refuseBeyond(2 * list.size ** 2);
  const seen: Value[] = [];
  for (const item of list) if (!seen.some((other) => equalValues(other, item))) seen.push(item);
  return ListValue.of(seen);
}

function containsAll(list: ListValue, part: ListValue): boolean {
  refuseBeyond(list.size * part.size);
  return part.toArray().every((item) => has(list, item));
}

function intersects(a: ListValue, b: ListValue): boolean {
  refuseBeyond(a.size * b.size);
  return a.toArray().some((item) => has(b, item));
}

function has(list: ListValue, item: Value): boolean {
  return list.toArray().some((other) => equalValues(other, item));
}
