// Reads a container's log from where it was left, and gives what was asked for of it, byte for byte. Partial lines come out as they are in
// the file: the text is joined, a line's time stands once before it. A log that is rotated meanwhile is read to its end, then the new one.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { parseLogLine, type LogLine } from './cri-log.ts';

export interface LogOptions {
  timestamps: boolean;
  tailLines?: number;
  sinceMs?: number;
  limitBytes?: number;
  stream?: 'stdout' | 'stderr';
}

export interface LogReader {
  /** What has come since the last call; the first call looks at the whole file and applies tailLines. */
  read(): Buffer;
  /** limitBytes has been reached. */
  full(): boolean;
  close(): void;
}

export function openLog(path: string, options: LogOptions): LogReader {
  const file = openRotating(path);
  let first = true;
  let left = options.limitBytes ?? Infinity;
  const open: Record<string, boolean> = {};

  function format(line: LogLine): string {
    const continued = open[line.stream] === true;
    open[line.stream] = line.partial;
    return `${options.timestamps && !continued ? `${line.time.replace(/\+00:00$/, 'Z')} ` : ''}${line.partial ? line.text : `${line.text.replace(/\r$/, '')}\n`}`;
  }

  return {
    read() {
      const lines = file.read().split('\n').flatMap((line) => parseLogLine(line) ?? []);
      const wanted = lines.filter(({ stream, time }) => (options.stream === undefined || stream === options.stream) && (options.sinceMs === undefined || Date.parse(time) >= options.sinceMs));
      const shown = first && options.tailLines !== undefined ? tail(wanted, options.tailLines) : wanted;
      first = false;
      const bytes = Buffer.from(shown.map(format).join(''), 'latin1');
      const cut = bytes.length > left ? bytes.subarray(0, left) : bytes;
      left -= cut.length;
      return cut;
    },
    full: () => left <= 0,
    close: file.close,
  };
}

/** The last so many whole lines (a line in several parts counts once). */
function tail(lines: readonly LogLine[], count: number): LogLine[] {
  if (count <= 0) return [];
  let found = 0;
  for (let at = lines.length - 1; at >= 0; at--) {
    if (lines[at]?.partial === false && ++found > count) return lines.slice(at + 1);
  }
  return [...lines];
}

/** Whole lines that have come since the last read, with each byte as one character. */
function openRotating(path: string): { read(): string; close(): void } {
  let file: number | undefined;
  let offset = 0;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const more = (): string => {
    if (file === undefined) return '';
    const text = readLines(file, offset);
    offset += text.length;
    return text;
  };
  return {
    close,
    read() {
      const now = inodeOf(path);
      if (file !== undefined && (now === undefined || now === fstatSync(file).ino)) return more();
      const rest = more();
      close();
      if (now === undefined) return rest;
      file = openSync(path, 'r');
      offset = 0;
      return rest + more();
    },
  };
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

const CHUNK_BYTES = 256 * 1024;

function readLines(file: number, offset: number): string {
  const { size } = fstatSync(file);
  const chunks: Buffer[] = [];
  for (let at = offset; at < size; ) {
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size - at));
    const got = readSync(file, buffer, 0, buffer.length, at);
    if (got === 0) break;
    chunks.push(buffer.subarray(0, got));
    at += got;
  }
  const all = Buffer.concat(chunks);
  return all.subarray(0, all.lastIndexOf(0x0a) + 1).toString('latin1');
}
