// Where what was seen on Skiff differs from what upstream ever showed. Upstream was asked several times: an answer that it gave once is right.
import type { NodeCase, Part } from './case.ts';
import { MEANT } from './differences.ts';
import type { Recorded } from './trace.ts';

export interface Difference {
  place: string;
  ours: unknown;
  theirs: unknown;
}

const PARTS: readonly Part[] = ['phases', 'conditions', 'containers', 'final', 'events', 'output'];

export function differences(one: Pick<NodeCase, 'name' | 'without'>, ours: Recorded, theirs: readonly Recorded[]): Difference[] {
  return PARTS.filter((part) => one.without?.[part] === undefined).flatMap((part) => nearest(theirs.map((answer) => unmeant(one.name, compare(part, ours[part], answer[part])))));
}

function nearest(all: Difference[][]): Difference[] {
  return all.toSorted((a, b) => a.length - b.length)[0] ?? [{ place: '', ours: 'seen', theirs: 'never recorded' }];
}

function unmeant(name: string, found: Difference[]): Difference[] {
  return found.filter(({ place, ours, theirs }) => !MEANT.some((meant) => meant.of.test(name) && meant.place.test(place) && (meant.ours === undefined || meant.ours(ours)) && (meant.theirs === undefined || meant.theirs(theirs)) && (meant.both === undefined || meant.both(ours, theirs))));
}

function compare(place: string, ours: unknown, theirs: unknown): Difference[] {
  if (Object.is(ours, theirs)) return [];
  if (place === 'events') return compareSets(ours as string[], theirs as string[]);
  if (/^(phases|conditions\.\w+|containers\.[\w-]+)$/.test(place)) return agree(ours as string[] | undefined ?? [], theirs as string[] | undefined ?? []) ? [] : [{ place, ours, theirs }];
  if (!isTree(ours) || !isTree(theirs)) return [{ place, ours, theirs }];
  return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((name) => compare(`${place}.${name}`, ours[name], theirs[name]));
}

/** On a busy machine either side's watcher misses states; what both saw must be the same and in the same order. */
function agree(...both: [ours: readonly string[], theirs: readonly string[]]): boolean {
  const [short = [], long = []] = both.map(withoutRepeatedPulls).toSorted((a, b) => a.length - b.length);
  let at = 0;
  for (const state of long) if (state === short[at]) at++;
  return at === short.length;
}

/** How often a pull was tried is a matter of time. */
function withoutRepeatedPulls(states: readonly string[]): string[] {
  return states.filter((state, index) => !/^waiting (ErrImagePull|ImagePullBackOff)/.test(state) || states.indexOf(state) === index);
}

function compareSets(ours: readonly string[], theirs: readonly string[]): Difference[] {
  const [more, less] = [ours.filter((event) => !theirs.includes(event)), theirs.filter((event) => !ours.includes(event))];
  return [...more.map((event) => ({ place: 'events', ours: event, theirs: undefined })), ...less.map((event) => ({ place: 'events', ours: undefined, theirs: event }))];
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
