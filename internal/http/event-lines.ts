// The lines of a watch as bytes, several to a write. Watches that select alike are told of the same changes in the same moment, so what was
// made for one is kept for the next: a change costs a hundred watchers one encoding and a hundred writes of the same bytes.
import { onQuiet } from '../base/quiet.ts';
import { objectBytes } from './object-bytes.ts';

/** A write that holds this much is not added to. */
const WRITE_BYTES = 64 * 1024;

export interface EventLines {
  add(type: string, object: object): void;
  isEmpty(): boolean;
  isFull(): boolean;
  /** All that was added since the last time. May be shared: not to be changed. */
  take(): Buffer;
}

interface Line {
  readonly type: string;
  readonly object: object;
  readonly bytes: Buffer;
}

interface Written {
  readonly lines: readonly Line[];
  readonly bytes: Buffer;
}

/** By whether they are chunks. */
const last = new Map<boolean, Written>();
onQuiet(() => last.clear());

/** `chunked`: what is taken is framed as a chunk of HTTP/1.1 (RFC 9112, 7.1). */
export function createEventLines({ chunked = false } = {}): EventLines {
  let lines: Line[] = [];
  let size = 0;
  return {
    add(type, object) {
      const bytes = objectBytes(object);
      lines.push({ type, object, bytes });
      size += bytes.length;
    },
    isEmpty: () => lines.length === 0,
    isFull: () => size >= WRITE_BYTES,
    take() {
      const taken = lines;
      lines = [];
      size = 0;
      return taken.length === 0 ? NOTHING : written(taken, chunked);
    },
  };
}

function written(lines: readonly Line[], chunked: boolean): Buffer {
  const before = last.get(chunked);
  if (before !== undefined && isSame(before.lines, lines)) return before.bytes;
  const parts = lines.flatMap((line) => [beginOf(line.type), line.bytes, END]);
  const bytes = Buffer.concat(chunked ? chunkOf(parts) : parts);
  if (bytes.length < 2 * WRITE_BYTES) last.set(chunked, { lines, bytes });
  return bytes;
}

function chunkOf(parts: readonly Buffer[]): Buffer[] {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return [Buffer.from(`${size.toString(16)}\r\n`), ...parts, CHUNK_END];
}

function isSame(one: readonly Line[], other: readonly Line[]): boolean {
  return one.length === other.length && one.every(({ type, object }, index) => type === other[index]?.type && object === other[index].object);
}

function beginOf(type: string): Buffer {
  return BEGINNINGS[type] ?? Buffer.from(`{"type":"${type}","object":`);
}

const BEGINNINGS: Readonly<Record<string, Buffer>> = Object.fromEntries(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].map((type) => [type, Buffer.from(`{"type":"${type}","object":`)]));
const END = Buffer.from('}\n');
const CHUNK_END = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);
