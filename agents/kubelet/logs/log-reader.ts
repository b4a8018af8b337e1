// Reads a container's log from where it was left, and gives what was asked for of it. Partial lines come out as they are in the file: the
// text is joined, a line's time stands once before it.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
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
}

const CHUNK_BYTES = 256 * 1024;

export function openLog(path: string, options: LogOptions): LogReader {
  let offset = 0;
  let rest = '';
  let first = true;
  let left = options.limitBytes ?? Infinity;
  const open: Record<string, boolean> = {};

  function lines(): LogLine[] {
    const text = rest + readFrom(path, offset);
    offset += Buffer.byteLength(text) - Buffer.byteLength(rest);
    const end = text.lastIndexOf('\n');
    rest = text.slice(end + 1);
    return text.slice(0, Math.max(0, end)).split('\n').flatMap((line) => parseLogLine(line) ?? []);
  }

  function format(line: LogLine): string {
    const continued = open[line.stream] === true;
    open[line.stream] = line.partial;
    return `${options.timestamps && !continued ? `${line.time} ` : ''}${line.text}${line.partial ? '' : '\n'}`;
  }

  return {
    read() {
      const wanted = lines().filter(({ stream, time }) => (options.stream === undefined || stream === options.stream) && (options.sinceMs === undefined || Date.parse(time) >= options.sinceMs));
      const shown = first && options.tailLines !== undefined ? tail(wanted, options.tailLines) : wanted;
      first = false;
      const bytes = Buffer.from(shown.map(format).join(''));
      const cut = bytes.length > left ? bytes.subarray(0, left) : bytes;
      left -= cut.length;
      return cut;
    },
    full: () => left <= 0,
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

function readFrom(path: string, offset: number): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const chunks: Buffer[] = [];
    for (let at = offset; at < size; ) {
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, size - at));
      const got = readSync(file, buffer, 0, buffer.length, at);
      if (got === 0) break;
      chunks.push(buffer.subarray(0, got));
      at += got;
    }
    // Only whole lines are decoded, so that no character is cut.
    const all = Buffer.concat(chunks);
    return all.subarray(0, all.lastIndexOf(0x0a) + 1).toString();
  } finally {
    closeSync(file);
  }
}
