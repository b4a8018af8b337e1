// Where the two answers differ, and which of these differences are meant. Everything else is a bug.
import type { Answer } from './exchange.ts';

interface Meant {
  /** Rows by name. */
  row: RegExp;
  /** Places in the answer, as in `body.details.causes`. */
  place: RegExp;
  why: string;
}

export const MEANT: readonly Meant[] = [
];

export interface Difference {
  place: string;
  ours: unknown;
  theirs: unknown;
}

export function differences(row: string, ours: Answer, theirs: Answer): Difference[] {
  const found: Difference[] = [];
  collect('', { ours, theirs }, found);
  return found.filter(({ place }) => !MEANT.some((meant) => meant.row.test(row) && meant.place.test(place)));
}

function collect(place: string, { ours, theirs }: { ours: unknown; theirs: unknown }, found: Difference[]): void {
  if (Object.is(ours, theirs)) return;
  if (!isTree(ours) || !isTree(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) return void found.push({ place, ours, theirs });
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    collect(place === '' ? name : `${place}.${name}`, { ours: ours[name], theirs: theirs[name] }, found);
  }
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
