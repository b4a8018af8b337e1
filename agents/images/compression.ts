// What layers and archives are compressed with.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** Four times what is usual: each piece goes through many hands. */
const PIECES = { chunkSize: 64 << 10 };

/** By the first bytes, not the media type: registries get that one wrong. Who stops reading early closes the source. */
export async function* decompressed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < 4) {
      const { value, done } = await iterator.next();
      if (done === true) break;
      head = Buffer.concat([head, value]);
    }
    const whole = (async function* (): AsyncGenerator<Buffer> {
      if (head.length > 0) yield head;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    })();
    yield* decoded(whole, head);
  } finally {
    await iterator.return?.();
  }
}

async function* decoded(whole: AsyncGenerator<Buffer>, head: Buffer): AsyncGenerator<Buffer> {
  const decoder = head.readUInt16BE(0) === 0x1f8b ? createGunzip(PIECES) : head.readUInt32LE(0) === 0xfd2fb528 ? createZstdDecompress(PIECES) : undefined;
  if (decoder === undefined) return yield* whole;
  const failed = pipeline(Readable.from(whole), decoder).then(() => undefined, (error: unknown) => error);
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    throw (await failed) ?? error;
  }
}
