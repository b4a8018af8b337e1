// Tokens → tree, by the grammar of the CEL specification with Kubernetes' options: `.?` and `[?`, no backquoted identifiers.
// Chains of && and || become balanced trees as in cel-go, which keeps long rules shallow.
import type { Report } from './cel-error.ts';
import { balance, elementStarters, OPERATORS, RELATIONS, RESERVED, withSigns } from './grammar.ts';
import { expandMacro } from './macro.ts';
import { numberValue } from './number-literal.ts';
import { bytesValue, stringValue } from './string-literal.ts';
import type { Call, Entry, Expr, FieldInit } from './syntax.ts';
import { SyntaxStop, TokenReader } from './token-reader.ts';
import type { Value } from './value.ts';

const DEPTH_MAX = 250;
const SIZE_MAX = 100_000;

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

class Parser extends TokenReader {
  private depth = 0;
  private readonly bindings: boolean;

  constructor(source: string, report: Report, bindings: boolean) {
    super(source, report);
    this.bindings = bindings;
  }

  start(): Expr {
    const expr = this.expression();
    if (this.token.kind !== 'end') this.fail(`${this.following?.kind === 'end' ? 'extraneous' : 'mismatched'} input '${this.token.text}' expecting <EOF>`);
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
    const kind = this.following?.kind;
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
      else if (elements.length === 0) this.starters = elementStarters('[', ']');
      elements.push(this.expression());
    });
    return { kind: 'list', at, elements, optionals };
  }

  private entries(): Entry[] {
    const entries: Entry[] = [];
    this.elements('}', () => {
      const optional = this.take('?');
      if (!optional && entries.length === 0) this.starters = elementStarters('{', '}');
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
    const issue = (message: string): void => this.report(at, message);
    if (this.sign() === '-' && this.numberFollows()) {
      this.take();
      const number = this.take();
      return numberValue(`-${number.text}`, number.kind, issue);
    }
    if (kind === 'sign' && !['true', 'false', 'null'].includes(text) || kind === 'end' || kind === 'quoted') return this.leavesOutToken() ? this.recovered() : null;
    this.take();
    if (text === 'null') return null;
    if (kind === 'sign') return text === 'true';
    try {
      if (kind === 'string') return stringValue(text);
      if (kind === 'bytes') return bytesValue(text);
    } catch (error) {
      issue((error as Error).message);
      return '';
    }
    return numberValue(text, kind, issue);
  }

  private call(name: string, at: number, target: Expr | undefined, args: Expr[]): Expr {
    const call: Call = { kind: 'call', name, at, args, ...(target !== undefined && { target }) };
    return expandMacro(call, this.report, this.bindings) ?? call;
  }

  // What follows a token that was left out is read for its own issues.
  private recovered(): Value {
    if (this.sign() !== ']' && this.sign() !== ')' && this.sign() !== '}' && this.sign() !== ',') this.member();
    return null;
  }
}
