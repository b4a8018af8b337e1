// Tokens → tree, by the grammar of the CEL specification with Kubernetes' options: `.?` and `[?`, no backquoted identifiers.
// Chains of && and || become balanced trees as in cel-go, which keeps long rules shallow. Syntax errors are worded as ANTLR words them;
// the first ends parsing.
import type { Report } from './cel-error.ts';
import { balance, OPERATORS, RELATIONS, RESERVED, STARTERS, withSigns } from './grammar.ts';
import { tokenize, type Token, type TokenKind } from './lexer.ts';
import { expandMacro } from './macro.ts';
import { Double, normalInt, Uint } from './scalar.ts';
import { bytesValue, stringValue } from './string-literal.ts';
import type { Call, Entry, Expr, FieldInit } from './syntax.ts';
import type { Value } from './value.ts';

const DEPTH_MAX = 250;
const SIZE_MAX = 100_000;


class SyntaxStop extends Error {}

/** `report` is told of every issue at its offset (-1: of the whole); undefined when there is nothing to check. `bindings`: cel.bind() is a macro. */
export function parse(source: string, report: Report, bindings = false): Expr | undefined {
  const size = Array.from(source).length;
  if (size > SIZE_MAX) {
    report(-1, `expression code point size exceeds limit: size: ${String(size)}, limit ${String(SIZE_MAX)}`);
    return undefined;
  }
  const parser = new Parser(source, report, bindings);
  try {
    return parser.start();
  } catch (error) {
    if (error instanceof SyntaxStop) return undefined;
    throw error;
  }
}

class Parser {
  private next = 0;
  /** What may stand where a value begins. */
  private starters = STARTERS;
  private depth = 0;
  /** The brackets that are open, by what closes them; '…,' where more elements may follow. */
  private readonly open: string[] = [];
  private readonly source: string;
  private readonly tokens: readonly Token[];
  private readonly report: Report;
  private readonly bindings: boolean;

  constructor(source: string, report: Report, bindings: boolean) {
    this.source = source;
    this.tokens = tokenize(source, report);
    this.report = report;
    this.bindings = bindings;
  }

  start(): Expr {
    const expr = this.expression();
    if (this.token.kind !== 'end') this.fail(`${this.tokens[this.next + 1]?.kind === 'end' ? 'extraneous' : 'mismatched'} input '${this.token.text}' expecting <EOF>`);
    return expr;
  }

  private expression(): Expr {
    if (++this.depth > DEPTH_MAX) this.stop(`expression recursion limit exceeded: ${String(DEPTH_MAX)}`);
    const condition = this.logical('||');
    const { at } = this.token;
    if (!this.take('?')) return this.up(condition);
    const yes = this.within(':', () => this.logical('||'));
    return this.up(this.call('_?_:_', at, undefined, [condition, yes, this.expression()]));
  }

  private up<T>(value: T): T {
    this.depth--;
    return value;
  }

  private logical(sign: '||' | '&&'): Expr {
    const operand = (): Expr => (sign === '||' ? this.logical('&&') : this.relation());
    const terms = [operand()];
    const places: number[] = [];
    for (let { at } = this.token; this.take(sign); { at } = this.token) {
      places.push(at);
      terms.push(operand());
    }
    return terms.length === 1 ? (terms[0] as Expr) : balance({ terms, places, name: `_${sign}_` }, 0, places.length - 1);
  }

  private relation(): Expr {
    let left = this.sum();
    for (let chain = 1; RELATIONS.has(this.sign()); chain++) left = this.binary(left, chain, () => this.sum());
    return left;
  }

  private sum(): Expr {
    let left = this.product();
    for (let chain = 1; this.sign() === '+' || this.sign() === '-'; chain++) left = this.binary(left, chain, () => this.product());
    return left;
  }

  private product(): Expr {
    let left = this.unary();
    for (let chain = 1; ['*', '/', '%'].includes(this.sign()); chain++) left = this.binary(left, chain, () => this.unary());
    return left;
  }

  private binary(left: Expr, chain: number, operand: () => Expr): Expr {
    if (this.depth + chain > DEPTH_MAX) this.stop('max recursion depth exceeded');
    const { text, at } = this.take();
    return this.call(OPERATORS[text] ?? text, at, undefined, [left, operand()]);
  }

  private unary(): Expr {
    const { text, at } = this.token;
    if (this.sign() !== '!' && (this.sign() !== '-' || this.numberFollows())) return this.member();
    let count = 0;
    while (this.take(text)) count++;
    const operand = this.member();
    return count % 2 === 0 ? operand : this.call(text === '!' ? '!_' : '-_', at, undefined, [operand]);
  }

  private numberFollows(): boolean {
    const kind = this.tokens[this.next + 1]?.kind;
    return kind === 'int' || kind === 'float';
  }

  private member(): Expr {
    let expr = this.primary();
    for (let chain = 1; ; chain++) {
      const { at } = this.token;
      if (this.depth + chain > DEPTH_MAX) this.stop('max recursion depth exceeded');
      if (this.take('.')) expr = this.selection(expr, at);
      else if (this.take('[')) expr = this.index(expr, at);
      else return expr;
    }
  }

