// A registry that cuts, stalls, lies and floods: a real one behind a proxy that spoils its answers.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createImageStore } from '../../../agents/images/local-image-store.ts';
import type { PullProgress } from '../../../agents/images/image-store.ts';
import { systemClock, type Clock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { seeded } from '../../contract/store.ts';
import { packTree, pushImages } from '../../support/images.ts';
import { startRegistry } from '../../support/registry.ts';

const chance = seeded(5);
const noise = Array.from({ length: 3_000_000 }, () => String.fromCharCode(33 + Math.floor(chance() * 90))).join('');
const registry = await startRegistry();
await pushImages(registry.url, [
  { name: 'big:1', layers: [{ tar: packTree({ 'noise': { text: noise } }) }] },
  { name: 'small:1', layers: [{ tar: packTree({ 'small': { text: 'x' } }) }] },
]);
t.teardown(() => registry.stop());

/** What becomes of an answer to a request for a blob. */
type Spoil = (answer: { upstream: IncomingMessage; response: ServerResponse; body: Buffer; count: number; request: IncomingMessage }) => void;

const honest: Spoil = ({ upstream, response, body }) => {
  response.writeHead(upstream.statusCode ?? 500, upstream.headers);
  response.end(body);
};

/** Backs off as ever, only not for so long. */
const hasty: Clock = { ...systemClock, setTimer: (ms, run) => systemClock.setTimer(ms / 100, run) };

async function scene(t: Test, spoil: Spoil, idleTimeoutMs = 10_000) {
  const asked: { path: string; range: string | undefined }[] = [];
  let count = 0;
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? '';
    const isBlob = path.includes('/blobs/');
    if (isBlob) asked.push({ path, range: incoming.headers.range });
    const { host: _host, ...headers } = incoming.headers;
    request(`${registry.url}${path}`, { headers }, (upstream) => {
      const pieces: Buffer[] = [];
      upstream.on('data', (piece: Buffer) => pieces.push(piece));
      upstream.on('end', () => {
        const body = Buffer.concat(pieces);
        // Configs are small; layers are what takes long.
        (isBlob && body.length > 1000 ? spoil : honest)({ upstream, response, body, count: isBlob && body.length > 1000 ? count++ : 0, request: incoming });
      });
    }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dataDir = mkdtempSync(join(tmpdir(), `skiff-bad-registry-${String(process.pid)}-`));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const store = createImageStore({ dataDir, clock: hasty, log: silentLog, idleTimeoutMs });
  return { store, asked, name: `127.0.0.1:${String((server.address() as AddressInfo).port)}/big:1`, layers: () => readdirSync(join(dataDir, 'agent/images/layers')) };
}

const refusal = (error: unknown): unknown => error;

t.test('cut again and again, a pull goes on where it broke off, and tells how far it is', async (t) => {
  const s = await scene(t, ({ upstream, response, body }) => {
    response.writeHead(upstream.statusCode ?? 500, upstream.headers);
    response.write(body.subarray(0, 700_000), () => setImmediate(() => response.destroy()));
  });
  const seen: PullProgress[] = [];
  const image = await s.store.pull(s.name, [], undefined, (progress) => seen.push(progress));
  t.equal(image.sizeBytes, noise.length);
  t.ok(s.asked.filter(({ range }) => range !== undefined).length > 1, 'with ranges');
  t.equal(seen.at(-1)?.doneBytes, seen.at(-1)?.totalBytes);
});

t.test('a server that knows no ranges starts over, and what has come is passed over', async (t) => {
  const s = await scene(t, ({ response, body, count, request: { headers, url } }) => {
    void (async () => {
      const whole = headers.range === undefined ? body : Buffer.from(await (await fetch(`${registry.url}${url ?? ''}`)).arrayBuffer());
      response.writeHead(200, { 'content-length': whole.length });
      if (count >= 3) response.end(whole);
      else response.write(whole.subarray(0, 300_000 * (count + 1)), () => setImmediate(() => response.destroy()));
    })();
  });
  t.equal((await s.store.pull(s.name, [])).sizeBytes, noise.length);
});

t.test('one that stalls is asked anew; one that never says more is given up, and the layer with it', async (t) => {
  const stall: Spoil = ({ upstream, response, body }) => {
    response.writeHead(upstream.statusCode ?? 500, upstream.headers);
    response.write(body.subarray(0, 100_000));
  };
  const once = await scene(t, (answer) => (answer.count === 0 ? stall : honest)(answer), 3000);
  t.equal((await once.store.pull(once.name, [])).sizeBytes, noise.length);
  const ever = await scene(t, ({ upstream, response }) => response.writeHead(upstream.statusCode ?? 500, upstream.headers).flushHeaders(), 100);
  t.match(await ever.store.pull(ever.name, []).catch(refusal), { reason: 'ErrImagePull', message: /failed to pull and unpack image/ });
  t.same(ever.layers(), []);
});

t.test('busy for a while is waited for', async (t) => {
  const s = await scene(t, (answer) => (answer.count < 3 ? void answer.response.writeHead(answer.count === 1 ? 429 : 503).end('busy') : honest(answer)));
  t.equal((await s.store.pull(s.name, [])).sizeBytes, noise.length);
});

t.test('lies are found out: other bytes, fewer, more, another place to go on from', async (t) => {
  const lies: Record<string, { spoil: Spoil; message: RegExp }> = {
    other: { message: /arrived with digest|cannot be unpacked|incorrect|invalid|wrong checksum/, spoil: ({ upstream, response, body }) => {
      const changed = Buffer.from(body);
      changed.writeUInt8(changed.readUInt8(body.length - 6) ^ 1, body.length - 6);
      response.writeHead(upstream.statusCode ?? 500, upstream.headers).end(changed);
    } },
    fewer: { message: /ended after 100000 of \d+ bytes/, spoil: ({ response, body, request: { headers } }) => void (headers.range === undefined ? response.writeHead(200).end(body.subarray(0, 100_000)) : response.writeHead(206, { 'content-range': headers.range.replace('=', ' ') }).end()) },
    more: { message: /sends more than the \d+ bytes it told of/, spoil: ({ response, body }) => void response.writeHead(200).end(Buffer.concat([body, Buffer.alloc(5_000_000)])) },
    place: { message: /left out 1000 bytes/, spoil: ({ upstream, response, body, request: { headers }, count }) => {
      const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
      if (count > 0) response.writeHead(206, { 'content-range': `bytes ${String(start + 1000)}-${String(start + body.length - 1)}/${String(start + body.length)}` }).end(body.subarray(1000));
      else response.writeHead(upstream.statusCode ?? 500, upstream.headers).write(body.subarray(0, 100_000), () => setImmediate(() => response.destroy()));
    } },
  };
  for (const [lie, { spoil, message }] of Object.entries(lies)) {
    const s = await scene(t, spoil);
    t.match(await s.store.pull(s.name, []).catch(refusal), { reason: 'ErrImagePull', message }, lie);
    t.same(s.layers(), [], `${lie}: nothing is left`);
    t.same(s.store.list(), []);
  }
});

t.test('a pull that waits keeps no other waiting', async (t) => {
  const open = Promise.withResolvers<void>();
  const s = await scene(t, (answer) => void open.promise.then(() => honest(answer)));
  const slow = s.store.pull(s.name, []);
  t.equal((await s.store.pull(s.name.replace('big', 'small'), [])).sizeBytes, 1);
  open.resolve();
  t.equal((await slow).sizeBytes, noise.length);
});
