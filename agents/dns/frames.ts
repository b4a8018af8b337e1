// Messages over TCP: each after its length in two bytes (RFC 7766).

/** Takes what arrives, in whatever pieces, and calls with each whole message. */
export function createFrames(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = 2;
  return (chunk) => {
    held.push(chunk);
    heldBytes += chunk.length;
    while (heldBytes >= wanted) {
      const all = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held);
      const size = 2 + all.readUInt16BE(0);
      wanted = heldBytes >= size ? 2 : size;
      if (heldBytes < size) {
        held = [all];
        return;
      }
      held = [all.subarray(size)];
      heldBytes -= size;
      onMessage(all.subarray(2, size));
    }
  };
}

export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  frame.set(message, 2);
  return frame;
}
