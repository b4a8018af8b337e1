// Where what was seen on Skiff differs from what upstream ever showed. Upstream was asked several times: an answer that it gave once is right.
import { compare, unmeant, type Difference } from '../support/differences.ts';
import type { NodeCase, Part } from './case.ts';
import { MEANT } from './differences.ts';
import type { Recorded } from './trace.ts';

const PARTS: readonly Part[] = ['phases', 'conditions', 'containers', 'final', 'events', 'output'];

export function differences(one: Pick<NodeCase, 'name' | 'without'>, ours: Recorded, theirs: readonly Recorded[]): Difference[] {
  return PARTS.filter((part) => one.without?.[part] === undefined).flatMap((part) => nearest(theirs.map((answer) => unmeant(one.name, compare(part, { ours: ours[part], theirs: answer[part] }, seen), MEANT))));
}

function nearest(all: Difference[][]): Difference[] {
  return all.toSorted((a, b) => a.length - b.length)[0] ?? [{ place: '', ours: 'seen', theirs: 'never recorded' }];
}

/** What is seen of things that go on: some of their states, in order, and their events. */
function seen(place: string, { ours, theirs }: Pick<Difference, 'ours' | 'theirs'>): Difference[] | undefined {
  if (place === 'events') return compareSets(ours as string[], theirs as string[]);
  if (!/^(phases|conditions\.\w+|containers\.[\w-]+)$/.test(place)) return undefined;
  return agree(ours as string[] | undefined ?? [], theirs as string[] | undefined ?? []) ? [] : [{ place, ours, theirs }];
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
