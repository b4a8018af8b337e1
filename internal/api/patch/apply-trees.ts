// What server-side apply does with objects under their schema: the set of fields an object gives, two objects merged, fields taken
// out of one. Inputs are left as they are; results share what did not change.
import type { Schemas } from '../schema.ts';
import { child, hasChildren, isMember, LEAF, marked, SELF, type FieldNode, type FieldSet } from './field-set.ts';
import { childOf, elementOfItem, isEmptyOrAbsent, shapeOf, UNKNOWN_CHILD, type Shape } from './field-shape.ts';
import { define, isMembers, own, type Members } from './members.ts';

export interface Typed { shape: Shape; schemas: Schemas }

/** Every field that the value gives; the value's own place is the caller's to add. */
export function fieldsOf(value: unknown, { shape, schemas }: Typed): FieldSet {
  if (shape.kind === 'leaf') return LEAF;
  if (shape.kind === 'list') return Array.isArray(value) ? fieldsOfItems(value, { shape, schemas }) : undefined;
  if (!isMembers(value)) return shape.kind === 'deduced' ? LEAF : undefined;
  let result: Record<string, FieldNode> | undefined;
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const { shape: inner, declared } = childOf(shape, name, schemas) ?? UNKNOWN_CHILD;
    const below = fieldsOf(member, { shape: inner, schemas });
    const itself = !declared || member === null || (isMembers(member) && isEmptyOrAbsent(member));
    const node = itself ? marked(below) : below;
    if (node !== undefined) (result ??= {})[`f:${name}`] = node;
  }
  return result;
}

function fieldsOfItems(list: unknown[], { shape, schemas }: Typed & { shape: { kind: 'list' } }): FieldSet {
  const items = shapeOf(shape.items, schemas);
  const result: Record<string, FieldNode> = {};
  for (const item of list) {
    const element = elementOfItem(shape, item);
    result[element] = Object.hasOwn(result, element) ? LEAF : marked(fieldsOf(item, { shape: items, schemas }));
  }
  return list.length === 0 ? undefined : result;
}

/** The applied value laid over the live one: where both are divided, they merge; else the applied one counts. */
export function mergeTrees(live: unknown, applied: unknown, { shape, schemas }: Typed): unknown {
  if (applied === undefined) return live;
  if (live === undefined || shape.kind === 'leaf' || (isEmptyOrAbsent(live) && isEmptyOrAbsent(applied))) return applied;
  if (shape.kind === 'list') {
    if (!Array.isArray(applied)) return live;
    return Array.isArray(live) ? mergeItems(live, applied, { shape, schemas }) : applied;
  }
  if (!isMembers(applied)) return shape.kind === 'deduced' ? applied : live;
  if (!isMembers(live)) return applied;
  const result: Members = {};
  for (const name of new Set([...Object.keys(live), ...Object.keys(applied)])) {
    const { shape: inner } = childOf(shape, name, schemas) ?? UNKNOWN_CHILD;
    define(result, name, mergeTrees(own(live, name), own(applied, name), { shape: inner, schemas }));
  }
  return result;
}

// The applied order holds among applied items; live items that are not applied stay where they stand between shared ones.
function mergeItems(live: readonly unknown[], applied: readonly unknown[], { shape, schemas }: Typed & { shape: { kind: 'list' } }): unknown[] {
  const items = { shape: shapeOf(shape.items, schemas), schemas };
  const left = live.map((item) => elementOfItem(shape, item));
  const right = applied.map((item) => elementOfItem(shape, item));
  const rightItems = new Map(right.map((element, index) => [element, applied[index]]));
  const shared = right.filter((element) => left.includes(element));
  const done = new Set<string>();
  const result: unknown[] = [];
  const take = (element: string): void => {
    const twins = left.filter((candidate) => candidate === element).length > 1; // items that share their keys do not merge
    result.push(mergeTrees(twins ? undefined : live[left.indexOf(element)], rightItems.get(element), items));
    done.add(element);
    if (shared[0] === element) shared.shift();
  };
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]];
    if (mine !== undefined && !rightItems.has(mine)) result.push(live[l++]);
    else if (mine !== undefined && theirs !== undefined && mine !== theirs && shared[0] !== undefined && shared[0] !== mine) l++;
    else {
      if (mine !== undefined && (mine === theirs || done.has(mine))) l++;
      if (theirs === undefined) continue;
      take(theirs);
      r++;
    }
  }
  return result;
}

/** The value without the fields of the set. What loses all its members is null. */
export function removeFields(value: unknown, set: FieldSet, { shape, schemas }: Typed): unknown {
  if (set === undefined || value === undefined) return value;
  if (shape.kind === 'list') return removeItems(value, set, { shape, schemas });
  if (!isMembers(value)) return shape.kind === 'deduced' ? value : null;
  if (shape.kind === 'leaf') return null;
  const result: Members = {};
  for (const [name, member] of Object.entries(value)) {
    const node = child(set, `f:${name}`);
    if (node !== undefined && isMember(node)) continue;
    define(result, name, node === undefined ? member : removeFields(member, node, { shape: (childOf(shape, name, schemas) ?? UNKNOWN_CHILD).shape, schemas }));
  }
  return Object.keys(result).length === 0 ? null : result;
}

function removeItems(value: unknown, set: FieldNode, { shape, schemas }: Typed & { shape: { kind: 'list' } }): unknown {
  if (!Array.isArray(value)) return null;
  const items = { shape: shapeOf(shape.items, schemas), schemas };
  const result: unknown[] = [];
  for (const item of value as unknown[]) {
    const node = child(set, elementOfItem(shape, item));
    if (node !== undefined && isMember(node)) continue;
    result.push(node === undefined ? item : removeFields(item, node, items));
  }
  return result.length === 0 ? null : result;
}

/** The set with every field of the schema that lies on the way to a member: taking all below it out takes itself out. */
export function withNamedFields(set: FieldSet, { shape, schemas }: { shape: Shape | undefined; schemas: Schemas }): FieldSet {
  if (set === undefined || !hasChildren(set)) return set;
  const result: Record<string, FieldNode> = {};
  for (const [element, node] of Object.entries(set)) {
    if (element === SELF) {
      result[SELF] = LEAF;
      continue;
    }
    const inner = below(shape, element, schemas);
    const named = withNamedFields(node, { shape: inner?.shape, schemas }) ?? LEAF;
    result[element] = inner?.declared === true ? marked(named) : named;
  }
  return result;
}

function below(shape: Shape | undefined, element: string, schemas: Schemas): { shape: Shape; declared: boolean } | undefined {
  if (shape === undefined) return undefined;
  if (element.startsWith('f:')) {
    if (shape.kind === 'list' || shape.kind === 'leaf') return undefined;
    const found = childOf(shape, element.slice(2), schemas);
    return found === undefined ? undefined : { shape: found.shape, declared: found.declared && shape.kind === 'struct' };
  }
  return element.startsWith('k:') && shape.kind === 'list' ? { shape: shapeOf(shape.items, schemas), declared: false } : undefined;
}
