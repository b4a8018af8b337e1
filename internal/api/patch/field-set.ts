// Sets of fields, in the very form in which managedFields keeps them (FieldsV1): a tree whose members are `f:<name>`,
// `k:<keys of an item>`, `v:<value of an item>`, `i:<index>`, and `.` for the place itself. A node without members is owned as a whole.
// The empty set is `undefined`. Sets are never changed: what is equal is shared, so that a set which a write does not touch costs nothing.
import { readJson } from '../large-integers.ts';

export interface FieldNode {
  readonly [element: string]: FieldNode;
}
export type FieldSet = FieldNode | undefined;

export const SELF = '.';
export const LEAF: FieldNode = Object.freeze({});

/** Whether the place itself is in the set, besides what lies below it. */
export function isMember(node: FieldNode): boolean {
  return Object.hasOwn(node, SELF) || isLeaf(node);
}

function isLeaf(node: FieldNode): boolean {
  for (const _ in node) return false;
  return true;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === undefined || a === b) return b;
  if (b === undefined) return a;
  const member = isMember(a) || isMember(b);
  let result: Record<string, FieldNode> | undefined;
  for (const element of Object.keys(b)) {
    if (element === SELF) continue;
    const mine = child(a, element);
    const joined = union(mine, child(b, element));
    if (joined !== mine && joined !== undefined) (result ??= { ...a })[element] = joined;
  }
  return settle(a, { member, changed: result });
}

/** What of `a` is not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a === undefined || b === undefined) return a;
  let result: Record<string, FieldNode> | undefined;
  for (const element of Object.keys(b)) {
    const mine = element === SELF ? undefined : child(a, element);
    if (mine === undefined) continue;
    const left = difference(mine, child(b, element));
    if (left === mine) continue;
    result ??= { ...a };
    if (left === undefined) delete result[element];
    else result[element] = left;
  }
  return settle(a, { member: isMember(a) && !isMember(b), changed: result });
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return a;
  const result: Record<string, FieldNode> = {};
  for (const element of Object.keys(a)) {
    const both = element === SELF ? undefined : intersection(a[element], child(b, element));
    if (both !== undefined) result[element] = both;
  }
  return settle(LEAF, { member: isMember(a) && isMember(b), changed: result });
}

// Gives `a` itself where it comes to the same. A node with members says by `.` that it is one itself; one without can only be one.
function settle(a: FieldNode, { member, changed }: { member: boolean; changed: Record<string, FieldNode> | undefined }): FieldSet {
  const node = changed ?? a;
  const marked = Object.hasOwn(node, SELF);
  if (!hasChildren(node)) return !member ? undefined : changed === undefined && !marked ? a : LEAF;
  if (marked === member) return node;
  if (member) return { [SELF]: LEAF, ...node };
  const { [SELF]: _, ...rest } = node;
  return rest;
}

/** The node with the place itself in it. */
export function marked(node: FieldSet): FieldNode {
  return node === undefined || isMember(node) ? (node ?? LEAF) : { [SELF]: LEAF, ...node };
}

/** The subset below an element. */
export function child(set: FieldSet, element: string): FieldSet {
  return set !== undefined && Object.hasOwn(set, element) ? set[element] : undefined;
}

/** Whether anything lies below the node, besides the node itself. */
export function hasChildren(node: FieldNode): boolean {
  for (const element in node) if (element !== SELF) return true;
  return false;
}

/** Every field in the set as messages write it (`.spec.containers[name="a"].image`): those of a level before those below it. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  if (set === undefined) return [];
  const elements = Object.keys(set).filter((element) => element !== SELF).toSorted(compareElements);
  const own = elements.filter((element) => isMember(set[element] ?? LEAF)).map((element) => prefix + formatElement(element));
  return [...own, ...elements.flatMap((element) => pathsBelow(set[element] ?? LEAF, prefix + formatElement(element)))];
}

function pathsBelow(node: FieldNode, prefix: string): string[] {
  return hasChildren(node) ? pathsOf(node, prefix) : [];
}

function formatElement(element: string): string {
  const rest = element.slice(2);
  switch (element.charAt(0)) {
    case 'f': return `.${rest}`;
    case 'k': return `[${Object.entries(parse(rest) as object).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    case 'v': return `[=${JSON.stringify(parse(rest))}]`;
    default: return `[${rest}]`;
  }
}

/** The same set with its members in upstream's order. What is frozen came from the store and stands in order already. */
export function inOrder(node: FieldNode): FieldNode {
  if (Object.isFrozen(node)) return node;
  const elements = Object.keys(node);
  const sorted = elements.every((element, index) => index === 0 || compareElements(elements[index - 1] ?? '', element) < 0);
  const result: Record<string, FieldNode> = {};
  for (const element of sorted ? elements : elements.toSorted(compareElements)) result[element] = inOrder(node[element] ?? LEAF);
  return result;
}

const RANKS = '.fkvi';

function compareElements(a: string, b: string): number {
  const rank = RANKS.indexOf(a[0] ?? '') - RANKS.indexOf(b[0] ?? '');
  if (rank !== 0) return rank;
  if (a[0] === 'f' || a === b) return a < b ? -1 : a > b ? 1 : 0;
  return compareValues(parse(a.slice(2)), parse(b.slice(2)));
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
    const [left, right] = [Object.entries(a), Object.entries(b)];
    for (const [index, [name, value]] of left.entries()) {
      const other = right[index];
      if (other === undefined) return 1;
      const found = compareScalars(name, other[0]) || compareValues(value, other[1]);
      if (found !== 0) return found;
    }
    return left.length - right.length;
  }
  const types = ['number', 'string', 'boolean'];
  return types.indexOf(typeof a) - types.indexOf(typeof b) || compareScalars(a as string, b as string);
}

function compareScalars(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Sets come from clients too: an element that is no JSON is taken for its text.
function parse(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    return text;
  }
}
