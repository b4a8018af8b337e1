// Callers of a Unix socket that were built with older gRPC libraries (Go's before 1.57) send its path as `:authority`. nghttp2 refuses that, as a slash
// may not stand there, and the call with it. It is nobody's matter here whom the caller thinks it calls: what it says is replaced on the way in.
//
// The replacement is the shortest there is, so that what the decoder keeps of earlier headers is never less than what the caller counts on (RFC 7541, 4).
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const HEADERS = 1;
const END_HEADERS = 0x4;
const PADDED_OR_PRIORITY = 0x28;
/** As much as a frame may hold unless more was agreed on. */
const FRAME_MAX_BYTES = 16_384;
const AUTHORITY = 1;
const REPLACEMENT = Buffer.from([1, 0x78]);

/** The socket as an HTTP/2 server may read it. */
export function withPlainAuthority(socket: Socket): Duplex {
  const replace = createReplacer();
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    const replaced = replace(chunk);
    if (replaced.length > 0 && !duplex.push(replaced)) socket.pause();
  });
  socket.once('end', () => duplex.push(null)).once('close', () => duplex.destroy());
  socket.on('error', () => {}); // what broke it is told by its end
  return duplex;
}

/** Takes bytes as they come, gives those that are whole frames. */
function createReplacer(): (chunk: Buffer) => Buffer {
  let held: Buffer = Buffer.alloc(0);
  let begun = false;
  /** Of a frame that goes through as it is, and is not all here. */
  let passing = 0;
  return (chunk) => {
    const out: Buffer[] = [];
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const take = (count: number): Buffer => {
      const taken = held.subarray(0, count);
      held = held.subarray(count);
      return taken;
    };
    if (!begun && held.length >= PREFACE_BYTES) {
      begun = true;
      out.push(take(PREFACE_BYTES));
    }
    while (begun && held.length > 0) {
      if (passing > 0) {
        const part = take(Math.min(passing, held.length));
        passing -= part.length;
        out.push(part);
        continue;
      }
      if (held.length < FRAME_HEADER_BYTES) break;
      const length = held.readUIntBE(0, 3);
      const changes = held[3] === HEADERS && ((held[4] ?? 0) & END_HEADERS) !== 0 && ((held[4] ?? 0) & PADDED_OR_PRIORITY) === 0 && length <= FRAME_MAX_BYTES;
      if (changes && held.length < FRAME_HEADER_BYTES + length) break;
      if (changes) out.push(framed(take(FRAME_HEADER_BYTES), replaceAuthority(take(length))));
      else passing = FRAME_HEADER_BYTES + length;
    }
    return Buffer.concat(out);
  };
}

function framed(header: Buffer, block: Buffer): Buffer {
  const changed = Buffer.from(header);
  changed.writeUIntBE(block.length, 0, 3);
  return Buffer.concat([changed, block]);
}

/** Walks a header block's fields without understanding any but the one (RFC 7541, 6). */
function replaceAuthority(block: Buffer): Buffer {
  const out: Buffer[] = [];
  let at = 0;
  while (at < block.length) {
    const start = at;
    const first = block[at] ?? 0;
    const prefix = (first & 0x80) !== 0 ? 7 : (first & 0xc0) === 0x40 ? 6 : (first & 0xe0) === 0x20 ? 5 : 4;
    const name = integer(block, at, prefix);
    at = name.end;
    if (prefix === 6 || prefix === 4) {
      if (name.value === 0) at = afterText(block, at);
      const value = at;
      at = afterText(block, at);
      if (name.value === AUTHORITY && at - value > REPLACEMENT.length) {
        out.push(block.subarray(start, value), REPLACEMENT);
        continue;
      }
    }
    out.push(block.subarray(start, at));
  }
  return Buffer.concat(out);
}

function afterText(block: Buffer, at: number): number {
  const length = integer(block, at, 7);
  return length.end + length.value;
}

function integer(block: Buffer, at: number, prefix: number): { value: number; end: number } {
  const mask = (1 << prefix) - 1;
  let value = (block[at] ?? 0) & mask;
  let end = at + 1;
  if (value < mask) return { value, end };
  for (let shift = 0; end < block.length; shift += 7) {
    const byte = block[end++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) break;
  }
  return { value, end };
}
