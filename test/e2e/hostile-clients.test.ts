// Clients that mean harm, or talk nonsense, at the ports of a node: with no credentials at all, and with the right to exec. Whatever they send, the
// process stays the same one, holds a bounded part of it, and answers others.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { createSpdySession } from '../../agents/spdy/session.ts';
import { createSuppliedCluster } from '../support/cluster.ts';
import { parseKubeconfig, type Credentials } from '../support/kubeconfig.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(300_000);

const MEGABYTE = 1 << 20;
const cluster = await createSuppliedCluster('hc', '10.96.9');
t.teardown(() => cluster.remove());
const { kubectl, host } = cluster;
const API = 6443;
const KUBELET = 10250;

await t.test('a server comes up, and a pod', async () => {
  await cluster.start('--kubelet-arg', 'container-log-max-size=100Mi');
  kubectl('run', 'quiet', '--image=busybox:1', '--restart=Never', '--', 'sleep', '100000');
  kubectl('run', 'flood', '--image=busybox:1', '--restart=Never', '--', 'sh', '-c', 'yes "a line that somebody asked for and does not read" | head -c 30000000; sleep 100000');
  for (const name of ['quiet', 'flood']) kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
});

const serverPid = (): string => host.run('sh', '-c', `pgrep -of "${cluster.program.join(' ')} server"`).trim();
const megabytes = (field: 'VmRSS'): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(host.run('cat', `/proc/${serverPid()}/status`))?.[1]) / 1024;
const first = serverPid();
/** The same process as ever, and it answers. */
function lives(t: { equal(found: unknown, wanted: unknown, message: string): unknown }, after: string): void {
  t.equal(cluster.ended() ? cluster.log().slice(-2000) : serverPid(), first, `${after}: the process is the same`);
  t.equal(kubectl('get', '--raw', '/readyz'), 'ok', `${after}: it answers`);
  t.equal(kubectl('exec', 'quiet', '--', 'echo', 'here').trim(), 'here', `${after}: its node too`);
}

const credentials = (): Credentials => parseKubeconfig(readFileSync(cluster.kubeconfig, 'utf8'));

async function dial(port: number, { cert, key }: Partial<Credentials> = {}): Promise<TLSSocket> {
  const socket = connect({ host: host.ip, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...(cert !== undefined && { cert, key }) });
  await once(socket, 'secureConnect');
  return socket.on('error', () => {});
}

/** What came until the other side hung up. */
async function say(port: number, text: string | Buffer, as = {}): Promise<string> {
  const socket = await dial(port, as);
  const heard: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => heard.push(chunk));
  socket.end(text);
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(heard).toString('latin1');
}

