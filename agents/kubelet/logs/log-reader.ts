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
  /** Only what is there at the first read: what is written faster than it is read has no other end. */
  untilNow?: boolean;
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
  const file = openRotating(path, { untilNow: options.untilNow === true, startOf: (opened) => (options.tailLines === undefined ? 0 : startOfTail(opened, options.tailLines, isWanted)) });
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

/** Where the last so many whole lines begin (a line in several parts counts once): looked for from the end. */
function startOfTail(file: number, count: number, isWanted: (line: LogLine) => boolean): number {
  const isEnd = (text: string): boolean => {
    const line = parseLogLine(text);
    return count <= 0 || (line?.partial === false && isWanted(line));
  };
  let found = 0;
  let rest = ''; // of a line that begins further to the front
  for (let at = fstatSync(file).size; at > 0; ) {
    const from = Math.max(0, at - PIECE_BYTES);
    const text = readText(file, from, at - from) + rest;
    // Each line is known by the end of the one before it. What follows the last end has not come whole.
    for (let end = text.lastIndexOf('\n'); end >= 0; ) {
      const before = end === 0 ? -1 : text.lastIndexOf('\n', end - 1);
      if (before < 0 && from > 0) break;
      if (isEnd(text.slice(before + 1, end)) && ++found > count) return from + end + 1;
      end = before;
    }
    const first = text.indexOf('\n');
    rest = first < 0 && text.length < LINE_MAX_BYTES ? text : text.slice(0, first + 1);
    at = from;
  }
  return 0;
}

function readText(file: number, offset: number, length: number): string {
  const buffer = Buffer.alloc(length);
  return buffer.toString('latin1', 0, readSync(file, buffer, 0, length, offset));
}

/** Whole lines that have come since the last read, with each byte as one character. */
function openRotating(path: string, { untilNow, startOf }: { untilNow: boolean; startOf(file: number): number }): { read(): string | undefined; close(): void } {
  let file: number | undefined;
  let offset = 0;
  let end = Infinity;
  let first = true;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const more = (): string => {
    const text = file === undefined ? '' : readLines(file, offset, end);
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
      if (rest !== '' || !isBehind(now) || (untilNow && !begins)) return rest === '' ? undefined : rest;
      close();
      file = openFile(path);
      offset = begins ? startOf(file) : 0;
      if (untilNow) end = fstatSync(file).size;
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

/** From there on, as many as make a piece; '' when not one has come whole before the end. */
function readLines(file: number, offset: number, fileEnd: number): string {
  for (let length = PIECE_BYTES; ; length *= 2) {
    const buffer = Buffer.alloc(Math.min(length, Math.max(0, Math.min(fstatSync(file).size, fileEnd) - offset)));
    const piece = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset));
    const end = piece.lastIndexOf(0x0a) + 1;
    if (end > 0 || piece.length < length) return piece.toString('latin1', 0, end);
    if (length >= LINE_MAX_BYTES) return piece.toString('latin1');
  }
}
