// What a string or bytes literal stands for: quotes, raw and triple forms, escapes. The lexer has checked the escapes' form.

const NAMED: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"', '`': '`', '?': '?' };
const ESCAPE = /\\(?:([abfnrtv\\'"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/g;

/** Throws an Error with cel-go's words. */
export function stringValue(literal: string): string {
  const { body, raw } = unquote(literal);
  if (raw) return body;
  return body.replace(ESCAPE, (_whole, named?: string, hex?: string, short?: string, long?: string, octal?: string) => {
    if (named !== undefined) return NAMED[named] ?? '';
    const point = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '0', 16) : Number.parseInt(octal, 8);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw new Error('invalid unicode code point');
    return String.fromCodePoint(point);
  });
}

/** In bytes, \x and octal escapes are bytes, and \u is not allowed. */
export function bytesValue(literal: string): Uint8Array {
  const { body, raw } = unquote(literal.slice(1));
  if (raw || !body.includes('\\')) return Buffer.from(body);
  const parts: Buffer[] = [];
  let last = 0;
  for (const match of body.matchAll(ESCAPE)) {
    const [whole, named, hex, short, long, octal] = match;
    if (short !== undefined || long !== undefined) throw new Error('unable to unescape string');
    parts.push(Buffer.from(body.slice(last, match.index)));
    parts.push(named === undefined ? Buffer.from([Number.parseInt(hex ?? octal ?? '0', octal === undefined ? 16 : 8)]) : Buffer.from(NAMED[named] ?? ''));
    last = match.index + whole.length;
  }
  parts.push(Buffer.from(body.slice(last)));
  return Buffer.concat(parts);
}

function unquote(literal: string): { body: string; raw: boolean } {
  const raw = /^[rR]/.test(literal);
  const text = (raw ? literal.slice(1) : literal).replaceAll(/\r\n?/g, '\n');
  const width = text.length >= 6 && (text.startsWith('"""') || text.startsWith("'''")) ? 3 : 1;
  return { body: text.slice(width, -width), raw };
}
