// A watch on a connection: the same lines by every version of HTTP, whole and in order although the client stops reading, and an end after
// which the connection is of use. One who goes away is forgotten.
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { freeze, type KubeObject } from '../../../internal/api/meta.ts';
import type { WatchEvent } from '../../../internal/api/request.ts';
import { JSON_LINES } from '../../../internal/http/event-lines.ts';
import { createFanOut } from '../../../internal/http/fan-out.ts';
import type { HttpResponse } from '../../../internal/http/respond.ts';
import { streamWatch } from '../../../internal/http/watch-stream.ts';
import { createWatchBuffer, type WatchBuffer } from '../../../internal/watch/buffer.ts';
import { settle } from '../../support/fake-clock.ts';

const fanOut = createFanOut(systemClock);
const event = (name: string, text = 'ü'): WatchEvent => ({ type: 'ADDED', object: freeze({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }, data: { text } } as KubeObject) });
const linesOf = (events: readonly WatchEvent[]): string => events.map((one) => `${JSON.stringify(one)}\n`).join('');
const few = ['a', 'b', 'c'].map((name) => event(name));
/** More than the sockets of both sides hold. */
const large = Array.from({ length: 400 }, (_, index) => event(`l-${String(index)}`, 'x'.repeat(50_000)));

interface Watch {
  response: ServerResponse;
  events: WatchBuffer<WatchEvent>;
  ended: Promise<void>;
}

/** A watch of its own for each request. */
function streams(): { answer(response: HttpResponse): void; next(): Promise<Watch> } {
  const begun: Watch[] = [];
  let tell = (): void => {};
  return {
    answer(response) {
      const gone = new AbortController();
      const events = createWatchBuffer<WatchEvent>();
      gone.signal.addEventListener('abort', events.end);
      (response as ServerResponse).once('close', () => gone.abort());
      begun.push({ response: response as ServerResponse, events, ended: streamWatch(response, { events, signal: gone.signal, form: JSON_LINES, fanOut, show: (object) => object }) });
      tell();
    },
    async next() {
      if (begun.length === 0) await new Promise<void>((resolve) => (tell = resolve));
      return begun.shift() as Watch;
    },
  };
}

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function textOf(stream: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

t.test('HTTP/1.1: a client that reads late misses nothing and is not buffered for, and its connection takes the next watch', async (t) => {
  const { answer, next } = streams();
  const port = await listen(t, createServer((_, response) => answer(response)));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const ports: (number | undefined)[] = [];
  for (const wanted of [few, large, [], few]) {
    const asked = request({ port, agent }).end();
    const [[incoming], { response, events, ended }] = await Promise.all([once(asked, 'response') as Promise<[IncomingMessage]>, next()]);
    ports.push(asked.socket?.localPort);
    t.equal(incoming.headers['transfer-encoding'], 'chunked');
    for (const one of wanted) events.push(one);
    await settle();
    t.ok((response.socket?.writableLength ?? 0) < 1024 * 1024, 'what it does not read waits as events');
    events.end();
    t.equal(await textOf(incoming), linesOf(wanted));
    await ended;
  }
  t.equal(new Set(ports).size, 1);
});

t.test('HTTP/1.0 has no chunks', async (t) => {
  const { answer, next } = streams();
  const socket = connect(await listen(t, createServer((_, response) => answer(response))), '127.0.0.1');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const { events } = await next();
  for (const one of few) events.push(one);
  await settle();
  events.end();
  const [head = '', body = ''] = (await textOf(socket)).split('\r\n\r\n');
  t.notMatch(head.toLowerCase(), 'transfer-encoding');
  t.equal(body, linesOf(few));
});

t.test('a request that was sent before the answer to the one before it gets its watch after that', async (t) => {
  const { answer, next } = streams();
  let finishFirst = (): void => {};
  const port = await listen(t, createServer((asked, response) => {
    if (asked.url === '/first') finishFirst = () => void response.end('first');
    else answer(response);
  }));
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const { events } = await next();
  for (const one of few) events.push(one);
  await settle();
  finishFirst();
  await settle();
  events.push(event('last'));
  events.end();
  const text = await textOf(socket);
  t.match(text, /first\s*HTTP\/1\.1 200/);
  t.ok(text.includes(linesOf(few)));
  t.ok(text.includes(linesOf([event('last')])));
  t.match(text, /\r\n0\r\n\r\n$/);
});

t.test('HTTP/2: several watches on one connection', async (t) => {
  const { answer, next } = streams();
  const server = createHttp2Server((_, response) => answer(response));
  const client = connectHttp2(`http://127.0.0.1:${String(await listen(t, server))}`);
  t.teardown(() => client.destroy());
  const texts: Promise<string>[] = [];
  for (const wanted of [few, large, few]) {
    const stream = client.request({ ':path': '/' });
    const { events, ended } = await next();
    for (const one of wanted) events.push(one);
    events.end();
    texts.push(textOf(stream).then(async (text) => {
      await ended;
      return text;
    }));
  }
  t.same(await Promise.all(texts), [few, large, few].map(linesOf));
});

t.test('a client that goes away while it does not read ends its watch', async (t) => {
  const { answer, next } = streams();
  const port = await listen(t, createServer((_, response) => answer(response)));
  const asked = request({ port }).end();
  const [[incoming], { events, ended }] = await Promise.all([once(asked, 'response') as Promise<[IncomingMessage]>, next()]);
  incoming.on('error', () => {}); // closed by us
  for (const one of large) events.push(one);
  await settle();
  asked.destroy();
  await ended;
  t.equal(events.ended, true);
  t.equal(events.poll(), undefined);
});
