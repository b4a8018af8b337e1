// Nodes that join a real API server: what they are trusted with, what is refused, and what is kept for the next boot.
import { createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock, type Clock } from '../../../internal/base/clock.ts';
import { StatusError } from '../../../internal/base/errors.ts';
import { silentLog, type Log } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { createHttpsTransport } from '../../../internal/client/https-transport.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import { generateKey } from '../../../internal/cluster/certificate.ts';
import { formatJoinToken } from '../../../internal/cluster/join-token.ts';
import { joinCluster } from '../../../internal/cluster/join/agent.ts';
import { keepIdentity, openIdentity, type Identity, type IdentityOptions } from '../../../internal/cluster/join/identity.ts';
import { createJoinPaths } from '../../../internal/cluster/join/server.ts';
import { NODES, PODS, SECRETS, SERVICES } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';
import { createFakeClock, settle, type FakeClock } from '../../support/fake-clock.ts';

const CLUSTER = { clusterCidr: '10.42.0.0/16', clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', networkBackend: 'vxlan', disable: [] };
const DAY_MS = 86_400_000;

let signingClock = systemClock;
const server = await startApiServer({
  extraPaths: ({ authority, admin }) =>
    createJoinPaths({ authority, client: admin, passwords: () => ['secret', 'another'], cluster: CLUSTER, reserved: () => ['server-1', 'kubernetes', '10.0.0.1'], clock: { ...systemClock, now: () => signingClock.now() }, random: systemRandom }),
});
const folders: string[] = [];
t.teardown(async () => {
  await server.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function options(nodeName: string, more: Partial<IdentityOptions> = {}): IdentityOptions {
  const directory = mkdtempSync(join(tmpdir(), `skiff-join-${String(process.pid)}-`));
  folders.push(directory);
  return { directory, server: server.url, token: 'secret', nodeName, nodeIps: () => ['10.0.0.7'], clock: systemClock, random: systemRandom, log: silentLog, signal: new AbortController().signal, ...more };
}
const refusal = (run: Promise<unknown>): Promise<{ reason?: string; message: string }> => run.then(() => ({ message: 'not refused' }), (error: unknown) => error as StatusError);

t.test('a node joins by the short token: certificates for its own key, the cluster\'s settings, and it is let in with them', async (t) => {
  const opts = options('n1');
  const identity = await openIdentity(opts);
  t.same(identity.cluster, CLUSTER);
  const [node, kubelet] = [new X509Certificate(identity.certificates.node), new X509Certificate(identity.certificates.kubelet)];
  t.equal(node.subject, 'O=system:nodes\nCN=system:node:n1');
  t.equal(new X509Certificate(identity.certificates.proxy).subject, 'O=system:node-proxier\nCN=system:kube-proxy');
  t.equal(kubelet.subjectAltName, 'DNS:n1, IP Address:127.0.0.1, IP Address:10.0.0.7');
  t.ok(node.verify(createPublicKey(identity.clientCa)) && kubelet.verify(createPublicKey(identity.serverCa)));
  t.equal(statSync(join(opts.directory, 'identity.json')).mode & 0o777, 0o600);
  const keeper = keepIdentity(identity, opts);
  const [asNode, asProxy] = (['node', 'proxy'] as const).map((who) => createHttpsTransport({ url: identity.server, credentials: () => keeper.credentials(who) }));
  await createClient(asNode as never).create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } as never);
  t.match(await createClient(asNode as never).list(PODS, { fieldSelector: 'spec.nodeName=n1' }), { items: [] });
  t.equal((await refusal(createClient(asNode as never).list(SECRETS))).reason, 'Forbidden');
  t.ok(await createClient(asProxy as never).list(SERVICES));
  t.equal((await createClient(asProxy as never).list(NODES)).items.length, 1);
  asNode?.close();
  asProxy?.close();
});

t.test('the long token pins the CA: another server is not told the secret', async (t) => {
  const token = formatJoinToken({ caPin: server.authority.pin, user: 'node', password: 'another' });
  t.match(await openIdentity(options('pinned', { token })), { nodeName: 'pinned' });
  const wrong = formatJoinToken({ caPin: '0'.repeat(64), user: 'node', password: 'another' });
  const error = await refusal(openIdentity(options('fooled', { token: wrong })));
  t.match(error, { reason: 'Unauthorized', message: /is not the one that the token is from: its CA has the hash [0-9a-f]{64}, the token says 0{64}; the token was not sent/ });
});

t.test('what is refused, and with which words', async (t) => {
  t.match(await refusal(openIdentity(options('n9', { token: 'wrong' }))), { reason: 'Unauthorized', message: /the token is not that of this cluster, or has ended/ });
  t.match(await refusal(openIdentity(options('n9', { token: 'K10abcdef::node:secret' }))), { message: /^--token: "K10abcdef::n…" is cut off or mistyped/ });
  for (const nodeName of ['server-1', 'kubernetes']) t.match(await refusal(openIdentity(options(nodeName))), { reason: 'Forbidden', message: /is another machine's/ });
  t.match(await refusal(openIdentity(options('n9', { nodeIps: () => ['10.0.0.1'] }))), { reason: 'Forbidden', message: /node address 10.0.0.1 is the server's/ });
  const { token: _token, ...withoutToken } = options('n9');
  t.match(await refusal(openIdentity(withoutToken)), { message: /^--token: needed to join/ });
  const { server: _server, ...withoutServer } = options('n9');
  t.match(await refusal(openIdentity(withoutServer)), { message: /^--server: needed at the first start/ });
  const raw = createHttpsTransport({ url: server.url, credentials: { ca: server.authority.serverCa.certificate } });
  const headers = { authorization: `Basic ${Buffer.from('node:secret').toString('base64')}` };
  const post = (body: string): Promise<unknown> => raw.raw({ method: 'POST', path: '/v1-skiff/join', contentType: 'application/json', body, headers });
  t.match(await refusal(post('{')), { reason: 'BadRequest' });
  t.match(await refusal(post(JSON.stringify({ nodeName: 'A b', nodeIps: ['x'], nodePassword: 'short' }))), { reason: 'BadRequest', message: /nodeName "A b" .*; nodeIps \["x"\] .*; nodePassword .*; publicKey/ });
  t.match(await refusal(post(JSON.stringify({ nodeName: 'n9', nodeIps: ['10.0.0.9'], nodePassword: 'x'.repeat(32), publicKey: 'no key' }))), { reason: 'BadRequest', message: 'publicKey is not a public key in PEM' });
  t.match(await refusal(raw.raw({ method: 'GET', path: '/v1-skiff/join' })), { reason: 'MethodNotAllowed' });
  t.match(await refusal(post('x'.repeat(100_000))), { reason: 'RequestEntityTooLarge' });
  raw.close();
});

t.test('a name cannot be taken over while its Node is there; a deleted Node frees it', async (t) => {
  const first = await openIdentity(options('owned'));
  await server.admin.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'owned' } } as never);
  t.match(await refusal(openIdentity(options('owned'))), { reason: 'Forbidden', message: /node name "owned" is another machine's: choose one with --node-name or --with-node-id; or, when that machine is gone for good, run: skiff kubectl delete node owned/ });
  const node = { nodeName: 'owned', nodeIps: ['10.0.0.7'] };
  t.ok(await joinCluster({ server: server.url, knownCa: first.serverCa, key: generateKey(), node: { ...node, nodePassword: first.nodePassword } }), 'itself needs no token');
  t.match(await refusal(joinCluster({ server: server.url, knownCa: first.serverCa, key: generateKey(), node: { ...node, nodePassword: 'x'.repeat(32) } })), { reason: 'Unauthorized' });
  const secret = await server.admin.get(SECRETS, { namespace: 'kube-system', name: 'owned.node-password.skiff' });
  t.notOk(Buffer.from(secret.data?.['hash'] ?? '', 'base64').toString().includes(first.nodePassword));
  await server.admin.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'elsewhere' } } as never);
  t.match(await refusal(openIdentity(options('elsewhere'))), { reason: 'Forbidden' }, 'a Node that did not come by joining is not taken over either');
  await server.admin.delete(NODES, { namespace: '', name: 'owned' });
  t.ok(await openIdentity(options('owned')));
});

t.test('bootstrap tokens of the cluster, long and short, until they end; a node that has joined needs them no more', async (t) => {
  const clock = createFakeClock(Date.now());
  signingClock = clock;
  t.teardown(() => (signingClock = systemClock));
  const make = (id: string, data: Record<string, string>): Promise<unknown> => server.admin.create(SECRETS, {
    apiVersion: 'v1', kind: 'Secret', type: 'bootstrap.kubernetes.io/token', metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', ...data },
  } as never);
  await make('abcdef', { expiration: new Date(clock.now() + 3_600_000).toISOString() });
  await make('nouse1', { 'usage-bootstrap-authentication': 'false' });
  await make('noend1', {});
  const opts = options('by-bootstrap', { token: 'abcdef.0123456789abcdef' });
  t.match(await openIdentity(opts), { nodeName: 'by-bootstrap' });
  t.match(await openIdentity(options('by-long', { token: `K10${server.authority.pin}::abcdef.0123456789abcdef` })), { nodeName: 'by-long' });
  for (const token of ['abcdef.0123456789abcdeX', 'nouse1.0123456789abcdef', 'absent.0123456789abcdef']) t.match(await refusal(openIdentity(options('no', { token }))), { reason: 'Unauthorized' }, token);
  await clock.advance(3_700_000);
  t.match(await refusal(openIdentity(options('no', { token: 'abcdef.0123456789abcdef' }))), { reason: 'Unauthorized' }, 'ended');
  t.match(await openIdentity(options('no-end', { token: 'noend1.0123456789abcdef' })), { nodeName: 'no-end' });
  const before = (await openIdentity(opts)).certificates.node;
  t.not((await openIdentity(opts)).certificates.node, before, 'its own password does');
});

t.test('the next boot needs neither token nor server', async (t) => {
  const opts = options('kept');
  const first = await openIdentity(opts);
  const { token: _token, server: _server, ...later } = opts;
  await server.stop();
  t.same(await openIdentity(later), first);
  t.same(await openIdentity(opts), first, 'nor do they harm');
  await server.start();
  const moved = keepIdentity(first, { ...later, nodeIps: () => ['10.0.0.8'] });
  const renewed = new Promise<Identity>((resolve) => moved.onRenewed(resolve));
  await moved.start();
  t.match(new X509Certificate((await renewed).certificates.kubelet).subjectAltName, /10\.0\.0\.8/, 'a new address: new certificates, by the node\'s password');
  await moved.stop();
  const elsewhere = server.url.replace('127.0.0.1', 'localhost');
  t.match(await openIdentity({ ...later, server: elsewhere }), { server: elsewhere, key: first.key }, 'a server that has moved: it is the same node');
  t.match(await openIdentity(later), { server: elsewhere }, 'which is kept');
  t.match(await refusal(openIdentity({ ...later, nodeName: 'renamed' })), { message: /--token: needed to join/ });
  writeFileSync(join(opts.directory, 'identity.json'), '');
  t.match(await openIdentity(opts), { nodePassword: first.nodePassword }, 'a file cut off by a power failure: joins again as the same');
});

t.test('a server that is down at the first start is waited for', async (t) => {
  await server.stop();
  const clock = createFakeClock(Date.now());
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  const opts = options('patient', { clock, log });
  const joining = openIdentity(opts);
  const tick = async (): Promise<void> => {
    while (clock.nextInMs() === undefined) await settle();
    await clock.runNext();
  };
  await tick();
  await tick();
  t.ok(warnings.length > 0 && warnings.every((message) => message === 'waiting for the server'));
  t.ok(existsSync(join(opts.directory, 'node-password')), 'its word is on disk before it is said');
  await server.start();
  await tick();
  t.match(await joining, { nodeName: 'patient' });
  await server.stop();
  const ending = new AbortController();
  const given = refusal(openIdentity(options('given-up', { signal: ending.signal })));
  ending.abort(new Error('stopping'));
  t.match(await given, { message: 'stopping' });
  await server.start();
});

/** Runs timers one by one until it is so; real answers have their time in between. */
async function runUntil(clock: FakeClock, done: () => boolean): Promise<void> {
  while (!done()) {
    await settle();
    if (!done() && clock.nextInMs() !== undefined) await clock.runNext();
  }
}

t.test('certificates are renewed in the running process, before they end; without a server, as soon as it is back', async (t) => {
  const [clock, wall] = [createFakeClock(Date.now()), { offsetMs: 0 }];
  const jumping: Clock = { ...clock, now: () => clock.now() + wall.offsetMs };
  signingClock = jumping;
  t.teardown(() => (signingClock = systemClock));
  const warnings: string[] = [];
  const { token: _token, ...opts } = options('renewing', { clock: jumping, log: { ...silentLog, warn: (message) => void warnings.push(message) } });
  const identity = await openIdentity({ ...opts, token: 'secret' });
  const renewed: string[] = [];
  const keeper = keepIdentity(identity, opts);
  keeper.onRenewed(({ certificates }) => void renewed.push(certificates.node));
  await keeper.start();
  wall.offsetMs = 270 * DAY_MS;
  await clock.advance(120_000);
  t.equal(keeper.credentials('node').cert, identity.certificates.node);
  await server.stop();
  wall.offsetMs = 280 * DAY_MS;
  await runUntil(clock, () => warnings.length > 0);
  t.same(renewed, []);
  await server.start();
  await runUntil(clock, () => renewed.length > 0);
  t.equal(keeper.credentials('node').cert, renewed[0]);
  t.not(renewed[0], identity.certificates.node);
  t.equal((JSON.parse(readFileSync(join(opts.directory, 'identity.json'), 'utf8')) as typeof identity).certificates.node, renewed[0]);
  // A board's clock is set: all of a sudden they ended years ago.
  wall.offsetMs = 5 * 365 * DAY_MS;
  await runUntil(clock, () => renewed.length > 1);
  t.ok(Date.parse(new X509Certificate(renewed[1] ?? '').validTo) > jumping.now());
  await keeper.stop();
  t.equal(clock.nextInMs(), undefined);
});

t.test('certificates that last two seconds: a node is let in by good ones always', async (t) => {
  const brief = await startApiServer({
    leafLifetimeMs: 2000,
    extraPaths: ({ authority, admin }) => createJoinPaths({ authority, client: admin, passwords: () => ['secret'], cluster: CLUSTER, reserved: () => [], clock: systemClock, random: systemRandom }),
  });
  const opts = { ...options('brief'), server: brief.url };
  const keeper = keepIdentity(await openIdentity(opts), opts);
  const asNode = createHttpsTransport({ url: brief.url, credentials: () => keeper.credentials('node') });
  t.teardown(async () => {
    asNode.close();
    await keeper.stop();
    await brief.remove();
  });
  const first = keeper.current;
  const renewed = (): Promise<void> => new Promise((resolve) => { keeper.onRenewed(() => resolve()); });
  const next = renewed();
  await keeper.start();
  await createClient(asNode).create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'brief' } } as never);
  await next;
  while (Date.now() <= Date.parse(new X509Certificate(first.certificates.node).validTo)) await renewed();
  t.not(keeper.current.certificates.kubelet, first.certificates.kubelet);
  t.match(await createClient(asNode).get(NODES, { namespace: '', name: 'brief' }), { metadata: { name: 'brief' } }, 'past the end of the first');
});
