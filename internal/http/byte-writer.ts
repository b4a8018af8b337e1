// Many short texts and bytes, one after the other, into one buffer: no buffer for each, which would cost more than what is in it. What they
// are written into is kept for the next, and let go when the process is quiet.
import { onQuiet } from '../base/quiet.ts';

export interface ByteWriter {
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** All of it. The writer is not used after. */
  end(): Buffer;
}

/** Of one UTF-16 unit in UTF-8. */
const UNIT_BYTES_MAX = 3;
const FIRST_BYTES = 16 * 1024;
const KEPT_MAX = 4 * 1024 * 1024;

let kept: Buffer | undefined;
onQuiet(() => {
  kept = undefined;
});

export function createByteWriter(): ByteWriter {
  let buffer = kept ?? Buffer.allocUnsafeSlow(FIRST_BYTES);
  let length = 0;
  kept = undefined; // one writer's at a time
  const reserve = (more: number): void => {
    if (length + more <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length + more, 2 * buffer.length));
    larger.set(buffer.subarray(0, length));
    buffer = larger;
  };
  return {
    text(text) {
      reserve(UNIT_BYTES_MAX * text.length);
      length += buffer.write(text, length);
    },
    bytes(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    end() {
      if (buffer.length <= KEPT_MAX) kept = buffer;
      return Buffer.from(buffer.subarray(0, length));
    },
  };
}
