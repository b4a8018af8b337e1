// What differs between two values, as upstream tells it in messages: their JSON, one line for each part, as a unified diff with three lines
// around each change (upstream: apimachinery util/diff over go-difflib, whose choices of what is the same these are).
const AROUND = 3;
/** Lines of both: what is longer is only told to begin and end alike, since the search grows with the square and nothing else runs meanwhile. */
const SEARCHED_MAX = 600;

/** The same lines of both: from where in each, how many. */
interface Block { left: number; right: number; size: number }
interface Span { from: number; to: number }

export function jsonDiff(before: unknown, after: unknown): string {
  const [left, right] = [linesOf(before), linesOf(after)];
  const found = left.length + right.length > SEARCHED_MAX ? ends(left, right) : matches(left, right);
  return hunksOf(found, left.length, right.length).map((blocks) => hunk(blocks, left, right)).join('');
}

function linesOf(value: unknown): string[] {
  // Go writes these so that they are safe in HTML.
  return JSON.stringify(value, null, 1).replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`).split('\n');
}

/** Longest first, then what is before and after it; in order. */
function matches(left: readonly string[], right: readonly string[], a: Span = { from: 0, to: left.length }, b: Span = { from: 0, to: right.length }): Block[] {
  const best = longest(left, right, a, b);
  if (best.size === 0) return [];
  return [
    ...matches(left, right, { from: a.from, to: best.left }, { from: b.from, to: best.right }), best,
    ...matches(left, right, { from: best.left + best.size, to: a.to }, { from: best.right + best.size, to: b.to }),
  ];
}

/** The first of the longest runs. */
function longest(left: readonly string[], right: readonly string[], a: Span, b: Span): Block {
  let best: Block = { left: a.from, right: b.from, size: 0 };
  let endingBefore = new Map<number, number>();
  for (let i = a.from; i < a.to; i++) {
    const endingHere = new Map<number, number>();
    for (let j = b.from; j < b.to; j++) {
      if (left[i] !== right[j]) continue;
      const size = (endingBefore.get(j - 1) ?? 0) + 1;
      endingHere.set(j, size);
      if (size > best.size) best = { left: i - size + 1, right: j - size + 1, size };
    }
    endingBefore = endingHere;
  }
  return best;
}

function ends(left: readonly string[], right: readonly string[]): Block[] {
  const shorter = Math.min(left.length, right.length);
  let head = 0;
  while (head < shorter && left[head] === right[head]) head++;
  let tail = 0;
  while (tail < shorter - head && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++;
  return [{ left: 0, right: 0, size: head }, { left: left.length - tail, right: right.length - tail, size: tail }].filter(({ size }) => size > 0);
}

/** What stands together: the same lines shown around changes, an empty block where a hunk begins or ends with a change. */
function hunksOf(found: readonly Block[], leftEnd: number, rightEnd: number): Block[][] {
  const joined: Block[] = [{ left: 0, right: 0, size: 0 }];
  for (const block of [...found, { left: leftEnd, right: rightEnd, size: 0 }]) {
    const last = joined.at(-1) as Block;
    if (last.left + last.size === block.left && last.right + last.size === block.right) last.size += block.size;
    else joined.push({ ...block });
  }
  const hunks: Block[][] = [];
  joined.forEach((block, index) => {
    const [first, last] = [index === 0, index === joined.length - 1];
    const head = first ? 0 : Math.min(block.size, AROUND);
    const tail = last ? 0 : Math.min(block.size, AROUND);
    const opens = { left: block.left + block.size - tail, right: block.right + block.size - tail, size: tail };
    if (first) hunks.push([opens]);
    else if (!last && block.size <= 2 * AROUND) hunks.at(-1)?.push(block);
    else {
      hunks.at(-1)?.push({ ...block, size: head });
      if (!last) hunks.push([opens]);
    }
  });
  return hunks.filter((blocks) => blocks.length > 1);
}

function hunk(blocks: readonly Block[], left: readonly string[], right: readonly string[]): string {
  const [first, last] = [blocks[0] as Block, blocks.at(-1) as Block];
  const lines = blocks.flatMap((block, index) => {
    const { left: i, right: j, size } = blocks[index - 1] ?? { ...block, size: 0 };
    return [...left.slice(i + size, block.left).map((line) => `-${line}`), ...right.slice(j + size, block.right).map((line) => `+${line}`), ...left.slice(block.left, block.left + block.size).map((line) => ` ${line}`)];
  });
  return [`@@ -${range(first.left, last.left + last.size)} +${range(first.right, last.right + last.size)} @@`, ...lines, ''].join('\n');
}

function range(from: number, to: number): string {
  const size = to - from;
  return size === 1 ? String(from + 1) : `${String(size === 0 ? from : from + 1)},${String(size)}`;
}
