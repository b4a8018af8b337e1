// Sets of completion indexes as the API writes them ("1,3-5,7"): ordered intervals, so that a Job of a hundred thousand indexes costs no
// more than its gaps. Pure.

export interface Interval {
  first: number;
  last: number;
}

/** Ordered, not touching each other. */
export type Indexes = readonly Interval[];

/** Indexes from `completions` on are left out, and what cannot be read is skipped. */
export function parseIndexes(text: string | undefined, completions: number): Indexes {
  const result: Interval[] = [];
  for (const part of (text ?? '').split(',')) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) >= completions) continue;
    result.push({ first: Number(first), last: Math.min(Number(last ?? first), completions - 1) });
  }
  return mergeIndexes(result);
}

export function formatIndexes(indexes: Indexes): string {
  return indexes.map(({ first, last }) => (last === first ? String(first) : `${String(first)}${last === first + 1 ? ',' : '-'}${String(last)}`)).join(',');
}

export function mergeIndexes(...sets: Indexes[]): Indexes {
  const result: Interval[] = [];
  for (const { first, last } of sets.flat().sort((left, right) => left.first - right.first)) {
    const end = result.at(-1);
    if (end === undefined || first > end.last + 1) result.push({ first, last });
    else end.last = Math.max(end.last, last);
  }
  return result;
}

export function indexesOf(numbers: Iterable<number>): Indexes {
  return mergeIndexes([...numbers].map((index) => ({ first: index, last: index })));
}

export function countIndexes(indexes: Indexes): number {
  return indexes.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

export function hasIndex(indexes: Indexes, index: number): boolean {
  return indexes.some(({ first, last }) => first <= index && index <= last);
}

export function countCommon(left: Indexes, right: Indexes): number {
  return left.reduce((sum, a) => sum + right.reduce((more, b) => more + Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1), 0), 0);
}

/** The first `count` indexes below `completions` that are not taken. */
export function firstFree(taken: Indexes, count: number, completions: number): number[] {
  const result: number[] = [];
  let candidate = 0;
  for (const { first, last } of [...taken, { first: completions, last: completions }]) {
    for (; candidate < Math.min(first, completions) && result.length < count; candidate++) result.push(candidate);
    candidate = Math.max(candidate, last + 1);
  }
  return result;
}