  private selection(operand: Expr, at: number): Expr {
    const optional = this.take('?');
    const token = this.token;
    if (token.kind === 'quoted') this.report(token.at, "unsupported syntax: '`'");
    else if (token.kind !== 'identifier') this.noField(optional);
    this.take();
    if (optional) return { kind: 'call', name: '_?._', at, args: [operand, { kind: 'literal', at: token.at, value: token.text }] };
    const bracket = this.token.at;
    if (token.kind === 'identifier' && this.take('(')) return this.call(token.text, bracket, operand, this.arguments());
    return { kind: 'select', at, operand, field: token.text, test: false };
  }

  private noField(optional: boolean): never {
    const { kind, text, at } = this.token;
    if (['true', 'false', 'null'].includes(text)) this.fail(`mismatched input '${text}' expecting IDENTIFIER`);
    const dot = this.tokens[this.next - 1]?.at ?? at;
    if (!optional) this.fail(`no viable alternative at input '${this.source.slice(dot, kind === 'end' ? undefined : at + text.length)}'`);
    this.report(at, `Syntax error: mismatched input '${text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`);
    this.report(at, 'unsupported ident kind');
    throw new SyntaxStop();
  }

  private index(operand: Expr, at: number): Expr {
    const optional = this.take('?');
    if (!optional) this.starters = withSigns("'!', ", "'?', ");
    const index = this.within(']', () => this.expression());
    return this.call(optional ? '_[?_]' : '_[_]', at, undefined, [operand, index]);
  }

