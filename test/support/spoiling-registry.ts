// Before a real registry: passes everything on, and spoils the blobs as it is told.
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What becomes of a large blob. `slow` is honest, and slow enough for something to happen meanwhile. */
export type Manner = 'slow' | 'stalls' | 'cuts' | 'lies' | 'is busy' | 'refuses';

export interface SpoilingRegistry {
  manner: Manner;
  /** Ranges that were asked for, of large blobs. */
  ranges: string[];
  stop(): Promise<void>;
}

const LARGE_BYTES = 500_000;
const PIECE_BYTES = 128 << 10;

export async function startSpoilingRegistry({ address, port, upstream }: { address: string; port: number; upstream: string }): Promise<SpoilingRegistry> {
  const registry: SpoilingRegistry = {
    manner: 'slow', ranges: [],
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((incoming, response) => {
    if (registry.manner === 'refuses') return void incoming.socket.destroy();
    const { host: _host, ...headers } = incoming.headers;
    response.on('error', () => {}); // the other end is killed now and then
    request(`${upstream}${incoming.url ?? ''}`, { headers, method: incoming.method }, (answer) => {
      void readAll(answer).then((body) => {
        if (incoming.url?.includes('/blobs/') !== true || Number(answer.headers['content-length'] ?? 0) < LARGE_BYTES || incoming.method === 'HEAD') return void response.writeHead(answer.statusCode ?? 500, answer.headers).end(body);
        if (incoming.headers.range !== undefined) registry.ranges.push(incoming.headers.range);
        return answerSpoiled(registry.manner, { answer, response, body });
      });
    }).on('error', () => response.destroy()).end();
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return registry;
}

async function answerSpoiled(manner: Manner, { answer, response, body }: { answer: IncomingMessage; response: ServerResponse; body: Buffer }): Promise<void> {
  if (manner === 'is busy') return void response.writeHead(503).end('busy');
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  if (manner === 'stalls') return void response.write(body.subarray(0, PIECE_BYTES));
  if (manner === 'cuts') return void response.write(body.subarray(0, body.length / 3), () => setImmediate(() => response.destroy()));
  if (manner === 'lies') return void response.end(changed(body));
  for (let offset = 0; offset < body.length && !response.destroyed; offset += PIECE_BYTES) {
    response.write(body.subarray(offset, offset + PIECE_BYTES));
    await sleep(30);
  }
  response.end();
}

function changed(body: Buffer): Buffer {
  const other = Buffer.from(body);
  const at = body.length >> 1;
  other.writeUInt8(other.readUInt8(at) ^ 1, at);
  return other;
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}
