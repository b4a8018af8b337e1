// Where what we answer differs from what an upstream answered, place by place, and which of these differences are meant. Everything else is a bug.

export interface Difference {
  place: string;
  ours: unknown;
  theirs: unknown;
}

type Sides = Pick<Difference, 'ours' | 'theirs'>;

export interface Meant {
  /** Rows or cases by name. */
  of: RegExp;
  /** Places in the answer, as in `body.details.causes`. */
  place: RegExp;
  /** Only where ours is of this sort. */
  ours?(value: unknown): boolean;
  /** Only where upstream's value is of this sort. */
  theirs?(value: unknown): boolean;
  both?(ours: unknown, theirs: unknown): boolean;
  why: string;
}

/** `own` compares what is not compared member by member in its order; undefined: it is. */
export function compare(place: string, { ours, theirs }: Sides, own?: (place: string, sides: Sides) => Difference[] | undefined): Difference[] {
  if (Object.is(ours, theirs)) return [];
  const found = own?.(place, { ours, theirs });
  if (found !== undefined) return found;
  if (!isTree(ours) || !isTree(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) return [{ place, ours, theirs }];
  return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((name) => compare(place === '' ? name : `${place}.${name}`, { ours: ours[name], theirs: theirs[name] }, own));
}

export function unmeant(name: string, found: readonly Difference[], all: readonly Meant[]): Difference[] {
  return found.filter(({ place, ours, theirs }) => !all.some((meant) => meant.of.test(name) && meant.place.test(place) && meant.ours?.(ours) !== false && meant.theirs?.(theirs) !== false && meant.both?.(ours, theirs) !== false));
}

export function isEmpty(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
