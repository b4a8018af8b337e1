// Tokens one after the other, for a parser to extend. Syntax errors are worded as ANTLR words them, and it goes on where ANTLR does: after one token
// too many or too few.
import type { Report } from './cel-error.ts';
import { RELATIONS, STARTERS } from './grammar.ts';
import { tokenize, type Token } from './lexer.ts';

/** Nothing more is read; all that is wrong has been reported. */
export class SyntaxStop extends Error {}

export class TokenReader {
  protected next = 0;
  /** What may stand where a value begins. */
  protected starters = STARTERS;
  /** The brackets that are open, by what closes them; '…,' where more elements may follow. */
  private readonly open: string[] = [];
  protected readonly source: string;
  protected readonly tokens: readonly Token[];
  protected readonly report: Report;

  constructor(source: string, report: Report) {
    this.source = source;
    this.tokens = tokenize(source, report);
    this.report = report;
  }

  protected get token(): Token {
    return this.tokens[this.next] as Token;
  }

  protected get following(): Token | undefined {
    return this.tokens[this.next + 1];
  }

  protected sign(): string {
    return this.token.kind === 'sign' ? this.token.text : '';
  }

  protected take(): Token;
  protected take(sign: string): boolean;
  protected take(sign?: string): Token | boolean {
    const token = this.token;
    if (sign !== undefined && (token.kind !== 'sign' || token.text !== sign)) return false;
    if (token.kind !== 'end') this.next++;
    this.starters = STARTERS;
    return sign === undefined ? token : true;
  }

  // As ANTLR recovers: one token too many is left out, one too few is thought of, and the rest goes on being read.
  protected expect(sign: string, set = `'${sign}'`): void {
    if (this.take(sign)) return;
    const { kind, text, at } = this.token;
    const { following } = this;
    if (kind !== 'end' && following?.kind === 'sign' && following.text === sign) {
      this.report(at, `Syntax error: extraneous input '${text}' expecting ${set}`);
      this.next += 2;
    } else if (set === `'${sign}'` && this.mayFollow(sign)) this.report(at, `Syntax error: missing '${sign}' at '${text}'`);
    else this.fail(`mismatched input '${text}' expecting ${set}`);
  }

  // Whether what stands here could come after the sign that is missing.
  private mayFollow(sign: string): boolean {
    const { kind, text } = this.token;
    if (sign === ':') return kind !== 'end' && (kind !== 'sign' || ['[', '{', '(', '.', '-', '!', 'true', 'false', 'null'].includes(text));
    const outer = this.open.at(-1);
    if (kind === 'end') return outer === undefined;
    return kind === 'sign' && (['.', '[', '?', '+', '-', '*', '/', '%', '&&', '||'].includes(text) || RELATIONS.has(text) || outer?.includes(text) === true);
  }

  protected within<T>(closing: string, read: () => T): T {
    this.open.push(closing);
    const value = read();
    this.open.pop();
    this.expect(closing.charAt(0));
    return value;
  }

  // Elements up to the bracket; a comma alone is an empty list too, and one may stand after the last.
  protected elements(closing: ']' | '}', read: () => void): void {
    this.open.push(`${closing},`);
    if (this.sign() === ',' && this.following?.text === closing) this.take();
    while (this.sign() !== closing) {
      read();
      if (!this.take(',')) break;
    }
    this.open.pop();
    this.expect(closing, `{'${closing}', ','}`);
  }

  // No value where one must be: the token is left out where the next begins one (true), or the closing bracket goes on with the rest.
  protected leavesOutToken(): boolean {
    const { text, kind, at } = this.token;
    const starters = this.starters;
    this.starters = STARTERS;
    const { following } = this;
    const begins = following !== undefined && (['identifier', 'int', 'uint', 'float', 'string', 'bytes'].includes(following.kind) || (following.kind === 'sign' && starters.includes(`'${following.text}'`)));
    if (kind !== 'end' && begins) {
      this.report(at, `Syntax error: extraneous input '${text}' expecting ${starters}`);
      this.take();
      return true;
    }
    if (kind !== 'sign' || this.open.at(-1)?.includes(text) !== true) this.fail(`mismatched input '${text}' expecting ${starters}`);
    this.report(at, `Syntax error: mismatched input '${text}' expecting ${starters}`);
    return false;
  }

  protected fail(message: string): never {
    const { at, kind } = this.token;
    this.report(at, `Syntax error: ${message}`);
    // ANTLR skips what it cannot use and finds the end.
    const { following } = this;
    if (kind === 'sign' && following?.kind === 'end' && /expecting \{'\['|no viable/.test(message)) this.report(following.at, `Syntax error: mismatched input '<EOF>' expecting ${STARTERS}`);
    throw new SyntaxStop();
  }

  protected stop(message: string): never {
    this.report(-1, message);
    throw new SyntaxStop();
  }
}
