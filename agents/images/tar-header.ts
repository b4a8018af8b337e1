// Tar headers, as far as reading archives and writing whiteouts needs them: ustar, PAX (POSIX.1-2001) and GNU long names.

export const BLOCK = 512;

export interface TarHeader {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  mtime: number;
  type: string;
  link: string;
}

export function parseTarHeader(block: Buffer): TarHeader {
  const stored = parseNumber(block, 148, 8);
  let sum = 0;
  for (let index = 0; index < BLOCK; index++) sum += index >= 148 && index < 156 ? 32 : (block[index] ?? 0);
  if (stored !== sum) throw new Error('the archive is damaged: a tar header has a wrong checksum');
  const prefix = block.toString('latin1', 257, 262) === 'ustar' && block[263] !== 32 ? parseText(block, 345, 155) : '';
  const name = parseText(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: parseNumber(block, 100, 8) & 0o7777,
    uid: parseNumber(block, 108, 8),
    gid: parseNumber(block, 116, 8),
    sizeBytes: parseNumber(block, 124, 12),
    mtime: parseNumber(block, 136, 12),
    type: String.fromCharCode(block[156] ?? 0),
    link: parseText(block, 157, 100),
  };
}

/** Headers and data of one entry without data: long names and xattrs go into a PAX record before it. */
export function formatTarEntry(header: Omit<TarHeader, 'sizeBytes' | 'link'>, records: Readonly<Record<string, string>> = {}): Buffer {
  const extra = Buffer.byteLength(header.name) > 100 ? { ...records, path: header.name } : records;
  const pax = Buffer.from(Object.entries(extra).map(([key, value]) => formatPaxRecord(key, value)).join(''));
  const short = Buffer.from(header.name).subarray(0, 100).toString('latin1');
  const main = formatTarHeader({ ...header, name: short, sizeBytes: 0 });
  if (pax.length === 0) return main;
  const before = formatTarHeader({ ...header, name: 'PaxHeader', type: 'x', mode: 0o644, sizeBytes: pax.length });
  return Buffer.concat([before, pax, Buffer.alloc(paddingOf(pax.length)), main]);
}

/** An extension header like the given one, with these data. */
export function formatPax(header: Omit<TarHeader, 'sizeBytes' | 'link'>, data: Buffer): Buffer {
  return Buffer.concat([formatTarHeader({ ...header, sizeBytes: data.length }), data, Buffer.alloc(paddingOf(data.length))]);
}

export function parsePax(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (const { key, record } of paxRecords(data)) records.set(key, record.toString('utf8', record.indexOf(61) + 1, record.length - 1));
  return records;
}

/** Of a record: its key, and its bytes from the key to the line's end; `raw` has its length before them. Values may be binary. */
export function* paxRecords(data: Buffer): Generator<{ key: string; record: Buffer; raw: Buffer }> {
  for (let offset = 0; offset < data.length; ) {
    const space = data.indexOf(32, offset);
    const length = Number(data.toString('latin1', offset, space));
    if (space < 0 || !Number.isInteger(length) || length <= space - offset) throw new Error('the archive is damaged: a PAX record has no length');
    const record = data.subarray(space + 1, offset + length);
    yield { record, key: record.toString('utf8', 0, Math.max(0, record.indexOf(61))), raw: data.subarray(offset, offset + length) };
    offset += length;
  }
}

export function paddingOf(sizeBytes: number): number {
  return (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
}

function formatTarHeader(header: Omit<TarHeader, 'link'>): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, width: number): void => void block.write(`${Math.max(0, Math.trunc(value)).toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
  block.write(header.name, 0, 100, 'latin1');
  octal(header.mode, 100, 8);
  octal(Math.min(header.uid, 0o7777777), 108, 8);
  octal(Math.min(header.gid, 0o7777777), 116, 8);
  octal(header.sizeBytes, 124, 12);
  octal(header.mtime, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(header.type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(0, 329, 8);
  octal(0, 337, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function formatPaxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length + rest !== length) length = rest + String(length).length;
  return `${String(length)} ${key}=${value}\n`;
}

export function parseText(block: Buffer, offset: number, width: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end < 0 || end > offset + width ? offset + width : end);
}

// Octal text, or base 256 when the top bit is set (GNU, for numbers too large for octal).
function parseNumber(block: Buffer, offset: number, width: number): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) {
    let value = (block[offset] ?? 0) & 0x7f;
    for (let index = 1; index < width; index++) value = value * 256 + (block[offset + index] ?? 0);
    return value;
  }
  return Number.parseInt(parseText(block, offset, width).trim() || '0', 8);
}
