// A node that the server cannot call: its kubelet is reached by the connection that the agent keeps open.
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { createHttpsTransport } from '../../../internal/client/https-transport.ts';
import { createTunnel, type TunnelOptions } from '../../../internal/cluster/tunnel/agent.ts';
import { createTunnels, type Tunnels } from '../../../internal/cluster/tunnel/server.ts';
import { startApiServer } from '../../support/api-server.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const real = createTunnels(systemClock);
let accepted: () => void = () => {};
let tunnelled = 0;
const tunnels: Tunnels = {
  accept(user, client) {
    real.accept(user, client);
    accepted();
  },
  open(nodeName) {
    const stream = real.open(nodeName);
    if (stream !== undefined) tunnelled++;
    return stream;
  },
  awaited: (nodeName, patienceMs) => real.awaited(nodeName, patienceMs),
};
const nextTunnel = (): Promise<void> => new Promise((resolve) => { accepted = resolve; });
const server = await startApiServer({ tunnels });
const serving = server.authority.leaf('kubelet', 'serverCa', { subject: { commonName: 'system:node:far', organizations: ['system:nodes'] }, names: ['127.0.0.1'], usages: ['server'] });
const LOG = `${'x'.repeat(1023)}\n`.repeat(2048);
const asked: { url: string; by: string }[] = [];
const kubelet = createServer({ cert: serving.certificate, key: serving.key, ca: server.authority.clientCa.certificate, requestCert: true, rejectUnauthorized: false }, (request, response) => {
  asked.push({ url: request.url ?? '', by: String((request.socket as TLSSocket).getPeerCertificate().subject.CN) });
  response.end(LOG);
}).on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  socket.pipe(socket);
}).listen(0, '127.0.0.1');
await once(kubelet, 'listening');
const { port } = kubelet.address() as AddressInfo;
const master = server.credentials('admin', 'system:masters');
const admin = createHttpsTransport({ url: server.url, credentials: master });
t.teardown(async () => {
  admin.close();
  await server.remove();
  kubelet.closeAllConnections();
  kubelet.close();
});
const send = (method: string, path: string, body: object): Promise<string> => admin.raw({ method, path, contentType: 'application/json', body: JSON.stringify({ apiVersion: 'v1', ...body }) });
const placeNode = (address: string): Promise<string> => send('PUT', '/api/v1/nodes/far/status', { kind: 'Node', metadata: { name: 'far' }, status: { addresses: [{ type: 'InternalIP', address }], daemonEndpoints: { kubeletEndpoint: { Port: port } } } });
await send('POST', '/api/v1/nodes', { kind: 'Node', metadata: { name: 'far' } });
await send('POST', '/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'here' } });
await send('POST', '/api/v1/namespaces/here/serviceaccounts', { kind: 'ServiceAccount', metadata: { name: 'default' } });
await send('POST', '/api/v1/namespaces/here/pods', { kind: 'Pod', metadata: { name: 'p' }, spec: { nodeName: 'far', automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] } });
const logs = (): Promise<string> => admin.raw({ method: 'GET', path: '/api/v1/namespaces/here/pods/p/log' });
const nodeCredentials = server.credentials('system:node:far', 'system:nodes');
const options: TunnelOptions = { server: server.url, credentials: () => nodeCredentials, kubeletPort: port, clock: systemClock, random: systemRandom, log: silentLog };

t.test('logs, streams and proxied requests go by it; many at once, and large; it is made again when the server is back', async (t) => {
  await placeNode('192.0.2.77'); // nobody's address (RFC 5737)
  const up = nextTunnel();
  const tunnel = createTunnel(options);
  t.teardown(() => tunnel.stop());
  const clock = createFakeClock();
  const patient = createTunnels(clock);
  const awaited = [real.awaited('far', 600_000), real.awaited('far', 600_000)];
  const inVain = patient.awaited('far', 15_000);
  await clock.advance(15_000);
  await inVain;
  await tunnel.start();
  await up;
  await Promise.all(awaited);
  await real.awaited('far', 600_000);
  const answers = await Promise.all(Array.from({ length: 8 }, logs));
  t.ok(answers.every((answer) => answer === LOG));
  t.match(asked[0], { url: '/containerLogs/here/p/c?', by: 'apiserver' }, 'with the server\'s own certificate');
  t.equal(await admin.raw({ method: 'GET', path: '/api/v1/nodes/far/proxy/pods' }), LOG);
  t.equal(tunnelled, 9);

  const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port), ...master });
  let said = '';
  socket.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const saidAtLast = async (end: string): Promise<void> => {
    while (!said.endsWith(end)) await once(socket, 'data');
  };
  socket.write('GET /api/v1/namespaces/here/pods/p/exec?command=cat&stdin=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await saidAtLast('\r\n\r\n');
  t.match(said, /^HTTP\/1\.1 101 /);
  socket.write('ping');
  await saidAtLast('ping');
  socket.destroy();

  const again = nextTunnel();
  await server.stop();
  await server.start();
  await again;
  t.equal(await logs(), LOG);
});

t.test('only nodes have one', async (t) => {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port), ...server.credentials('someone') });
  socket.write('GET /v1-skiff/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: skiff-tunnel\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  t.match(answer.toString(), /^HTTP\/1\.1 403 [^]*tunnels are for nodes: someone is none/);
  socket.destroy();
});

t.test('without one, and with one that leads nowhere, the node is called', async (t) => {
  await placeNode('127.0.0.1');
  const before = tunnelled;
  t.equal(await logs(), LOG);
  const up = nextTunnel();
  const wrong = createTunnel({ ...options, kubeletPort: 1 });
  t.teardown(() => wrong.stop());
  await wrong.start();
  await up;
  t.equal(await logs(), LOG);
  t.equal(tunnelled, before + 1);
});
