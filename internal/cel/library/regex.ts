// Regular expressions that take time linear in the text whatever the pattern: a Pike machine over the tree of regex-syntax.ts. A rule's
// author must not be able to hang the server, which JavaScript's own backtracking would let him. Leftmost match, first alternative, as Go.
import { CostLimitError, EvaluationError } from '../cel-error.ts';
import { isWord, parseRegex, type Assertion, type RegexNode } from './regex-syntax.ts';

export interface Regex {
  test(text: string): boolean;
  /** The first match at or after an offset, as offsets. */
  find(text: string, from: number): { start: number; end: number } | undefined;
}

type Step =
  | { kind: 'letters'; accepts: (point: number) => boolean }
  | { kind: 'assert'; assertion: Assertion }
  | { kind: 'jump'; to: number }
  /** The preferred way first. */
  | { kind: 'split'; first: number; second: number }
  | { kind: 'match' };

const STEPS_MAX = 100_000;
/** Some seconds; no text of a few thousand letters comes near. */
const WORK_MAX = 20_000_000;
const CACHE_MAX = 64;
const cache = new Map<string, Regex>();

/** Throws EvaluationError `error parsing regexp: …`. */
export function compileRegex(pattern: string): Regex {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const steps: Step[] = [];
  emit(parseRegex(pattern), steps);
  steps.push({ kind: 'match' });
  const regex: Regex = {
    test: (text) => search(steps, { text, from: 0, any: true }) !== undefined,
    find: (text, from) => search(steps, { text, from, any: false }),
  };
  if (cache.size >= CACHE_MAX) cache.delete(cache.keys().next().value ?? '');
  cache.set(pattern, regex);
  return regex;
}

/** Go's words for what is wrong with a pattern. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof EvaluationError) return error.message;
    throw error;
  }
}

function emit(node: RegexNode, steps: Step[]): void {
  if (steps.length > STEPS_MAX) throw new EvaluationError('error parsing regexp: expression too large');
  switch (node.kind) {
    case 'letters': case 'assert': steps.push(node); break;
    case 'sequence': for (const part of node.parts) emit(part, steps); break;
    case 'choice': emitChoice(node.options, steps); break;
    case 'repeat': emitRepeat(node, steps); break;
  }
}

function emitChoice(options: readonly RegexNode[], steps: Step[]): void {
  const ends: { kind: 'jump'; to: number }[] = [];
  for (const [index, option] of options.entries()) {
    const last = index === options.length - 1;
    const split = { kind: 'split' as const, first: steps.length + 1, second: 0 };
    if (!last) steps.push(split);
    emit(option, steps);
    if (last) break;
    const end = { kind: 'jump' as const, to: 0 };
    ends.push(end);
    steps.push(end);
    split.second = steps.length;
  }
  for (const end of ends) end.to = steps.length;
}

function emitRepeat({ of, min, max, lazy }: RegexNode & { kind: 'repeat' }, steps: Step[]): void {
  for (let count = 0; count < min; count++) emit(of, steps);
  const optional = max === Infinity ? 1 : max - min;
  const splits: (Step & { kind: 'split' })[] = [];
  for (let count = 0; count < optional; count++) {
    const split: Step & { kind: 'split' } = { kind: 'split', first: 0, second: 0 };
    splits.push(split);
    const start = steps.push(split) - 1;
    emit(of, steps);
    if (max === Infinity) steps.push({ kind: 'jump', to: start });
    split[lazy ? 'second' : 'first'] = start + 1;
  }
  for (const split of splits) split[lazy ? 'first' : 'second'] = steps.length;
}

/** Ways under way, the preferred first: where each stands and where its match began. */
interface Ways {
  at: number[];
  begun: number[];
}

function search(steps: readonly Step[], { text, from, any }: { text: string; from: number; any: boolean }): { start: number; end: number } | undefined {
  let now: Ways = { at: [], begun: [] };
  const seen = new Uint32Array(steps.length);
  let round = 0;
  let work = 0;
  let found: { start: number; end: number } | undefined;
  for (let position = from; ; ) {
    round++;
    const fresh: Ways = { at: [], begun: [] };
    const state = { steps, text, position, seen, round, ways: fresh };
    for (const [index, step] of now.at.entries()) follow(state, step, now.begun[index] ?? 0);
    // A new way may begin here, after those that began before.
    if (found === undefined) follow(state, 0, position);
    now = fresh;
    work += now.at.length;
    if (work > WORK_MAX) throw new CostLimitError();
    const point = text.codePointAt(position);
    const next: Ways = { at: [], begun: [] };
    for (const [index, at] of now.at.entries()) {
      const step = steps[at] as Step;
      if (step.kind === 'match') {
        found = { start: now.begun[index] ?? 0, end: position };
        if (any) return found;
        break;
      }
      if (point !== undefined && step.kind === 'letters' && step.accepts(point)) {
        next.at.push(at + 1);
        next.begun.push(now.begun[index] ?? 0);
      }
    }
    if (point === undefined || (next.at.length === 0 && found !== undefined)) return found;
    now = next;
    position += point > 0xffff ? 2 : 1;
  }
}

// Goes on from a step without reading, to the letters and ends that can be reached; each step once a position.
function follow(state: { steps: readonly Step[]; text: string; position: number; seen: Uint32Array; round: number; ways: Ways }, start: number, begun: number): void {
  const { steps, seen, round, ways } = state;
  const stack = [start];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (seen[at] === round) continue;
    seen[at] = round;
    const step = steps[at] as Step;
    if (step.kind === 'jump') stack.push(step.to);
    else if (step.kind === 'split') stack.push(step.second, step.first);
    else if (step.kind !== 'assert') {
      ways.at.push(at);
      ways.begun.push(begun);
    } else if (holds(step.assertion, state.text, state.position)) stack.push(at + 1);
  }
}

function holds(assertion: Assertion, text: string, position: number): boolean {
  const before = position === 0 ? undefined : text.charCodeAt(position - 1);
  const after = position >= text.length ? undefined : text.charCodeAt(position);
  switch (assertion) {
    case 'start': return before === undefined;
    case 'end': return after === undefined;
    case 'lineStart': return before === undefined || before === 10;
    case 'lineEnd': return after === undefined || after === 10;
    case 'word': return (before !== undefined && isWord(before)) !== (after !== undefined && isWord(after));
    case 'notWord': return (before !== undefined && isWord(before)) === (after !== undefined && isWord(after));
  }
}
