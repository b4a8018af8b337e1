// Rewrites a layer's tar stream for overlay: `.wh.NAME` becomes a character device 0:0, `.wh..wh..opq` the opaque xattr on its directory.
// Attributes of overlayfs itself are left out: they are ours to write, and could point into other layers. Everything else passes through
// as it is. Zero blocks are dropped and written once at the end, as some layers have them inside.
import { BLOCK, formatPax, formatTarEntry, paddingOf, parsePax, paxRecords, parseTarHeader, parseText, type TarHeader } from './tar-header.ts';

const OPAQUE = '.wh..wh..opq';
const WHITEOUT = '.wh.';
const OVERLAY_ATTRIBUTE = /^(SCHILY|LIBARCHIVE)\.xattr\.(trusted|user)\.overlay\./;
const EXTENSION_BYTES_MAX = 1 << 20;
/** All that stands before one entry, and a sparse file's map: they are held until the entry is known. */
const HEADERS_BYTES_MAX = 4 << 20;

export interface Tally {
  /** Bytes of regular files so far. */
  sizeBytes: number;
}

export async function* withOverlayWhiteouts(source: AsyncIterable<Buffer>, tally: Tally): AsyncGenerator<Buffer> {
  const input = createBlockReader(source);
  const directories = new Map<string, TarHeader>();
  for (;;) {
    const entry = await readEntry(input);
    if (entry === undefined) break;
    const { header } = entry;
    const slash = header.name.lastIndexOf('/');
    const base = header.name.slice(slash + 1);
    const parent = header.name.slice(0, slash + 1);
    if (header.type === '5') directories.set(directoryKey(header.name), header);
    if (base === OPAQUE) {
      const known = directories.get(directoryKey(parent)) ?? { ...header, mode: 0o755, uid: 0, gid: 0 };
      yield formatTarEntry({ ...known, name: parent === '' ? './' : parent, type: '5' }, { 'SCHILY.xattr.trusted.overlay.opaque': 'y' });
      await input.skip(entry.dataBytes);
    } else if (base.startsWith('.wh..wh.')) {
      await input.skip(entry.dataBytes); // aufs bookkeeping of old images
    } else if (base.startsWith(WHITEOUT)) {
      yield formatTarEntry({ ...header, name: parent + base.slice(WHITEOUT.length), type: '3', mode: 0, uid: 0, gid: 0 });
      await input.skip(entry.dataBytes);
    } else {
      tally.sizeBytes += header.type === '0' || header.type === '\0' ? header.sizeBytes : 0;
      yield entry.raw;
      yield* input.pass(entry.dataBytes);
    }
  }
  yield Buffer.alloc(2 * BLOCK);
}

interface Entry {
  header: TarHeader;
  /** Its headers, with the extension headers before them. */
  raw: Buffer;
  /** With padding. */
  dataBytes: number;
}

async function readEntry(input: BlockReader): Promise<Entry | undefined> {
  const raw: Buffer[] = [];
  let path: string | undefined;
  let sizeBytes: number | undefined;
  for (;;) {
    const block = await input.block();
    if (block === undefined) return undefined;
    if (block.every((byte) => byte === 0)) continue;
    const header = parseTarHeader(block);
    if (lengthOf(raw) > HEADERS_BYTES_MAX) throw new Error(`the archive is damaged: more than ${String(HEADERS_BYTES_MAX)} bytes of headers for one entry`);
    if (!'xg'.includes(header.type)) raw.push(block);
    if (!'xgLK'.includes(header.type)) {
      for (let more = header.type === 'S' && block[482] === 1; more; ) more = await readSparseBlock(input, raw);
      const size = sizeBytes ?? header.sizeBytes;
      const hasData = !'123456'.includes(header.type);
      return { header: { ...header, name: path ?? header.name, sizeBytes: size }, raw: Buffer.concat(raw), dataBytes: hasData ? size + paddingOf(size) : 0 };
    }
    if (header.sizeBytes > EXTENSION_BYTES_MAX) throw new Error(`the archive is damaged: an extension header of ${String(header.sizeBytes)} bytes`);
    const padded = await input.exactly(header.sizeBytes + paddingOf(header.sizeBytes));
    const data = padded.subarray(0, header.sizeBytes);
    if (header.type === 'L') path = parseText(data, 0, data.length);
    raw.push('xg'.includes(header.type) ? withoutOverlayAttributes(header, data) : padded);
    if (header.type !== 'x') continue;
    const records = parsePax(data);
    path = records.get('path') ?? path;
    sizeBytes = records.has('size') ? Number(records.get('size')) : sizeBytes;
  }
}

function withoutOverlayAttributes(header: TarHeader, data: Buffer): Buffer {
  const kept = Buffer.concat([...paxRecords(data)].filter(({ key }) => !OVERLAY_ATTRIBUTE.test(key)).map(({ raw }) => raw));
  return kept.length === 0 ? kept : formatPax(header, kept);
}

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

async function readSparseBlock(input: BlockReader, raw: Buffer[]): Promise<boolean> {
  const block = await input.exactly(BLOCK);
  raw.push(block);
  if (raw.length * BLOCK > HEADERS_BYTES_MAX) throw new Error('the archive is damaged: the map of a sparse file has no end');
  return block[504] === 1;
}

function directoryKey(name: string): string {
  return name.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
}

interface BlockReader {
  /** Undefined at the end. */
  block(): Promise<Buffer | undefined>;
  exactly(length: number): Promise<Buffer>;
  skip(length: number): Promise<void>;
  pass(length: number): AsyncGenerator<Buffer>;
}

function createBlockReader(source: AsyncIterable<Buffer>): BlockReader {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const fill = async (): Promise<boolean> => {
    const { value, done } = await iterator.next();
    if (done === true) return false;
    held = held.length === 0 ? value : Buffer.concat([held, value]);
    return true;
  };
  const take = (length: number): Buffer => {
    const piece = held.subarray(0, length);
    held = held.subarray(length);
    return piece;
  };
  const reader: BlockReader = {
    async block() {
      while (held.length < BLOCK) if (!(await fill())) return undefined;
      return take(BLOCK);
    },
    async exactly(length) {
      while (held.length < length) if (!(await fill())) throw new Error('the archive ends in the middle');
      return take(length);
    },
    async skip(length) {
      for await (const piece of reader.pass(length)) void piece;
    },
    async *pass(length) {
      for (let left = length; left > 0; ) {
        if (held.length === 0 && !(await fill())) throw new Error('the archive ends in the middle');
        const piece = take(left);
        left -= piece.length;
        if (piece.length > 0) yield piece;
      }
    },
  };
  return reader;
}
