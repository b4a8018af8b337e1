// JSON paths as printer columns, selectable fields and kubectl have them: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
// `.metadata.labels['a\.b']`, `[0]`, `[-1]`, `[0:2]`, `[*]`, `..name`. Upstream: client-go, util/jsonpath. What is missing is no result.
import { goFloat } from '../../api/field-error.ts';
import { isMembers } from './custom-schema.ts';
import { sortedKeys } from './go-values.ts';

type Value = string | number | boolean | null;
interface Filter { left: Step[] | Value; operator: string; right: Step[] | Value }
export type Step =
  | { step: 'field' | 'descend'; name: string }
  | { step: 'index'; index: number }
  | { step: 'slice'; from: number | undefined; to: number | undefined; by: number }
  | { step: 'all' }
  | { step: 'filter'; filter: Filter };

export class JsonPathError extends Error {}

/** JsonPathError when it cannot be read. */
export function parseJsonPath(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.trim().replace(/^\$/, '');
  while (rest !== '') {
    const [step, length] = rest.startsWith('[') ? bracket(rest) : dotted(rest);
    if (step !== undefined) steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

/** Every value at the path. */
export function findAll(steps: readonly Step[], root: unknown): unknown[] {
  return steps.reduce<unknown[]>((found, step) => found.flatMap((value) => take(step, value)), [root]);
}

/** A value as upstream's templates print it. */
export function printValue(value: unknown): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return goFloat(value);
  return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(sortedKeys(value)) : String(value as number | boolean);
}

function dotted(text: string): [Step | undefined, number] {
  const match = /^(\.\.?)((?:[^.[\]\\\s]|\\.)*)/.exec(text);
  if (match === null) throw new JsonPathError(`unrecognized path ${text}`);
  const name = (match[2] ?? '').replaceAll(/\\(.)/g, '$1');
  if (name === '' && match[1] === '..') throw new JsonPathError('empty recursive descent');
  if (name === '') return [undefined, 1];
  if (name === '*') return [{ step: 'all' }, match[0].length];
  return [{ step: match[1] === '..' ? 'descend' : 'field', name }, match[0].length];
}

function bracket(text: string): [Step, number] {
  const end = closing(text);
  const inner = text.slice(1, end).trim();
  const length = end + 1;
  const quoted = /^(['"])(.*)\1$/.exec(inner);
  if (quoted !== null) return [{ step: 'field', name: (quoted[2] ?? '').replaceAll(/\\(.)/g, '$1') }, length];
  if (inner === '*') return [{ step: 'all' }, length];
  if (inner.startsWith('?(') && inner.endsWith(')')) return [{ step: 'filter', filter: filterOf(inner.slice(2, -1)) }, length];
  if (/^-?\d+$/.test(inner)) return [{ step: 'index', index: Number(inner) }, length];
  const slice = /^(-?\d*):(-?\d*)(?::(\d*))?$/.exec(inner);
  if (slice === null) throw new JsonPathError(`invalid array index ${inner}`);
  const number = (part: string | undefined): number | undefined => (part === undefined || part === '' ? undefined : Number(part));
  return [{ step: 'slice', from: number(slice[1]), to: number(slice[2]), by: number(slice[3]) ?? 1 }, length];
}

function closing(text: string): number {
  let quote = '';
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '[') depth++;
    else if (character === ']' && --depth === 0) return at;
  }
  throw new JsonPathError('unterminated array');
}

function filterOf(text: string): Filter {
  const match = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/.exec(text);
  if (match === null) return { left: operand(text), operator: 'exists', right: null };
  return { left: operand(match[1] ?? ''), operator: match[2] ?? '', right: operand(match[3] ?? '') };
}

function operand(text: string): Step[] | Value {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) return parseJsonPath(trimmed.slice(1));
  const quoted = /^(['"])(.*)\1$/.exec(trimmed);
  if (quoted !== null) return (quoted[2] ?? '').replaceAll(/\\(.)/g, '$1');
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true';
  const number = Number(trimmed);
  if (trimmed === '' || Number.isNaN(number)) throw new JsonPathError(`unrecognized identifier ${trimmed}`);
  return number;
}

function take(step: Step, value: unknown): unknown[] {
  switch (step.step) {
    case 'field': return isMembers(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'descend': return descend(step.name, value);
    case 'all': return Array.isArray(value) ? value : isMembers(value) ? Object.values(value) : [];
    case 'index': return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index)] : [];
    case 'slice': return Array.isArray(value) ? value.slice(step.from, step.to).filter((_item, index) => index % step.by === 0) : [];
    case 'filter': return Array.isArray(value) ? value.filter((item) => passes(step.filter, item)) : [];
  }
}

function descend(name: string, value: unknown): unknown[] {
  const children = Array.isArray(value) ? value : isMembers(value) ? Object.values(value) : [];
  const own = isMembers(value) && Object.hasOwn(value, name) ? [value[name]] : [];
  return [...own, ...children.flatMap((child) => descend(name, child))];
}

function passes({ left, operator, right }: Filter, item: unknown): boolean {
  const valueOf = (side: Step[] | Value): unknown => (Array.isArray(side) ? findAll(side, item)[0] : side);
  const [a, b] = [valueOf(left), valueOf(right)];
  switch (operator) {
    case 'exists': return a !== undefined;
    case '==': return a === b;
    case '!=': return a !== undefined && a !== b;
    default: return typeof a === typeof b && (typeof a === 'string' || typeof a === 'number') && compares(operator, a, b as typeof a);
  }
}

function compares(operator: string, a: string | number, b: string | number): boolean {
  switch (operator) {
    case '<': return a < b;
    case '<=': return a <= b;
    case '>': return a > b;
    default: return a >= b;
  }
}
