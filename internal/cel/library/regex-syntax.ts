// Regular expressions in RE2's syntax (Go's regexp) → tree. No backreferences, no lookaround: so that matching is linear in the text.
// Errors are worded as Go words them.
import { EvaluationError } from '../cel-error.ts';

export type Assertion = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';
export type RegexNode =
  | { kind: 'letters'; accepts: (point: number) => boolean }
  | { kind: 'assert'; assertion: Assertion }
  | { kind: 'sequence'; parts: RegexNode[] }
  | { kind: 'choice'; options: RegexNode[] }
  | { kind: 'repeat'; of: RegexNode; min: number; max: number; lazy: boolean };

type Accepts = (point: number) => boolean;
interface Flags { ignoreCase: boolean; multiline: boolean; dotAll: boolean; ungreedy: boolean }

const REPEAT_MAX = 1000;
const DEPTH_MAX = 250;
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/, alpha: /[A-Za-z]/, ascii: /[\x00-\x7f]/, blank: /[\t ]/, cntrl: /[\x00-\x1f\x7f]/, digit: /[0-9]/, graph: /[!-~]/, lower: /[a-z]/,
  print: /[ -~]/, punct: /[!-/:-@[-`{-~]/, space: /[\t\n\v\f\r ]/, upper: /[A-Z]/, word: /[0-9A-Za-z_]/, xdigit: /[0-9A-Fa-f]/,
};
const PERL: Readonly<Record<string, Accepts>> = {
  d: (point) => point >= 48 && point <= 57,
  s: (point) => point === 32 || point === 9 || point === 10 || point === 12 || point === 13,
  w: isWord,
};

export function isWord(point: number): boolean {
  return (point >= 48 && point <= 57) || (point >= 65 && point <= 90) || (point >= 97 && point <= 122) || point === 95;
}

/** Throws EvaluationError `error parsing regexp: …`. */
export function parseRegex(pattern: string): RegexNode {
  return new RegexParser(pattern).parse();
}

class RegexParser {
  private readonly source: string;
  private at = 0;
  private depth = 0;
  private flags: Flags = { ignoreCase: false, multiline: false, dotAll: false, ungreedy: false };

  constructor(source: string) {
    this.source = source;
  }

  parse(): RegexNode {
    const node = this.choice();
    if (this.at < this.source.length) this.fail('unexpected )', this.source);
    return node;
  }

  private choice(): RegexNode {
    if (++this.depth > DEPTH_MAX) this.fail('expression nests too deeply', this.source);
    const outer = this.flags;
    const options = [this.sequence()];
    while (this.take('|')) options.push(this.sequence());
    this.flags = outer;
    this.depth--;
    return options.length === 1 ? (options[0] as RegexNode) : { kind: 'choice', options };
  }

  private sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      const atom = this.atom();
      if (atom !== undefined) parts.push(this.repeated(atom));
    }
    return parts.length === 1 ? (parts[0] as RegexNode) : { kind: 'sequence', parts };
  }

  private atom(): RegexNode | undefined {
    const start = this.at;
    const point = this.source.codePointAt(this.at) ?? 0;
    const sign = String.fromCodePoint(point);
    this.at += sign.length;
    switch (sign) {
      case '(': return this.group(start);
      case '[': return this.letters(this.bracket(start));
      case '.': return { kind: 'letters', accepts: this.flags.dotAll ? () => true : (letter) => letter !== 10 };
      case '^': return { kind: 'assert', assertion: this.flags.multiline ? 'lineStart' : 'start' };
      case '$': return { kind: 'assert', assertion: this.flags.multiline ? 'lineEnd' : 'end' };
      case '*': case '+': case '?': return this.fail('missing argument to repetition operator', sign);
      case '{': {
        this.at = start;
        const counts = this.counts();
        if (counts !== undefined) this.fail('missing argument to repetition operator', this.source.slice(start, this.at));
        this.at = start + 1;
        return this.letter(point);
      }
      case '\\': return this.escape(start);
      default: return this.letter(point);
    }
  }

  private repeated(atom: RegexNode): RegexNode {
    let node = atom;
    let last: string | undefined;
    for (;;) {
      const start = this.at;
      const counts = this.take('*') ? [0, Infinity] : this.take('+') ? [1, Infinity] : this.take('?') ? [0, 1] : this.counts();
      if (counts === undefined) return node;
      const lazy = this.take('?') !== this.flags.ungreedy;
      const text = this.source.slice(start, this.at);
      if (last !== undefined) this.fail('invalid nested repetition operator', last + text);
      last = text;
      node = { kind: 'repeat', of: node, min: counts[0] ?? 0, max: counts[1] ?? 0, lazy };
      if (repeatSize(node) > REPEAT_MAX) this.fail('invalid repeat count', text);
    }
  }

  private counts(): number[] | undefined {
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.source.slice(this.at, this.at + 32));
    if (match === null) return undefined;
    this.at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Infinity : Number(match[3]);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX) || min > max) this.fail('invalid repeat count', match[0]);
    return [min, max];
  }

  private group(start: number): RegexNode | undefined {
    if (this.source[this.at] === '?') {
      const named = /^\?P?<(\w+)>/.exec(this.source.slice(this.at));
      if (named !== null) this.at += named[0].length;
      else if (/^\?P?</.test(this.source.slice(this.at)) && !/^\?<[=!]/.test(this.source.slice(this.at))) this.fail('invalid named capture', this.source.slice(start));
      else if (this.readFlags(start)) return undefined;
    }
    const outer = this.flags;
    const node = this.choiceInGroup();
    this.flags = this.outerFlags ?? outer;
    this.outerFlags = undefined;
    if (!this.take(')')) this.fail('missing closing )', this.source);
    return node;
  }

  private outerFlags: Flags | undefined;

  private choiceInGroup(): RegexNode {
    const outer = this.outerFlags;
    this.outerFlags = undefined;
    const node = this.choice();
    this.outerFlags = outer;
    return node;
  }

  // `(?i)` changes what follows in its group; `(?i:…)` is a group, whose outside is kept for its end.
  private readFlags(start: number): boolean {
    const match = /^\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(this.source.slice(this.at));
    if (match === null || (match[1] === '' && match[2] === undefined && match[3] === ')')) this.fail('invalid or unsupported Perl syntax', this.source.slice(start, Math.min(start + 3, this.source.length)));
    const [whole, on = '', off = '', end] = match as RegExpExecArray;
    this.at += whole.length;
    const of = (letter: string, old: boolean): boolean => (on.includes(letter) || old) && !off.includes(letter);
    const before = this.flags;
    this.flags = { ignoreCase: of('i', before.ignoreCase), multiline: of('m', before.multiline), dotAll: of('s', before.dotAll), ungreedy: of('U', before.ungreedy) };
    if (end === ':') this.outerFlags = before;
    return end === ')';
  }

  private escape(start: number): RegexNode {
    const sign = this.source[this.at] ?? this.fail('trailing backslash at end of expression', '');
    switch (sign) {
      case 'A': this.at++; return { kind: 'assert', assertion: 'start' };
      case 'z': this.at++; return { kind: 'assert', assertion: 'end' };
      case 'b': this.at++; return { kind: 'assert', assertion: 'word' };
      case 'B': this.at++; return { kind: 'assert', assertion: 'notWord' };
      case 'Q': return this.quoted();
      default: {
        const known = this.escapedClass();
        return known === undefined ? this.letter(this.escapedLetter(start)) : this.letters(known);
      }
    }
  }

  private quoted(): RegexNode {
    this.at++;
    const end = this.source.indexOf(String.raw`\E`, this.at);
    const text = this.source.slice(this.at, end < 0 ? undefined : end);
    this.at = end < 0 ? this.source.length : end + 2;
    return { kind: 'sequence', parts: Array.from(text, (letter) => this.letter(letter.codePointAt(0) ?? 0)) };
  }

  // \d \W \pL \p{Greek}; stands after the backslash.
  private escapedClass(): Accepts | undefined {
    const sign = this.source[this.at] ?? '';
    const perl = PERL[sign.toLowerCase()];
    if (perl !== undefined && /[dswDSW]/.test(sign)) {
      this.at++;
      return sign === sign.toLowerCase() ? perl : (point) => !perl(point);
    }
    if (sign !== 'p' && sign !== 'P') return undefined;
    const match = /^[pP](?:\{(\^?)(\w+)\}|(\w))/.exec(this.source.slice(this.at));
    const name = match?.[2] ?? match?.[3] ?? '';
    const property = unicodeProperty(name);
    if (match === null || property === undefined) return this.fail('invalid character class range', `\\${match?.[0] ?? this.source.slice(this.at)}`);
    this.at += match[0].length;
    const negated = (sign === 'P') !== (match[1] === '^');
    return negated ? (point) => !property(point) : property;
  }

  private escapedLetter(start: number): number {
    const rest = this.source.slice(this.at);
    const hex = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(rest);
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    const found = hex ?? octal;
    if (found !== null) {
      const point = hex === null ? Number.parseInt(found[0], 8) : Number.parseInt(hex[1] ?? hex[2] ?? '0', 16);
      if (point <= 0x10ffff) {
        this.at += found[0].length;
        return point;
      }
    }
    const point = this.source.codePointAt(this.at) ?? 0;
    const sign = String.fromCodePoint(point);
    this.at += sign.length;
    const control = CONTROL[sign];
    if (control !== undefined) return control;
    if (point < 128 && !isWord(point)) return point;
    return this.fail('invalid escape sequence', this.source.slice(start, this.at));
  }

  private bracket(start: number): Accepts {
    const negated = this.take('^');
    const parts: Accepts[] = [];
    for (let first = true; first || this.source[this.at] !== ']'; first = false) {
      if (this.at >= this.source.length) this.fail('missing closing ]', this.source.slice(start));
      parts.push(this.bracketPart(start));
    }
    this.at++;
    const { ignoreCase } = this.flags;
    const one: Accepts = parts.length === 1 ? (parts[0] as Accepts) : (point) => parts.some((part) => part(point));
    const folded: Accepts = ignoreCase ? (point) => caseForms(point).some(one) : one;
    return negated ? (point) => !folded(point) : folded;
  }

  private bracketPart(start: number): Accepts {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.source.slice(this.at));
    if (posix !== null) {
      const test = POSIX[posix[2] ?? ''] ?? this.fail('invalid character class range', posix[0]);
      this.at += posix[0].length;
      return (point) => test.test(String.fromCodePoint(point)) !== (posix[1] === '^');
    }
    if (this.source[this.at] === '\\') {
      this.at++;
      const known = this.escapedClass();
      if (known !== undefined) return known;
      this.at--;
    }
    const from = this.at;
    const low = this.bracketLetter(start);
    if (this.source[this.at] !== '-' || this.source[this.at + 1] === ']' || this.at + 1 >= this.source.length) return (point) => point === low;
    this.at++;
    const high = this.bracketLetter(start);
    if (high < low) this.fail('invalid character class range', this.source.slice(from, this.at));
    return (point) => point >= low && point <= high;
  }

  private bracketLetter(start: number): number {
    if (this.at >= this.source.length) this.fail('missing closing ]', this.source.slice(start));
    const at = this.at;
    if (this.take('\\')) {
      if (this.at >= this.source.length) this.fail('trailing backslash at end of expression', '');
      return this.escapedLetter(at);
    }
    const point = this.source.codePointAt(this.at) ?? 0;
    this.at += String.fromCodePoint(point).length;
    return point;
  }

  private letter(point: number): RegexNode {
    if (!this.flags.ignoreCase) return { kind: 'letters', accepts: (other) => other === point };
    const forms = new Set(caseForms(point));
    return { kind: 'letters', accepts: (other) => forms.has(other) };
  }

  private letters(accepts: Accepts): RegexNode {
    return { kind: 'letters', accepts };
  }

  private take(sign: string): boolean {
    if (this.source[this.at] !== sign) return false;
    this.at++;
    return true;
  }

  private fail(problem: string, part: string): never {
    throw new EvaluationError(`error parsing regexp: ${problem}: \`${part}\``);
  }
}

function repeatSize(node: RegexNode): number {
  switch (node.kind) {
    case 'repeat': {
      const times = node.max === Infinity ? node.min : node.max;
      return Math.max(times, 1) * repeatSize(node.of);
    }
    case 'sequence': return Math.max(1, ...node.parts.map(repeatSize));
    case 'choice': return Math.max(1, ...node.options.map(repeatSize));
    case 'letters': case 'assert': return 1;
  }
}

function unicodeProperty(name: string): Accepts | undefined {
  for (const form of [name, `Script=${name}`]) {
    try {
      const test = new RegExp(`\\p{${form}}`, 'u');
      return (point) => test.test(String.fromCodePoint(point));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}

// The letter in its cases; the Kelvin sign and the long s fold to k and s.
function caseForms(point: number): number[] {
  const letter = String.fromCodePoint(point);
  const forms = [letter, letter.toLowerCase(), letter.toUpperCase()];
  if ('kK\u212a'.includes(letter)) forms.push('k', 'K', '\u212a');
  if ('sS\u017f'.includes(letter)) forms.push('s', 'S', '\u017f');
  return forms.filter((form) => form.length === letter.length || form.length === 1).map((form) => form.codePointAt(0) ?? 0);
}
