// The lines of a watch as bytes, several to a write. Watches that select alike are told of the same changes in the same moment, so what was
// made for one is kept for the next: a change costs a hundred watchers one encoding and a hundred writes of the same bytes.
import { onQuiet } from '../base/quiet.ts';
import { objectBytes } from './object-bytes.ts';

/** A write that holds this much is not added to. */
const WRITE_BYTES = 64 * 1024;

/** How events are written. */
export interface EventForm {
  name: string;
  contentType: string;
  bytesOf(object: object): Buffer;
  framed(type: string, object: Buffer): Buffer[];
}

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

/** By their form, and whether they are chunks. */
const last = new Map<string, Written>();
onQuiet(() => last.clear());

export const JSON_LINES: EventForm = { name: 'json', contentType: 'application/json', bytesOf: objectBytes, framed: (type, object) => [beginOf(type), object, END] };

/** `chunked`: what is taken is framed as a chunk of HTTP/1.1 (RFC 9112, 7.1). */
export function createEventLines({ chunked = false, form = JSON_LINES } = {}): EventLines {
  let lines: Line[] = [];
  let size = 0;
  return {
    add(type, object) {
      const bytes = form.bytesOf(object);
      lines.push({ type, object, bytes });
      size += bytes.length;
    },
    isEmpty: () => lines.length === 0,
    isFull: () => size >= WRITE_BYTES,
    take() {
      const taken = lines;
      lines = [];
      size = 0;
      return taken.length === 0 ? NOTHING : written(taken, { chunked, form });
    },
  };
}

function written(lines: readonly Line[], { chunked, form }: { chunked: boolean; form: EventForm }): Buffer {
  const key = `${form.name} ${String(chunked)}`;
  const before = last.get(key);
  if (before !== undefined && isSame(before.lines, lines)) return before.bytes;
  const parts = lines.flatMap((line) => form.framed(line.type, line.bytes));
  const bytes = Buffer.concat(chunked ? chunkOf(parts) : parts);
  if (bytes.length < 2 * WRITE_BYTES) last.set(key, { lines, bytes });
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
