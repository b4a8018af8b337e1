// Source text → tokens. Whitespace and comments are dropped; what begins no token is an issue in ANTLR's words and is skipped.

export type TokenKind = 'sign' | 'identifier' | 'quoted' | 'int' | 'uint' | 'float' | 'string' | 'bytes' | 'end';

export interface Token {
  kind: TokenKind;
  text: string;
  at: number;
}

const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?` + '`' + String.raw`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const STRING = [
  `"""(?:${ESCAPE}|[^\\\\])*?"""`,
  `'''(?:${ESCAPE}|[^\\\\])*?'''`,
  `[rR]"""[^]*?"""`,
  `[rR]'''[^]*?'''`,
  `"(?:${ESCAPE}|[^\\\\"\\n\\r])*"`,
  `'(?:${ESCAPE}|[^\\\\'\\n\\r])*'`,
  `[rR]"[^"\\n\\r]*"`,
  `[rR]'[^'\\n\\r]*'`,
].join('|');

// The order makes the longest match win where two could start alike.
const RULES: readonly (readonly [TokenKind | 'skip', RegExp])[] = [
  ['skip', /[\t \r\n\f]+|\/\/[^\n]*/y],
  ['bytes', new RegExp(`[bB](?:${STRING})`, 'y')],
  ['string', new RegExp(STRING, 'y')],
  ['float', /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y],
  ['uint', /(?:0x[0-9a-fA-F]+|\d+)[uU]/y],
  ['int', /0x[0-9a-fA-F]+|\d+/y],
  ['identifier', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['quoted', /`[A-Za-z0-9_.\-/ ]+`/y],
  ['sign', /==|!=|<=|>=|&&|\|\||[[\]{}().,\-!?:+*/%<>]/y],
];
const KEYWORDS = new Set(['in', 'true', 'false', 'null']);

export function tokenize(source: string, report: (at: number, message: string) => void): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const found = matchAt(source, at);
    if (found === undefined) {
      const end = badEnd(source, at);
      report(at, `Syntax error: token recognition error at: '${source.slice(at, end)}'`);
      at = end;
      continue;
    }
    const [kind, text] = found;
    if (kind !== 'skip') tokens.push({ kind: kind === 'identifier' && KEYWORDS.has(text) ? 'sign' : kind, text, at });
    at += text.length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return tokens;
}

function matchAt(source: string, at: number): [TokenKind | 'skip', string] | undefined {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const match = rule.exec(source);
    if (match !== null) return [kind, match[0]];
  }
  return undefined;
}

// A string that does not end is one bad token up to the end of its line, or up to the escape that is none.
function badEnd(source: string, at: number): number {
  const quote = source[at];
  // A sign that begins a longer one takes the letter after it along.
  if (quote === '=' || quote === '&' || quote === '|') return Math.min(at + 2, source.length);
  if (quote === '`') return Math.min(at + (/^`[A-Za-z0-9_.\-/ ]*/.exec(source.slice(at))?.[0].length ?? 1) + 1, source.length);
  if (quote !== '"' && quote !== "'") return at + ((source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  let end = at + 1;
  while (end < source.length && source[end] !== '\n' && source[end] !== '\r') {
    if (source[end] === '\\' && !new RegExp(ESCAPE, 'y').test(source.slice(end))) return Math.min(end + 2, source.length);
    end += source[end] === '\\' ? 2 : 1;
  }
  return Math.min(end + 1, source.length);
}
