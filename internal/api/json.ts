// JSON in, with Go's words for what is wrong with it. JSON.parse does the work; a scan of our own runs only to find duplicate keys
// (strict and warning field validation) or to word an error as encoding/json does.
import { StatusError } from '../base/errors.ts';
import { readJson } from './large-integers.ts';

/** Deeper documents are refused: whatever walks one later is a function that calls itself. Upstream's limit is 10,000. */
const DEPTH_MAX = 1000;
const decoder = new TextDecoder();

/**
 * Throws StatusError BadRequest with Go's message. `onDuplicate` is told the path (`spec.containers[0].name`) of every key that stands
 * again in its object; the last one counts.
 */
export function parseJson(text: string | Uint8Array, onDuplicate?: (path: string) => void): unknown {
  const source = typeof text === 'string' ? text : decoder.decode(text);
  let value: unknown;
  try {
    value = readJson(source);
  } catch (cause) {
    throw new StatusError('BadRequest', syntaxProblem(source), { cause });
  }
  if (onDuplicate === undefined) checkDepth(value);
  else new Scanner(source, (path, again) => (again ? onDuplicate(path()) : undefined)).document();
  return value;
}

/** Throws StatusError BadRequest for a value nested too deep. */
export function checkDepth(value: unknown): void {
  if (isDeeper(value, DEPTH_MAX)) throw new StatusError('BadRequest', 'exceeded max depth');
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  for (const name in value) if (isDeeper((value as Record<string, unknown>)[name], left - 1)) return true;
  return false;
}

/** The keys of good JSON in the order in which they stand; `again`: not for the first time in their object. */
export function visitKeys(text: string | Uint8Array, visit: (path: string, again: boolean) => void): void {
  new Scanner(typeof text === 'string' ? text : decoder.decode(text), (path, again) => visit(path(), again)).document();
}

/** What encoding/json says of malformed text. */
function syntaxProblem(source: string): string {
  try {
    new Scanner(source).document();
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
  return 'invalid character';
}

class JsonSyntaxError extends Error {}

class Scanner {
  private at = 0;
  private depth = 0;
  private readonly path: (string | number)[] = [];
  private readonly source: string;
  private readonly onKey: ((path: () => string, again: boolean) => void) | undefined;

  constructor(source: string, onKey?: (path: () => string, again: boolean) => void) {
    this.source = source;
    this.onKey = onKey;
  }

  document(): void {
    this.value();
    this.space();
    if (this.at < this.source.length) this.fail('after top-level value');
  }

  private value(): void {
    this.space();
    const start = this.source[this.at];
    if (start === '{') this.object();
    else if (start === '[') this.array();
    else if (start === '"') this.string();
    else if (start === 't') this.literal('true');
    else if (start === 'f') this.literal('false');
    else if (start === 'n') this.literal('null');
    else if (start !== undefined && /[-0-9]/.test(start)) this.number();
    else this.fail('looking for beginning of value');
  }

  private object(): void {
    this.enter();
    const seen = this.onKey === undefined ? undefined : new Set<string>();
    this.space();
    if (this.source[this.at] === '}') return this.leave();
    for (;;) {
      this.space();
      if (this.source[this.at] !== '"') this.fail('looking for beginning of object key string');
      const start = this.at;
      this.string();
      if (seen !== undefined) this.enterKey(JSON.parse(this.source.slice(start, this.at)) as string, seen);
      this.space();
      if (this.source[this.at] !== ':') this.fail('after object key');
      this.at++;
      this.value();
      if (seen !== undefined) this.path.pop();
      this.space();
      if (this.source[this.at] === '}') return this.leave();
      if (this.source[this.at] !== ',') this.fail('after object key:value pair');
      this.at++;
    }
  }

  private array(): void {
    this.enter();
    this.space();
    if (this.source[this.at] === ']') return this.leave();
    for (let index = 0; ; index++) {
      this.path.push(index);
      this.value();
      this.path.pop();
      this.space();
      if (this.source[this.at] === ']') return this.leave();
      if (this.source[this.at] !== ',') this.fail('after array element');
      this.at++;
    }
  }

  private enterKey(key: string, seen: Set<string>): void {
    this.path.push(key);
    this.onKey?.(() => formatPath(this.path), seen.has(key));
    seen.add(key);
  }

  private string(): void {
    for (this.at++; this.source[this.at] !== '"'; this.at++) {
      if (this.source.charCodeAt(this.at) < 0x20) this.fail('in string literal');
      if (this.source[this.at] !== '\\') {
        if (this.at >= this.source.length) this.fail('in string literal');
        continue;
      }
      const escape = this.source[++this.at];
      if (escape === 'u') for (let digit = 0; digit < 4; digit++) { if (!/[0-9a-fA-F]/.test(this.source[++this.at] ?? '')) this.fail('in \\u hexadecimal character escape'); }
      else if (escape === undefined || !'"\\/bfnrt'.includes(escape)) this.fail('in string escape code');
    }
    this.at++;
  }

  private number(): void {
    if (this.source[this.at] === '-') this.at++;
    if (this.source[this.at] === '0') this.at++;
    else this.digits('in numeric literal');
    if (this.source[this.at] === '.') {
      this.at++;
      this.digits('after decimal point in numeric literal');
    }
    if (this.source[this.at] === 'e' || this.source[this.at] === 'E') {
      this.at++;
      if (this.source[this.at] === '+' || this.source[this.at] === '-') this.at++;
      this.digits('in exponent of numeric literal');
    }
  }

  private digits(context: string): void {
    const isDigit = (): boolean => this.at < this.source.length && this.source.charCodeAt(this.at) >= 48 && this.source.charCodeAt(this.at) <= 57;
    if (!isDigit()) this.fail(context);
    while (isDigit()) this.at++;
  }

  private literal(word: string): void {
    for (const letter of word) {
      if (this.source[this.at] !== letter) this.fail(`in literal ${word} (expecting '${letter}')`);
      this.at++;
    }
  }

  private space(): void {
    for (let code = this.source.charCodeAt(this.at); code === 32 || code === 10 || code === 13 || code === 9; code = this.source.charCodeAt(++this.at));
  }

  private enter(): void {
    this.at++;
    if (++this.depth > DEPTH_MAX) throw new JsonSyntaxError('exceeded max depth');
  }

  private leave(): void {
    this.at++;
    this.depth--;
  }

  private fail(context: string): never {
    const point = this.source.codePointAt(this.at);
    if (point === undefined) throw new JsonSyntaxError('unexpected end of JSON input');
    throw new JsonSyntaxError(`invalid character ${quote(String.fromCodePoint(point))} ${context}`);
  }
}

/** `spec.containers[0].name` */
export function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const step of path) text += typeof step === 'number' ? `[${String(step)}]` : text === '' ? step : `.${step}`;
  return text;
}

function quote(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return "'\"'";
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
