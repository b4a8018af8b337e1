// What a call cost, by the sizes of what it got and gave: cel-go's cost tracker with Kubernetes' estimator before it. Costs are API:
// a rule near its budget must pass or fail here as upstream.
import { CostLimitError } from './cel-error.ts';
import { ListValue, MapValue, OpaqueValue, Optional, sizeOf, type Value } from './value.ts';

type CostOf = (values: readonly Value[], result: Value) => number;

/** What one evaluation may cost at most: upstream's PerCallLimit. */
export const PER_CALL_LIMIT = 1_000_000;
/** Units for each code point of a string that is gone through. */
export const TRAVERSAL = 0.1;
/** Units for each code point of a regular expression, multiplied with the string's. */
export const REGEX = 0.25;
/** Of `authorizer…check(…)`: two of them are all a call can pay for. */
export const CHECK_COST = 350_000;
const ALLOCATED_LIST = 11;

const UNIT: CostOf = () => 1;
const traversal = (argument: number, factor = 1): CostOf => (values) => Math.ceil(actualSize(values[argument]) * factor * TRAVERSAL);
const treeTraversal: CostOf = ([value]) => treeCost(value ?? null);
const regexCost: CostOf = ([text, pattern]) => Math.ceil((1 + actualSize(text)) * TRAVERSAL) * Math.ceil(actualSize(pattern) * REGEX);
const smaller: CostOf = ([a, b]) => Math.ceil(Math.min(actualSize(a), actualSize(b)) * TRAVERSAL);
const both: CostOf = ([a, b]) => Math.ceil((actualSize(a) + actualSize(b)) * TRAVERSAL);
const outputSize: CostOf = (_values, result) => actualSize(result) + ALLOCATED_LIST;
const setsCost = (factor: number): CostOf => ([a, b]) => 1 + actualSize(a) * actualSize(b) * factor;
const selfCompare = (argument: number): CostOf => (values) => selfCompareCost(values[argument]);

const BY_OVERLOAD: ReadonlyMap<string, CostOf> = new Map<string, CostOf>([
  ['list_slice', outputSize], ['lists_range', outputSize], ['list_reverse', outputSize],
  ['list_flatten', ([list]) => actualSize(list) + ALLOCATED_LIST],
  ['list_flatten_int', ([list, depth]) => Math.trunc(actualSize(list) * Number(depth)) + ALLOCATED_LIST],
  ['list_distinct', selfCompare(0)],
  ['list_sets_contains_list', setsCost(1)], ['list_sets_intersects_list', setsCost(1)], ['list_sets_equivalent_list', setsCost(2)],
]);

const BY_FUNCTION: ReadonlyMap<string, CostOf> = new Map<string, CostOf>([
  ['check', () => CHECK_COST],
  ...['fieldSelector', 'labelSelector'].map((name): [string, CostOf] => [name, ([, selector]) => selectorCost(actualSize(selector))]),
  ...['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name): [string, CostOf] => [name, treeTraversal]),
  ...['url', 'lowerAscii', 'upperAscii', 'substring', 'trim', 'jsonpatch.escapeKey', 'cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'].map((name): [string, CostOf] => [name, traversal(0)]),
  ...['replace', 'split', 'ip.isCanonical'].map((name): [string, CostOf] => [name, traversal(0, 2)]),
  ['join', (_values, result) => Math.ceil(actualSize(result) * 2 * TRAVERSAL)],
  ['find', regexCost], ['findAll', regexCost],
  ['validate', ([format, text]) => Math.ceil((1 + actualSize(text)) * TRAVERSAL) * Math.ceil(((format as { regexSize?: number }).regexSize ?? 0) * REGEX)],
]);

const STANDARD: ReadonlyMap<string, CostOf> = new Map<string, CostOf>([
  ...['starts_with_string', 'ends_with_string', 'string_to_bytes', 'bytes_to_string', 'strings_quote', 'string_format'].map((id): [string, CostOf] => [id, traversal(0)]),
  ['in_list', ([, list]) => actualSize(list)],
  ...['less', 'greater', 'less_equals', 'greater_equals'].flatMap((word): [string, CostOf][] => [[`${word}_string`, smaller], [`${word}_bytes`, smaller]]),
  ['add_string', both], ['add_bytes', both],
  ['matches_string', regexCost],
  ['contains_string', ([text, part]) => Math.ceil(actualSize(text) * TRAVERSAL) * Math.ceil(actualSize(part) * TRAVERSAL)],
]);

/** How a call's cost is counted; the id is empty where the overload is chosen by the values. */
export function callCost(name: string, id: string): CostOf {
  const special = BY_OVERLOAD.get(id) ?? (id.endsWith('_sort') ? selfCompare(0) : id.endsWith('_sortByAssociatedKeys') ? selfCompare(1) : undefined);
  if (special !== undefined) return special;
  if (name === 'ip') return id === 'cidr_ip' ? UNIT : traversal(0);
  if (name === 'containsIP' || name === 'containsCIDR') return networkCost(name, id);
  return BY_FUNCTION.get(name) ?? STANDARD.get(id) ?? UNIT;
}

/** Before work that no evaluation could pay for: upstream does it and then says the same. */
export function refuseBeyond(units: number): void {
  if (units > PER_CALL_LIMIT) throw new CostLimitError();
}

/** 1 for what has no size. */
export function actualSize(value: Value | undefined): number {
  if (value instanceof Optional && value.value !== undefined) return actualSize(value.value);
  if (value instanceof OpaqueValue) return (value as { size?: number }).size ?? 1;
  return value === undefined ? 1 : (sizeOf(value) ?? 1);
}

function networkCost(name: string, id: string): CostOf {
  return ([network, other]) => {
    const size = actualSize(network);
    const own = Math.ceil(2 * size * TRAVERSAL) + (name === 'containsCIDR' ? Math.ceil(size * TRAVERSAL) + 1 : 0);
    return own + (id.endsWith('_string') ? Math.ceil(actualSize(other) * TRAVERSAL) : 0);
  };
}

function selectorCost(length: number): number {
  return 10 + Math.ceil(length * TRAVERSAL) + Math.ceil(Math.ceil(length * 0.5) * 50);
}

function selfCompareCost(list: Value | undefined): number {
  const size = actualSize(list);
  const first = list instanceof ListValue && size > 0 ? list.at(0) : null;
  const factor = typeof first === 'string' || first instanceof Uint8Array ? 2 + TRAVERSAL : 2;
  return Math.trunc(size * size * factor) + ALLOCATED_LIST;
}

function treeCost(value: Value): number {
  if (typeof value === 'string') return Math.trunc(Buffer.byteLength(value) * TRAVERSAL);
  if (value instanceof Uint8Array) return Math.trunc(value.length * TRAVERSAL);
  let cost = 0;
  if (value instanceof ListValue) for (const item of value) cost += treeCost(item);
  else if (value instanceof MapValue) for (const key of value.keys()) cost += treeCost(key) + treeCost(value.find(key) ?? null);
  else cost = 1;
  return cost;
}
