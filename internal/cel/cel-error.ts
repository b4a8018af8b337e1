// What is wrong with an expression, in cel-go's words and form, because the API's own error texts carry them on.

export interface Issue {
  /** 1-based. */
  line: number;
  /** 0-based, in code points. */
  column: number;
  message: string;
}

/** Takes an issue at an offset of the source. */
export type Report = (at: number, message: string) => void;

/** An expression that does not compile. The message holds every issue, each with the line it stands in and a mark under the place. */
export class CelError extends Error {
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[], source: string) {
    super(issues.map((issue) => formatIssue(issue, source)).join('\n'));
    this.issues = issues;
  }
}

/** A correct expression of which cel-go makes no program: `int('x')`, a bad pattern of find(). Upstream says "program instantiation failed: …". */
export class ProgramError extends Error {}

/** An expression that went wrong while it ran: `no such key: a`, `division by zero`. */
export class EvaluationError extends Error {
  /** What it had cost until then. */
  cost = 0;
}

/** The budget is spent: what calls again with what is left of a budget must tell this from other errors. */
export class CostLimitError extends EvaluationError {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

// cel-go puts a full-width dot under a full-width letter.
function formatIssue({ line, column, message }: Issue, source: string): string {
  const head = `ERROR: <input>:${String(line)}:${String(column + 1)}: ${message}`;
  const text = source.split('\n')[line - 1];
  if (text === undefined) return head;
  const letters = Array.from(text.replaceAll('\t', ' '));
  const dots = Array.from({ length: column }, (_, index) => (isWide(letters[index]) ? '．' : '.')).join('');
  return `${head}\n | ${letters.join('')}\n | ${dots}${isWide(letters[column]) ? '＾' : '^'}`;
}

function isWide(letter: string | undefined): boolean {
  return letter !== undefined && Buffer.byteLength(letter) > 1;
}