await t.test('requests that are none, from anybody', async (t) => {
  const paths = ['//', '//:99999', '///', 'http://[', '/%zz', '/%', '*', '/\\x', '//a:b@:', `/${'a'.repeat(8000)}`, '/exec/%ff/%00/x', '/api/v1/namespaces/%2e%2e/pods/..%2f..', '/?%=%&&=&%00'];
  const upgrades = ['', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n', 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n', 'Connection: Upgrade\r\nUpgrade: nonsense\r\n'];
  for (const port of [KUBELET, API]) {
    for (const as of [{}, credentials()]) {
      for (const path of paths) for (const upgrade of upgrades) await say(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, as);
    }
    for (const bytes of ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense', Buffer.alloc(100_000, 0xff), `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}\r\n`, 'POST /run/a/b/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n']) await say(port, bytes);
    lives(t, `port ${String(port)}`);
  }
  t.match(await say(KUBELET, 'GET // HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1.1 307 [^]*location: \/\r\n/, 'they are told so');
});

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n';
const SPDY = 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n';
const ROADS: Record<string, { port: number; path(kind: string): string }> = {
  'the kubelet': { port: KUBELET, path: (kind) => `/${kind}/default/quiet${kind === 'portForward' ? '' : '/quiet'}` },
  'the API server': { port: API, path: (kind) => `/api/v1/namespaces/default/pods/quiet/${kind.toLowerCase()}` },
};

/** What comes until the word has come: none of several pieces at once is missed, as by one `once` after another. */
function hears(socket: TLSSocket, word: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    socket.on('data', function take(chunk: Buffer) {
      heard += chunk.toString('latin1');
      if (!heard.includes(word)) return;
      socket.off('data', take);
      resolve(heard);
    });
  });
}

/** An upgraded connection, as the administrator; what has come after the answer's head is left in it. */
async function upgraded(port: number, { method = 'GET', path, headers }: { method?: string; path: string; headers: string }): Promise<TLSSocket> {
  const socket = await dial(port, credentials());
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  const head = await hears(socket, '\r\n\r\n');
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(head);
  return socket;
}

/** A client's message of a WebSocket, masked with nought. */
function message(channel: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(15);
  header[0] = 0x82;
  header[1] = 0xff;
  header.writeBigUInt64BE(BigInt(data.length + 1), 2);
  header[14] = channel;
  return Buffer.concat([header, data]);
}

const SIZES = ['x', 'null', '5', '{"Width":"5","Height":5}', '{"Width":1e99,"Height":-1}', '{"Width":[],"Height":{}}', '{"Width":70000,"Height":1.5}', '{', '{"Width":100,"Height":40}'];

await t.test('sizes of terminals that are none', async (t) => {
  for (const [road, { port, path }] of Object.entries(ROADS)) {
    const socket = await upgraded(port, { path: `${path('exec')}?command=sh&command=-c&command=read+x&tty=true&stdin=true&stdout=true&input=1&output=1`, headers: UPGRADE });
    for (const size of SIZES) socket.write(message(4, Buffer.from(size)));
    socket.write(message(0, Buffer.from('\n')));
    t.match(await hears(socket, '"status"'), /"status":"Success"/, `${road}: the command is none the worse`);
    socket.destroy();
    const session = createSpdySession(await upgraded(port, { method: 'POST', path: `${path('exec')}?command=sh&command=-c&command=read+x&tty=true&stdin=true&stdout=true&input=1&output=1`, headers: SPDY }));
    const closed = new Promise<void>((resolve) => session.onClose(resolve));
    const [error, stdin, stdout, resize] = [await session.open({ streamtype: 'error' }), await session.open({ streamtype: 'stdin' }), await session.open({ streamtype: 'stdout' }), await session.open({ streamtype: 'resize' })];
    for (const { duplex } of [error, stdout]) duplex.resume();
    for (const size of SIZES) resize.duplex.write(`${size}\n`);
    stdin.duplex.write('\n');
    await closed;
    lives(t, road);
  }
});

const UNREAD_MS = 2000;

/** Writes until nothing more is taken: gives how much that was. */
async function pour(socket: TLSSocket, chunk: Buffer, bytesMax: number): Promise<number> {
  const accepted = (): number => socket.bytesWritten - socket.writableLength;
  for (let sent = 0; sent < bytesMax; sent += chunk.length) {
    if (socket.write(chunk)) continue;
    for (let before = -1; socket.writableNeedDrain && !socket.destroyed;) {
      if (accepted() === before) return before; // nobody has read for long
      before = accepted();
      await once(socket, 'drain', { signal: AbortSignal.timeout(UNREAD_MS) }).catch(() => undefined);
    }
  }
  return accepted();
}

await t.test('input without end for a command that reads none', async (t) => {
  const before = megabytes('VmRSS');
  const chunk = message(0, Buffer.alloc(MEGABYTE / 4, 'x'));
  const sockets: TLSSocket[] = [];
  for (const [road, { port, path }] of Object.entries(ROADS)) {
    const query = 'command=sleep&command=100000&stdin=true&stdout=true&input=1&output=1';
    for (const [how, kind, more] of [['exec', 'exec', query], ['exec on a terminal', 'exec', `${query}&tty=true`]] as const) {
      const socket = await upgraded(port, { path: `${path(kind)}?${more}`, headers: UPGRADE });
      sockets.push(socket);
      const taken = await pour(socket, chunk, 100 * MEGABYTE);
      // What a terminal's line has no room for is dropped by the kernel: of these only the memory counts.
      if (how === 'exec') t.ok(taken < 40 * MEGABYTE, `${how} at ${road} takes ${String(Math.round(taken / MEGABYTE))} MB`);
    }
  }
  t.ok(megabytes('VmRSS') - before < 100, `memory has grown by ${String(Math.round(megabytes('VmRSS') - before))} MB`);
  for (const socket of sockets) socket.destroy();
  lives(t, 'afterwards');
});

await t.test('who follows a log and does not read it', async (t) => {
  await until(() => kubectl('logs', 'flood', '--tail=1').includes('somebody'), 'the flood');
  const before = megabytes('VmRSS');
  const sockets = await Promise.all(Array.from({ length: 10 }, async () => {
    const socket = await dial(KUBELET, credentials());
    socket.pause();
    socket.write('GET /containerLogs/default/flood/flood?follow=true HTTP/1.1\r\nHost: x\r\n\r\n');
    return socket;
  }));
  lives(t, 'meanwhile');
  t.ok(megabytes('VmRSS') - before < 100, `memory has grown by ${String(Math.round(megabytes('VmRSS') - before))} MB`);
  for (const socket of sockets) socket.destroy();
});

await t.test('hundreds of connections that never ask to the end', async (t) => {
  const held = await Promise.all([KUBELET, API].flatMap((port) => Array.from({ length: 300 }, async () => {
    const socket = await dial(port);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    return socket;
  })));
  lives(t, 'meanwhile');
  t.match(kubectl('get', 'nodes', '--no-headers'), / Ready /);
  for (const socket of held) socket.destroy();
  lives(t, 'afterwards');
});
