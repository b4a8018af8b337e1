// Reads a container's log from where it was left, and gives what was asked for of it, byte for byte and piece by piece: a log may be larger than
// memory is. Partial lines come out as they are in the file: the text is joined, a line's time stands once before it. A log that is rotated
// meanwhile is read to its end, then the new one. What stands at its path and is no file (a pod may mount the folder of logs) is not read.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { parseLogLine, type LogLine } from './cri-log.ts';

export interface LogOptions {
  timestamps: boolean;
  tailLines?: number;
  sinceMs?: number;
  limitBytes?: number;
  stream?: 'stdout' | 'stderr';
}

export interface LogReader {
  /** The next piece of what has come (it may be empty); undefined when that was all for now. The first call looks for where `tailLines` begin. */
  read(): Buffer | undefined;
  /** limitBytes has been reached. */
  full(): boolean;
  close(): void;
}

const PIECE_BYTES = 256 * 1024;
/** What is longer and has no end is no line. */
const LINE_MAX_BYTES = 16 << 20;

export function openLog(path: string, options: LogOptions): LogReader {
  const isWanted = ({ stream, time }: LogLine): boolean => (options.stream === undefined || stream === options.stream) && (options.sinceMs === undefined || Date.parse(time) >= options.sinceMs);
  const file = openRotating(path, (opened) => (options.tailLines === undefined ? 0 : startOfTail(opened, options.tailLines, isWanted)));
  let left = options.limitBytes ?? Infinity;
  const open: Record<string, boolean> = {};

  function format(line: LogLine): string {
    const continued = open[line.stream] === true;
    open[line.stream] = line.partial;
    return `${options.timestamps && !continued ? `${line.time.replace(/\+00:00$/, 'Z')} ` : ''}${line.partial ? line.text : `${line.text.replace(/\r$/, '')}\n`}`;
  }

  return {
    read() {
      const text = left > 0 ? file.read() : undefined;
      if (text === undefined) return undefined;
      const bytes = Buffer.from(linesOf(text).filter(isWanted).map(format).join(''), 'latin1').subarray(0, left);
      left -= bytes.length;
      return bytes;
    },
    full: () => left <= 0,
    close: file.close,
  };
}

function linesOf(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => parseLogLine(line) ?? []);
}

/** Where the last so many whole lines begin (a line in several parts counts once). */
function startOfTail(file: number, count: number, isWanted: (line: LogLine) => boolean): number {
  const ends: number[] = []; // of the last `count + 1` of them, by their number
  let found = 0;
  let offset = 0;
  for (let text = readLines(file, offset); text !== ''; text = readLines(file, offset)) {
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf('\n', at) + 1 || text.length;
      const line = parseLogLine(text.slice(at, end - 1));
      if (line?.partial === false && isWanted(line)) ends[found++ % (count + 1)] = offset + end;
      at = end;
    }
    offset += text.length;
  }
  if (count <= 0) return offset;
  return found > count ? ends[found % (count + 1)] ?? 0 : 0;
}

/** Whole lines that have come since the last read, with each byte as one character. */
function openRotating(path: string, startOf: (file: number) => number): { read(): string | undefined; close(): void } {
  let file: number | undefined;
  let offset = 0;
  let first = true;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const more = (): string => {
    const text = file === undefined ? '' : readLines(file, offset);
    offset += text.length;
    return text;
  };
  const isBehind = (now: number | undefined): now is number => now !== undefined && (file === undefined || now !== fstatSync(file).ino);
  return {
    close,
    read() {
      const begins = first;
      first = false;
      const now = inodeOf(path);
      const rest = more();
      if (rest !== '' || !isBehind(now)) return rest === '' ? undefined : rest;
      close();
      file = openFile(path);
      offset = begins ? startOf(file) : 0;
      return more() || undefined;
    },
  };
}

function openFile(path: string): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error(`the log ${path} is not a file`);
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** From there on, as many as make a piece; '' when not one has come whole. */
function readLines(file: number, offset: number): string {
  for (let length = PIECE_BYTES; ; length *= 2) {
    const buffer = Buffer.alloc(Math.min(length, Math.max(0, fstatSync(file).size - offset)));
    const piece = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset));
    const end = piece.lastIndexOf(0x0a) + 1;
    if (end > 0 || piece.length < length) return piece.toString('latin1', 0, end);
    if (length >= LINE_MAX_BYTES) return piece.toString('latin1');
  }
}
