// `kubectl exec` without stdin, as little of a WebSocket (v5.channel.k8s.io) as it needs: frames of the server's are read until the Status comes.
import { randomBytes } from 'node:crypto';
import { request, type RequestOptions } from 'node:https';

const STDOUT = 1;
const STATUS = 3;

export function execOver(path: string, options: RequestOptions): Promise<{ stdout: string; status: string }> {
  return new Promise((resolve, reject) => {
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': randomBytes(16).toString('base64'), 'Sec-WebSocket-Protocol': 'v5.channel.k8s.io' };
    const sent = request({ ...options, path, headers });
    sent.on('error', reject);
    sent.on('response', (response) => reject(new Error(`exec ${path}: ${String(response.statusCode)}`)));
    sent.on('upgrade', (_response, socket, head) => {
      let [rest, stdout] = [head, ''];
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`exec ${path}: it ended without a status`)));
      const take = (chunk: Buffer): void => {
        rest = Buffer.concat([rest, chunk]);
        for (let frame = frameOf(rest); frame !== undefined; frame = frameOf(rest)) {
          rest = rest.subarray(frame.end);
          if (frame.payload[0] === STDOUT) stdout += frame.payload.subarray(1).toString();
          if (frame.payload[0] !== STATUS) continue;
          resolve({ stdout, status: frame.payload.subarray(1).toString() });
          return void socket.destroy();
        }
      };
      socket.on('data', take);
      take(Buffer.alloc(0));
    });
    sent.end();
  });
}

/** The first whole frame, unmasked as a server's are. */
function frameOf(bytes: Buffer): { payload: Buffer; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  return bytes.length < start + length ? undefined : { payload: bytes.subarray(start, start + length), end: start + length };
}
