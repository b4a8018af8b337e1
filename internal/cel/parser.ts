// Tokens → tree, by the grammar of the CEL specification with Kubernetes' options: `.?` and `[?`, no backquoted identifiers.
// Chains of && and || become balanced trees as in cel-go, which keeps long rules shallow. Syntax errors are worded as ANTLR words them;
// the first ends parsing.
import { tokenize, type Token, type TokenKind } from './lexer.ts';
import { expandMacro } from './macro.ts';
import { bytesValue, stringValue } from './string-literal.ts';
import type { Call, Entry, Expr, FieldInit } from './syntax.ts';
import { Double, normalInt, Uint, type Value } from './value.ts';

export type Report = (at: number, message: string) => void;

const DEPTH_MAX = 250;
const SIZE_MAX = 100_000;
const RESERVED = new Set([
  'as', 'break', 'const', 'continue', 'else', 'false', 'for', 'function', 'if', 'import', 'in', 'let', 'loop', 'package', 'namespace', 'null', 'return', 'true', 'var', 'void', 'while',
]);
const RELATIONS = new Set(['<', '<=', '>=', '>', '==', '!=', 'in']);
const OPERATORS: Readonly<Record<string, string>> = {
  '<': '_<_', '<=': '_<=_', '>=': '_>=_', '>': '_>_', '==': '_==_', '!=': '_!=_', in: '@in', '+': '_+_', '-': '_-_', '*': '_*_', '/': '_/_', '%': '_%_',
};
const STARTERS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

class SyntaxStop extends Error {}

/** `report` is told of every issue at its offset (-1: of the whole); undefined when there is nothing to check. */
export function parse(source: string, report: Report): Expr | undefined {
  const size = Array.from(source).length;
  if (size > SIZE_MAX) {
    report(-1, `expression code point size exceeds limit: size: ${String(size)}, limit ${String(SIZE_MAX)}`);
    return undefined;
  }
  const parser = new Parser(tokenize(source, report), report);
  try {
    return parser.start();
  } catch (error) {
    if (error instanceof SyntaxStop) return undefined;
    throw error;
  }
}

class Parser {
  private next = 0;
  private depth = 0;
  private readonly tokens: readonly Token[];
  private readonly report: Report;

  constructor(tokens: readonly Token[], report: Report) {
    this.tokens = tokens;
    this.report = report;
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
    const yes = this.logical('||');
    this.expect(':');
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
    if (!optional) this.fail(`no viable alternative at input '.${kind === 'end' ? '' : text}'`);
    this.report(at, `Syntax error: mismatched input '${text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`);
    this.report(at, 'unsupported ident kind');
    throw new SyntaxStop();
  }

  private index(operand: Expr, at: number): Expr {
    const optional = this.take('?');
    if (!optional && this.token.kind === 'end') this.fail(`mismatched input '<EOF>' expecting ${STARTERS.replace("'!', ", "'!', '?', ")}`);
    const index = this.expression();
    this.expect(']');
    return this.call(optional ? '_[?_]' : '_[_]', at, undefined, [operand, index]);
  }

  private arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.take(')')) return args;
    do args.push(this.expression()); while (this.take(','));
    this.expect(')');
    return args;
  }

  private primary(): Expr {
    const token = this.token;
    const { at } = token;
    if (this.take('(')) {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (this.take('[')) return this.list(at);
    if (this.take('{')) return { kind: 'map', at, entries: this.entries() };
    if (token.kind === 'identifier' || this.sign() === '.') return this.name();
    return { kind: 'literal', at, value: this.literal() };
  }

  private list(at: number): Expr {
    const elements: Expr[] = [];
    const optionals = new Set<number>();
    while (this.more(']', elements.length === 0)) {
      if (this.take('?')) optionals.add(elements.length);
      elements.push(this.expression());
      if (!this.take(',')) break;
    }
    this.close(']');
    return { kind: 'list', at, elements, optionals };
  }

  private entries(): Entry[] {
    const entries: Entry[] = [];
    while (this.more('}', entries.length === 0)) {
      const optional = this.take('?');
      const key = this.expression();
      const { at } = this.token;
      this.expect(':');
      entries.push({ at, key, value: this.expression(), optional });
      if (!this.take(',')) break;
    }
    this.close('}');
    return entries;
  }

  // An identifier, a call of a function, or an object: `a`, `f(x)`, `Object.spec{replicas: 3}`.
  private name(): Expr {
    const start = this.token.at;
    const dot = this.take('.') ? '.' : '';
    const token = this.token;
    if (token.kind !== 'identifier') this.fail(`mismatched input '${token.text}' expecting IDENTIFIER`);
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
    while (this.more('}', fields.length === 0)) {
      const optional = this.take('?');
      const token = this.token;
      if (token.kind === 'quoted') this.report(token.at, "unsupported syntax: '`'");
      else if (token.kind !== 'identifier') this.fail(`mismatched input '${token.text}' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`);
      this.take();
      const { at } = this.token;
      this.expect(':');
      fields.push({ at, name: token.text, value: this.expression(), optional });
      if (!this.take(',')) break;
    }
    this.close('}');
    return fields;
  }

  private literal(): Value {
    const { at, text, kind } = this.token;
    if (this.sign() === '-' && this.numberFollows()) {
      this.take();
      const number = this.take();
      return this.number(`-${number.text}`, number.kind, at);
    }
    if (kind === 'sign' && !['true', 'false', 'null'].includes(text) || kind === 'end' || kind === 'quoted') this.fail(this.unexpected());
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
    return expandMacro(call, this.report) ?? call;
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
    return sign === undefined ? token : true;
  }

  private expect(sign: string): void {
    if (this.take(sign)) return;
    const { kind, text } = this.token;
    const missing = kind === 'end' ? sign !== ':' : sign === ':' && kind !== 'sign';
    this.fail(missing ? `missing '${sign}' at '${text}'` : `mismatched input '${text}' expecting '${sign}'`);
  }

  // Whether another element follows; a comma alone is an empty list too.
  private more(end: string, first: boolean): boolean {
    if (first && this.sign() === ',' && this.tokens[this.next + 1]?.text === end) this.take();
    return this.sign() !== end;
  }

  private close(end: ']' | '}'): void {
    if (!this.take(end)) this.fail(`mismatched input '${this.token.text}' expecting {'${end}', ','}`);
  }

  private unexpected(): string {
    const { text } = this.token;
    const following = this.tokens[this.next + 1];
    const deletable = following !== undefined && (['identifier', 'int', 'uint', 'float', 'string', 'bytes'].includes(following.kind) || ['true', 'false', 'null', '(', '[', '{'].includes(following.text));
    return `${deletable ? 'extraneous' : 'mismatched'} input '${text}' expecting ${STARTERS}`;
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

function balance(chain: { terms: readonly Expr[]; places: readonly number[]; name: string }, low: number, high: number): Expr {
  const middle = Math.floor((low + high + 1) / 2);
  const left = middle === low ? chain.terms[middle] : balance(chain, low, middle - 1);
  const right = middle === high ? chain.terms[middle + 1] : balance(chain, middle + 1, high);
  return { kind: 'call', name: chain.name, at: chain.places[middle] ?? 0, args: [left as Expr, right as Expr] };
}