  private arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.take(')')) return args;
    this.starters = withSigns("'(', ", "')', ");
    return this.within('),', () => {
      do args.push(this.expression()); while (this.take(','));
      return args;
    });
  }

  private primary(): Expr {
    const token = this.token;
    const { at } = token;
    if (this.take('(')) {
      return this.within(')', () => this.expression());
    }
    if (this.take('[')) return this.list(at);
    if (this.take('{')) return { kind: 'map', at, entries: this.entries() };
    if (token.kind === 'identifier' || this.sign() === '.') return this.name();
    return { kind: 'literal', at, value: this.literal() };
  }

  private list(at: number): Expr {
    const elements: Expr[] = [];
    const optionals = new Set<number>();
    this.elements(']', () => {
      if (this.take('?')) optionals.add(elements.length);
      else if (elements.length === 0) this.starters = withSigns("'[', ", "']', ").replace("'.', ", "'.', ',', ").replace("'!', ", "'!', '?', ");
      elements.push(this.expression());
    });
    return { kind: 'list', at, elements, optionals };
  }

  private entries(): Entry[] {
    const entries: Entry[] = [];
    this.elements('}', () => {
      const optional = this.take('?');
      if (!optional && entries.length === 0) this.starters = withSigns("'{', ", "'}', ").replace("'.', ", "'.', ',', ").replace("'!', ", "'!', '?', ");
      const key = this.expression();
      const { at } = this.token;
      this.expect(':');
      entries.push({ at, key, value: this.expression(), optional });
    });
    return entries;
  }

  // An identifier, a call of a function, or an object: `a`, `f(x)`, `Object.spec{replicas: 3}`.
  private name(): Expr {
    const start = this.token.at;
    const dot = this.take('.') ? '.' : '';
    const token = this.token;
    if (token.kind !== 'identifier') this.fail(`no viable alternative at input '${this.source.slice(start, token.at + (token.kind === 'end' ? 0 : token.text.length))}'`);
    this.take();
    const object = this.objectName(token.text);
    if (object !== undefined) {
      const { at } = this.take();
      return { kind: 'struct', at, name: dot + object, fields: this.fields() };
    }
    if (RESERVED.has(token.text)) {
      this.report(start, `reserved identifier: ${token.text}`);
      if (this.take('(')) this.arguments();
      return { kind: 'literal', at: start, value: null };
    }
    const { at } = this.token;
    if (this.take('(')) return this.call(dot + token.text, at, undefined, this.arguments());
    return { kind: 'ident', at: token.at, name: dot + token.text };
  }

  // Looks ahead for `(.name)* {`; stands at the bracket when it is one.
  private objectName(first: string): string | undefined {
    let name = first;
    let ahead = this.next;
    while (this.tokens[ahead]?.text === '.' && this.tokens[ahead + 1]?.kind === 'identifier') {
      name += `.${this.tokens[ahead + 1]?.text ?? ''}`;
      ahead += 2;
    }
    if (this.tokens[ahead]?.text !== '{' || this.tokens[ahead]?.kind !== 'sign') return undefined;
    this.next = ahead;
    return name;
  }

  private fields(): FieldInit[] {
    const fields: FieldInit[] = [];
    this.elements('}', () => {
      const optional = this.take('?');
      const token = this.token;
      if (token.kind === 'quoted') this.report(token.at, "unsupported syntax: '`'");
      else if (token.kind !== 'identifier') this.fail(`mismatched input '${token.text}' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`);
      this.take();
      const { at } = this.token;
      this.expect(':');
      fields.push({ at, name: token.text, value: this.expression(), optional });
    });
    return fields;
  }

  private literal(): Value {
    const { at, text, kind } = this.token;
    if (this.sign() === '-' && this.numberFollows()) {
      this.take();
      const number = this.take();
      return this.number(`-${number.text}`, number.kind, at);
    }
    if (kind === 'sign' && !['true', 'false', 'null'].includes(text) || kind === 'end' || kind === 'quoted') return this.noValue();
    this.take();
    if (text === 'null') return null;
    if (kind === 'sign') return text === 'true';
    try {
      if (kind === 'string') return stringValue(text);
      if (kind === 'bytes') return bytesValue(text);
    } catch (error) {
      this.report(at, (error as Error).message);
      return '';
    }
    return this.number(text, kind, at);
  }

  private number(text: string, kind: TokenKind, at: number): Value {
    if (kind === 'float') {
      const value = Number(text);
      if (!Number.isFinite(value)) this.report(at, 'invalid double literal');
      return new Double(value);
    }
    const digits = kind === 'uint' ? text.slice(0, -1) : text;
    const value = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
    if (kind === 'uint') {
      if (value > 0xffff_ffff_ffff_ffffn) this.report(at, 'invalid uint literal');
      return new Uint(normalInt(value));
    }
    if (BigInt.asIntN(64, value) !== value) this.report(at, 'invalid int literal');
    return normalInt(value);
  }

  private call(name: string, at: number, target: Expr | undefined, args: Expr[]): Expr {
    const call: Call = { kind: 'call', name, at, args, ...(target !== undefined && { target }) };
    return expandMacro(call, this.report, this.bindings) ?? call;
  }

  private get token(): Token {
    return this.tokens[this.next] as Token;
  }

  private sign(): string {
    return this.token.kind === 'sign' ? this.token.text : '';
  }

  private take(): Token;
  private take(sign: string): boolean;
  private take(sign?: string): Token | boolean {
    const token = this.token;
    if (sign !== undefined && (token.kind !== 'sign' || token.text !== sign)) return false;
    if (token.kind !== 'end') this.next++;
    this.starters = STARTERS;
    return sign === undefined ? token : true;
  }

  // As ANTLR recovers: one token too many is left out, one too few is thought of, and the rest goes on being read.
  private expect(sign: string, set = `'${sign}'`): void {
    if (this.take(sign)) return;
    const { kind, text, at } = this.token;
    const following = this.tokens[this.next + 1];
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

  private within<T>(closing: string, read: () => T): T {
    this.open.push(closing);
    const value = read();
    this.open.pop();
    this.expect(closing.charAt(0));
    return value;
  }

  // Elements up to the bracket; a comma alone is an empty list too, and one may stand after the last.
  private elements(closing: ']' | '}', read: () => void): void {
    this.open.push(`${closing},`);
    if (this.sign() === ',' && this.tokens[this.next + 1]?.text === closing) this.take();
    while (this.sign() !== closing) {
      read();
      if (!this.take(',')) break;
    }
    this.open.pop();
    this.expect(closing, `{'${closing}', ','}`);
  }

  // No value where one must be: the token is left out where the next begins one, or the closing bracket goes on with the rest.
  private noValue(): Value {
    const { text, kind, at } = this.token;
    const starters = this.starters;
    this.starters = STARTERS;
    const following = this.tokens[this.next + 1];
    const begins = following !== undefined && (['identifier', 'int', 'uint', 'float', 'string', 'bytes'].includes(following.kind) || (following.kind === 'sign' && starters.includes(`'${following.text}'`)));
    if (kind !== 'end' && begins) {
      this.report(at, `Syntax error: extraneous input '${text}' expecting ${starters}`);
      this.take();
      return this.recovered();
    }
    if (kind !== 'sign' || this.open.at(-1)?.includes(text) !== true) this.fail(`mismatched input '${text}' expecting ${starters}`);
    this.report(at, `Syntax error: mismatched input '${text}' expecting ${starters}`);
    return null;
  }

  // What follows a token that was left out is read for its own issues.
  private recovered(): Value {
    if (this.sign() !== ']' && this.sign() !== ')' && this.sign() !== '}' && this.sign() !== ',') this.member();
    return null;
  }

  private fail(message: string): never {
    const { at, kind } = this.token;
    this.report(at, `Syntax error: ${message}`);
    // ANTLR skips what it cannot use and finds the end.
    const following = this.tokens[this.next + 1];
    if (kind === 'sign' && following?.kind === 'end' && /expecting \{'\['|no viable/.test(message)) this.report(following.at, `Syntax error: mismatched input '<EOF>' expecting ${STARTERS}`);
    throw new SyntaxStop();
  }

  private stop(message: string): never {
    this.report(-1, message);
    throw new SyntaxStop();
  }
}
