// The lines of a watch as bytes, several to a write. Watches that select alike are told of the same changes in the same moment, so what was
// made for one is kept for the next: a change costs a hundred watchers one encoding and a hundred writes.
import { onQuiet } from '../base/quiet.ts';
import { objectBytes } from './object-bytes.ts';

/** A write that holds this much is not added to. */
const WRITE_BYTES = 64 * 1024;

export interface EventLines {
  add(type: string, object: object): void;
  isFull(): boolean;
  /** All that was added since the last time. May be shared: not to be changed. */
  take(): Buffer;
}

interface Line {
  readonly type: string;
  readonly object: object;
  readonly bytes: Buffer;
}

let last: { lines: readonly Line[]; bytes: Buffer } | undefined;
onQuiet(() => {
  last = undefined;
});

export function createEventLines(): EventLines {
  let lines: Line[] = [];
  let size = 0;
  return {
    add(type, object) {
      const bytes = objectBytes(object);
      lines.push({ type, object, bytes });
      size += bytes.length;
    },
    isFull: () => size >= WRITE_BYTES,
    take() {
      const taken = lines;
      lines = [];
      size = 0;
      return written(taken);
    },
  };
}

function written(lines: readonly Line[]): Buffer {
  if (last !== undefined && isSame(last.lines, lines)) return last.bytes;
  const bytes = Buffer.concat(lines.flatMap((line) => [beginOf(line.type), line.bytes, END]));
  if (bytes.length < 2 * WRITE_BYTES) last = { lines, bytes };
  return bytes;
}

function isSame(one: readonly Line[], other: readonly Line[]): boolean {
  return one.length === other.length && one.every(({ type, object }, index) => type === other[index]?.type && object === other[index].object);
}

function beginOf(type: string): Buffer {
  return BEGINNINGS[type] ?? Buffer.from(`{"type":"${type}","object":`);
}

const BEGINNINGS: Readonly<Record<string, Buffer>> = Object.fromEntries(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].map((type) => [type, Buffer.from(`{"type":"${type}","object":`)]));
const END = Buffer.from('}\n');
