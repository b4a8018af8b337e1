// What changed between two states of an object, as sets of fields. On the road of every write: it allocates only for what differs.
import { sameJson } from '../json-equality.ts';
import type { Definition, Schemas } from '../schema.ts';
import { LEAF, marked, type FieldNode, type FieldSet } from './field-set.ts';
import { childOf, elementOfItem, isEmptyOrAbsent, NO_MEMBERS, rootShape, shapeOf, UNKNOWN_CHILD, type Shape } from './field-shape.ts';
import { isMembers, own, type Members } from './members.ts';

/** `changed`: what differs or came; `removed`: what is gone. */
export interface Delta {
  changed: FieldSet;
  removed: FieldSet;
}

/** Members that do not count, by the member of the root they are in ('' for the root's own). */
export type Ignored = Readonly<Record<string, ReadonlySet<string>>>;

export function compareObjects(live: object, next: object, { definition, schemas, ignored }: { definition: Definition; schemas: Schemas; ignored: Ignored }): Delta | undefined {
  return compareMembers({ lhs: live as Members, rhs: next as Members, shape: rootShape(definition) }, { schemas, ignored, skip: ignored[''] });
}

interface Pair<T = unknown> { lhs: T; rhs: T; shape: Shape }
interface Context { schemas: Schemas; ignored?: Ignored; skip?: ReadonlySet<string> | undefined }

function compareValues({ lhs, rhs, shape }: Pair, context: Context): Delta | undefined {
  if (lhs === rhs) return undefined;
  if (shape.kind === 'leaf' || (isEmptyOrAbsent(lhs) && isEmptyOrAbsent(rhs))) return compareLeaves(lhs, rhs);
  if (shape.kind === 'list') return withSelf(compareLists({ lhs, rhs, shape }, context), lhs, rhs);
  const [left, right] = [isMembers(lhs) ? lhs : undefined, isMembers(rhs) ? rhs : undefined];
  if (left === undefined && right === undefined) return compareLeaves(lhs, rhs);
  const delta = compareMembers({ lhs: left ?? membersOf(lhs), rhs: right ?? membersOf(rhs), shape }, context);
  const switched = !isGone(lhs) && !isGone(rhs) && (left === undefined || right === undefined); // from a scalar to an object, or back
  return switched ? { changed: marked(delta?.changed), removed: delta?.removed } : withSelf(delta, lhs, rhs);
}

// What is always written within an object is there with it, and comes and goes with it.
const ABSENT: Members = Object.freeze({});

function membersOf(value: unknown): Members {
  return value === undefined ? ABSENT : NO_MEMBERS;
}

function isGone(value: unknown): boolean {
  return value === undefined || value === null;
}

function compareLeaves(lhs: unknown, rhs: unknown): Delta | undefined {
  if (rhs === undefined) return { changed: undefined, removed: LEAF };
  return lhs !== undefined && sameJson(lhs, rhs) ? undefined : { changed: LEAF, removed: undefined };
}

// A place that comes or goes is itself in the set.
function withSelf(delta: Delta | undefined, lhs: unknown, rhs: unknown): Delta | undefined {
  if (lhs === undefined) return { changed: marked(delta?.changed), removed: undefined };
  if (rhs === undefined) return { changed: undefined, removed: marked(delta?.removed) };
  return delta;
}

function compareMembers({ lhs, rhs, shape }: Pair<Members>, { schemas, ignored, skip }: Context): Delta | undefined {
  const sum = summation();
  const compareMember = (name: string): void => {
    if (skip?.has(name) === true) return;
    const [left, right] = [own(lhs, name), own(rhs, name)];
    if (left === right) return;
    const { shape: inner, zero } = childOf(shape, name, schemas) ?? UNKNOWN_CHILD;
    // A null that is said counts as a value; what is not there counts as what upstream writes unasked.
    const delta = compareValues({ lhs: left === undefined && lhs !== ABSENT ? zero : left, rhs: right === undefined && rhs !== ABSENT ? zero : right, shape: inner }, { schemas, skip: ignored?.[name] });
    if (delta !== undefined) sum.add(`f:${name}`, delta);
  };
  for (const name of Object.keys(rhs)) compareMember(name);
  for (const name of Object.keys(lhs)) if (!Object.hasOwn(rhs, name)) compareMember(name);
  return sum.delta();
}

function summation(): { add(element: string, delta: Delta): void; delta(): Delta | undefined } {
  let changed: Record<string, FieldNode> | undefined;
  let removed: Record<string, FieldNode> | undefined;
  return {
    add(element, delta) {
      if (delta.changed !== undefined) (changed ??= {})[element] = delta.changed;
      if (delta.removed !== undefined) (removed ??= {})[element] = delta.removed;
    },
    delta: () => (changed === undefined && removed === undefined ? undefined : { changed, removed }),
  };
}

function compareLists({ lhs, rhs, shape }: Pair & { shape: Shape & { kind: 'list' } }, { schemas }: Context): Delta | undefined {
  const left = itemsByElement(lhs, shape);
  const right = itemsByElement(rhs, shape);
  const items = shapeOf(shape.items, schemas);
  const sum = summation();
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const delta = compareItems({ lhs: left.get(element) ?? [], rhs: right.get(element) ?? [], shape: items }, { schemas });
    if (delta !== undefined) sum.add(element, delta);
  }
  return sum.delta();
}

// Items that share their keys are owned together, as one.
function compareItems({ lhs, rhs, shape }: Pair<unknown[]>, context: Context): Delta | undefined {
  if (lhs.length <= 1 && rhs.length <= 1) return compareValues({ lhs: lhs[0], rhs: rhs[0], shape }, context);
  if (lhs.length > 1 && rhs.length > 1) return sameJson(lhs, rhs) ? undefined : { changed: LEAF, removed: undefined };
  if (lhs.length > 1) return { changed: rhs.length === 0 ? undefined : compareValues({ lhs: undefined, rhs: rhs[0], shape }, context)?.changed, removed: LEAF };
  return { changed: LEAF, removed: lhs.length === 0 ? undefined : compareValues({ lhs: lhs[0], rhs: undefined, shape }, context)?.removed };
}

function itemsByElement(list: unknown, shape: Shape & { kind: 'list' }): Map<string, unknown[]> {
  const result = new Map<string, unknown[]>();
  if (!Array.isArray(list)) return result;
  for (const item of list as unknown[]) {
    const element = elementOfItem(shape, item);
    const same = result.get(element);
    if (same === undefined) result.set(element, [item]);
    else same.push(item);
  }
  return result;
}
