// Arithmetic on resource lists, name by name, exact (upstream: apiserver/pkg/quota/v1/resources.go).
import { addQuantities, compareQuantities, subtractQuantities } from '../api/quantity.ts';

/** `{ cpu: '500m', 'count/pods': '3' }` */
export type Quantities = Readonly<Record<string, string>>;

export function sumOf(...lists: Quantities[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const list of lists) for (const [name, value] of Object.entries(list)) result[name] = result[name] === undefined ? value : addQuantities(result[name], value);
  return result;
}

/** What the first has more than the second, never less than nothing; names of the second alone are 0. */
export function excessOf(left: Quantities, right: Quantities): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const difference = subtractQuantities(left[name] ?? '0', right[name] ?? '0');
    result[name] = compareQuantities(difference, '0') > 0 ? difference : '0';
  }
  return result;
}

export function largerOf(left: Quantities, right: Quantities): Record<string, string> {
  const result: Record<string, string> = { ...left };
  for (const [name, value] of Object.entries(right)) if (result[name] === undefined || compareQuantities(value, result[name]) > 0) result[name] = value;
  return result;
}

export function onlyNames(list: Quantities, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter(([name]) => names.includes(name)));
}

export function withoutZeros(list: Quantities): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter(([, value]) => compareQuantities(value, '0') !== 0));
}

export function sameQuantities(left: Quantities | undefined, right: Quantities | undefined): boolean {
  const [a, b] = [left ?? {}, right ?? {}];
  return Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, value]) => b[name] !== undefined && compareQuantities(value, b[name]) === 0);
}

/** `cpu=1,pods=3`, by name. */
export function formatQuantities(list: Quantities): string {
  return Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`).join(',');
}
