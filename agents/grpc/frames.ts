// Messages on a gRPC stream: a byte that says whether it is compressed (never, here), four of length, the message.
import { CODE, GrpcError } from './error.ts';

const MESSAGE_MAX_BYTES = 16 << 20;
const PREFIX_BYTES = 5;

export function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Takes what comes as it comes, gives whole messages; throws a GrpcError for what cannot be one. */
export function createSplitter(onMessage: (message: Uint8Array) => void): (chunk: Buffer) => void {
  const chunks: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    for (let wanted = lengthOf(chunks, held); wanted !== undefined && held >= wanted; wanted = lengthOf(chunks, held)) {
      const bytes = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
      const rest = bytes.subarray(wanted);
      chunks.splice(0, chunks.length, ...(rest.length > 0 ? [rest] : []));
      held = rest.length;
      onMessage(bytes.subarray(PREFIX_BYTES, wanted));
    }
  };
}

/** Of the message that comes first, with its prefix; undefined while not even that is here. */
function lengthOf(chunks: Buffer[], held: number): number | undefined {
  if (held < PREFIX_BYTES) return undefined;
  const [first = Buffer.alloc(0)] = chunks;
  const start = first.length >= PREFIX_BYTES ? first : Buffer.concat(chunks);
  if (start[0] !== 0) throw new GrpcError(CODE.unimplemented, 'the message is compressed, which was not asked for');
  const length = start.readUInt32BE(1);
  if (length > MESSAGE_MAX_BYTES) throw new GrpcError(CODE.resourceExhausted, `a message of ${String(length)} bytes is too large`);
  return PREFIX_BYTES + length;
}
