// Completion indexes as text ("1,3-5"), checked in upstream's words (pkg/apis/batch/validation).

export interface IndexSpan {
  first: number;
  last: number;
}

/** Throws an Error saying what is wrong. */
export function parseIndexSpans(text: string, completions: number): IndexSpan[] {
  const spans: IndexSpan[] = [];
  for (const part of text === '' ? [] : text.split(',')) {
    const span = parseSpan(part, completions);
    const before = spans.at(-1)?.last;
    if (before !== undefined && before >= span.first) throw new Error(outOfOrder(before, span.first));
    spans.push(span);
  }
  return spans;
}

export function countSpans(spans: readonly IndexSpan[]): number {
  return spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function parseSpan(part: string, completions: number): IndexSpan {
  const limits = part.split('-');
  if (limits.length > 2) throw new Error(`the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`);
  const [first = 0, last = first] = limits.map((limit) => parseIndex(limit, completions));
  if (limits.length === 2 && first >= last) throw new Error(outOfOrder(first, last));
  return { first, last };
}

function parseIndex(text: string, completions: number): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  if (Number(text) >= completions) throw new Error(`too large index: ${JSON.stringify(text)}`);
  return Number(text);
}

function outOfOrder(before: number, next: number): string {
  return `non-increasing order, previous: ${String(before)}, current: ${String(next)}`;
}
