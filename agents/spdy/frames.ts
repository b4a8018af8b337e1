// SPDY/3.1 frames: what Kubernetes' streams need of the protocol and no more (no priorities, no server push). Header blocks are zlib with
// the protocol's dictionary, one stream each way for the whole connection.
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './dictionary.ts';

export const FRAME = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
export const FLAG_FIN = 1;

export type Frame =
  | { kind: 'data'; stream: number; fin: boolean; data: Buffer }
  | { kind: 'control'; type: number; flags: number; data: Buffer };

export interface FrameParser {
  /** Frames that are whole now. Throws when what comes is no SPDY. */
  push(chunk: Buffer): Frame[];
}

const HEADER_BYTES = 8;
/** Headers are short; data frames may be as long as a frame can be (16 MB). */
const CONTROL_MAX_BYTES = 1 << 20;
const HEADERS_MAX_BYTES = 1 << 20;

export function createFrameParser(): FrameParser {
  let pieces: Buffer[] = [];
  let held = 0;
  let wanted = HEADER_BYTES;
  return {
    push(chunk) {
      pieces.push(chunk);
      held += chunk.length;
      if (held < wanted) return [];
      const frames: Frame[] = [];
      const bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces);
      let at = 0;
      for (wanted = lengthAt(bytes, at); bytes.length - at >= wanted; wanted = lengthAt(bytes, at)) {
        frames.push(parseFrame(bytes.subarray(at, at + wanted)));
        at += wanted;
      }
      held = bytes.length - at;
      pieces = held === 0 ? [] : [bytes.subarray(at)];
      return frames;
    },
  };
}

/** Of the frame that begins there, with its header; as much as tells it while that has not come. */
function lengthAt(bytes: Buffer, at: number): number {
  if (bytes.length - at < HEADER_BYTES) return HEADER_BYTES;
  const length = bytes.readUIntBE(at + 5, 3);
  const isControl = ((bytes[at] ?? 0) & 0x80) !== 0;
  if (isControl && length > CONTROL_MAX_BYTES) throw new Error(`a control frame of ${String(length)} bytes`);
  return HEADER_BYTES + length;
}

function parseFrame(bytes: Buffer): Frame {
  const word = bytes.readUInt32BE(0);
  const flags = bytes[4] ?? 0;
  const data = bytes.subarray(HEADER_BYTES);
  return (word & 0x80000000) !== 0 ? { kind: 'control', type: word & 0xffff, flags, data } : { kind: 'data', stream: word & 0x7fffffff, fin: (flags & FLAG_FIN) !== 0, data };
}

export function dataFrame(stream: number, data: Uint8Array, fin = false): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(stream, 0);
  header.writeUInt32BE(data.length, 4);
  header[4] = fin ? FLAG_FIN : 0;
  return Buffer.concat([header, data]);
}

export function controlFrame(type: number, data: Uint8Array, flags = 0): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(0x8003, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt32BE(data.length, 4);
  header[4] = flags;
  return Buffer.concat([header, data]);
}

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
}

export interface HeaderCodec {
  encode(headers: Record<string, string>): Promise<Buffer>;
  decode(block: Buffer): Promise<Record<string, string>>;
  close(): void;
}

/** One for each connection: both directions remember what went before, so calls must come in the order of the frames. */
export function createHeaderCodec(): HeaderCodec {
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
  const inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  return {
    async encode(headers) {
      const entries = Object.entries(headers);
      const text = (value: string): Buffer[] => [words(Buffer.byteLength(value)), Buffer.from(value)];
      return through(deflate, Buffer.concat([words(entries.length), ...entries.flatMap(([name, value]) => [...text(name.toLowerCase()), ...text(value)])]));
    },
    async decode(block) {
      return parseHeaders(await through(inflate, block));
    },
    close() {
      deflate.close();
      inflate.close();
    },
  };
}

/** Writes, flushes to a byte boundary (an empty stored block ends each header block, as Go's inflater needs) and gives what came out. */
function through(stream: Deflate | Inflate, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const collect = (chunk: Buffer): void => {
      length += chunk.length;
      if (length <= HEADERS_MAX_BYTES) chunks.push(chunk);
      else reject(new Error(`a header block of more than ${String(HEADERS_MAX_BYTES)} bytes`)); // who asked closes all: nothing more is unpacked
    };
    stream.on('data', collect);
    stream.once('error', reject);
    stream.write(input);
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      stream.off('data', collect);
      stream.off('error', reject);
      resolve(Buffer.concat(chunks));
    });
  });
}

function parseHeaders(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = (): string => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.toString('utf8', at - length, at);
  };
  for (let left = bytes.readUInt32BE(0); left > 0; left--) {
    const name = text();
    headers[name] = text();
  }
  return headers;
}
