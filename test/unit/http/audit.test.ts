// The audit log of a real server: what each level says, stages, who was let in and who not, and the file that it is written to.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { systemClock, type Clock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { createAuditLog } from '../../../internal/http/audit/log-file.ts';
import { parseAuditPolicy } from '../../../internal/http/audit/policy.ts';
import { createAudit } from '../../../internal/http/audit/trail.ts';
import { CONFIGMAPS } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';

interface Event {
  stage: string;
  level: string;
  verb: string;
  auditID: string;
  requestURI: string;
  user: { username?: string };
  impersonatedUser?: { username: string };
  objectRef?: { resource: string; namespace?: string; name?: string; uid?: string };
  responseStatus?: { code: number; message?: string };
  requestObject?: { data?: object; metadata?: object };
  responseObject?: { metadata: object };
  annotations?: Record<string, string>;
  userAgent?: string;
}

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/version"]
- level: Metadata
  resources: [{group: "", resources: ["secrets"]}]
- level: RequestResponse
  namespaces: [default]
  verbs: [create, patch, delete]
  resources: [{group: "", resources: ["configmaps"]}]
- level: Metadata
  users: [system:anonymous, jane, admin]
`;
const events: Event[] = [];
const audit = createAudit({ policy: parseAuditPolicy(POLICY, 'policy'), clock: systemClock, random: systemRandom, write: (event) => void events.push(structuredClone(event) as Event) });
const server = await startApiServer({ audit });
t.teardown(() => server.remove());

function ask(method: string, path: string, { body, as, headers = {} }: { body?: object; as?: string; headers?: Record<string, string> } = {}): Promise<{ code: number; text: string }> {
  const pair = as === undefined ? { ca: server.authority.serverCa.certificate } : server.credentials(as, ...(as === 'admin' ? ['system:masters'] : []));
  return new Promise((resolve, reject) => {
    const request = httpsRequest(`${server.url}${path}`, { agent: false, method, ...pair, headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json', 'user-agent': 'test', ...(body !== undefined && { 'content-length': String(Buffer.byteLength(JSON.stringify(body))) }), ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } });

async function eventsOf(work: () => Promise<unknown>): Promise<Event[]> {
  events.length = 0;
  await work();
  return events.splice(0);
}

t.test('a level says what is written', async (t) => {
  const [created, ...more] = await eventsOf(() => ask('POST', MAPS, { body: map('one'), as: 'admin', headers: { 'audit-id': 'mine' } }));
  t.equal(more.length, 0, 'one stage, as the other is left out');
  t.match(created, {
    kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', stage: 'ResponseComplete', auditID: 'mine', verb: 'create', requestURI: MAPS, userAgent: 'test', sourceIPs: ['127.0.0.1'],
    user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] }, objectRef: { resource: 'configmaps', namespace: 'default', name: 'one', apiVersion: 'v1', uid: /^[0-9a-f-]{36}$/ },
    responseStatus: { code: 201 }, requestObject: { data: { a: '1' } }, responseObject: { metadata: { name: 'one' } }, annotations: { 'authorization.k8s.io/decision': 'allow' },
    requestReceivedTimestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
  });
  t.notOk('managedFields' in (created?.responseObject?.metadata ?? {}));
  t.match(await eventsOf(() => ask('PATCH', `${MAPS}/one`, { body: { data: { b: '2' } }, as: 'admin' })), [{ verb: 'patch', requestObject: { data: { b: '2' } }, responseObject: { data: { a: '1', b: '2' } } }]);
  const [removed] = await eventsOf(() => ask('DELETE', `${MAPS}/one`, { body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }, as: 'admin' }));
  t.match(removed, { verb: 'delete', requestObject: { propagationPolicy: 'Background' }, responseObject: { status: 'Success' } });
  const [secret] = await eventsOf(() => ask('POST', '/api/v1/namespaces/default/secrets', { body: { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: 'x-' }, stringData: { a: 'hidden' } }, as: 'admin' }));
  t.match(secret, { level: 'Metadata', objectRef: { name: /^x-/ } });
  t.notMatch(JSON.stringify(secret), /hidden|aGlkZGVu/);
  t.same(await eventsOf(() => ask('GET', '/version')), []);
  t.same(await eventsOf(() => ask('GET', '/api/v1/nodes', { as: 'joe' })), [], 'nobody’s rule');
});

t.test('who is refused is written down with the reason', async (t) => {
  t.match(await eventsOf(() => ask('GET', `${MAPS}/one`, { as: 'jane' })), [{ user: { username: 'jane' }, annotations: { 'authorization.k8s.io/decision': 'forbid' }, responseStatus: { code: 403, status: 'Failure', reason: 'Forbidden', message: /cannot get resource "configmaps"/ } }]);
  t.match(await eventsOf(() => ask('POST', MAPS, { as: 'admin', body: map('two'), headers: { 'impersonate-user': 'jane' } })), [{ user: { username: 'admin' }, impersonatedUser: { username: 'jane', groups: ['system:authenticated'] }, responseStatus: { code: 403 } }]);
  t.match(await eventsOf(() => ask('POST', MAPS, { headers: { authorization: 'Bearer nonsense' }, body: map('x') })), [{ user: {}, responseStatus: { code: 401 } }]);
});

t.test('a watch says when it begins and when it ends; what the server’s own parts do is written too', async (t) => {
  const stages = (await eventsOf(() => ask('GET', `${MAPS}?watch=1&timeoutSeconds=1`, { as: 'admin' }))).map(({ stage, verb, responseStatus }) => [stage, verb, responseStatus?.code]);
  t.same(stages, [['ResponseStarted', 'watch', 200], ['ResponseComplete', 'watch', 200]]);
  const own = await eventsOf(() => server.admin.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'own', namespace: 'default' } }));
  t.match(own, [{ verb: 'create', user: { username: 'admin' }, requestURI: MAPS, responseStatus: { code: 201 } }]);
});

t.test('exec and port-forward say when the connection was handed over and when it ends, and how they were refused', async (t) => {
  const { certificate, key } = server.authority.leaf('kubelet', 'serverCa', { subject: { commonName: 'system:node:n1', organizations: ['system:nodes'] }, names: ['127.0.0.1'], usages: ['server'] });
  const kubelet = createServer({ cert: certificate, key }).on('upgrade', (_request, socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')).listen(0, '127.0.0.1');
  t.teardown(() => kubelet.close());
  await once(kubelet, 'listening');
  const addressed = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } } };
  await ask('POST', '/api/v1/nodes', { as: 'admin', body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: addressed } });
  await ask('POST', '/api/v1/namespaces/default/serviceaccounts', { as: 'admin', body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } });
  await ask('POST', '/api/v1/namespaces/default/pods', { as: 'admin', body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { nodeName: 'n1', automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] } } });
  const master = server.credentials('admin', 'system:masters');
  const upgrade = async (path: string): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port), ...master });
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    const [said] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return said.toString().split('\r\n')[0] ?? '';
  };
  for (const path of ['/api/v1/namespaces/default/pods/web/exec?command=cat&stdin=true', '/api/v1/namespaces/default/pods/web/portforward']) {
    events.length = 0;
    t.match(await upgrade(path), / 101 /);
    while (events.length < 2) await new Promise((resolve) => { setImmediate(resolve); });
    t.match(events.splice(0), ['ResponseStarted', 'ResponseComplete'].map((stage) => ({ stage, verb: 'create', requestURI: path, user: { username: 'admin' }, objectRef: { resource: 'pods', namespace: 'default', name: 'web', subresource: /^(exec|portforward)$/ }, responseStatus: { code: 101 } })));
  }
  t.match(await eventsOf(() => upgrade('/api/v1/namespaces/default/pods/none/exec?command=x')), [{ stage: 'ResponseComplete', responseStatus: { code: 404, reason: 'NotFound' } }]);
});

t.test('a policy is read with every problem told', (t) => {
  t.throws(() => parseAuditPolicy('apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [Never]\nrules:\n- level: Most\n- level: None\n  nonResourceURLs: [x]\n  namespaces: [a]\n', 'f'), {
    message: 'f: rules[0].level: Unsupported value: "Most": supported values: "None", "Metadata", "Request", "RequestResponse"; rules[1].nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs; rules[1].nonResourceURLs: "x" must start with / and may have one * at its end; omitStages: "Never" is no stage: RequestReceived, ResponseStarted, ResponseComplete, Panic',
  });
  t.throws(() => parseAuditPolicy('{}', 'f'), { message: 'f: must be a Policy of audit.k8s.io/v1; loaded illegal policy with 0 rules' });
  t.end();
});

t.test('the file is begun anew when it is full, and old ones go', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), `skiff-audit-${String(process.pid)}-`));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  let now = Date.UTC(2026, 10, 21);
  const clock: Clock = { ...systemClock, now: () => (now += 1000) };
  const path = join(folder, 'logs', 'audit.log');
  const log = createAuditLog({ path, sizeMaxBytes: 1000, backupsMax: 2, ageMaxMs: 0, clock, log: silentLog });
  await log.start();
  for (let index = 0; index < 100; index++) log.write({ index, text: 'x'.repeat(50) });
  await log.stop();
  const names = readdirSync(join(folder, 'logs')).sort();
  t.equal(names.length, 3);
  t.match(names[0], /^audit-2026-11-21T00-\d\d-\d\d\.\d{3}\.log$/);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const lines = names.filter((name) => name !== 'audit.log').concat('audit.log').flatMap((name) => readFileSync(join(folder, 'logs', name), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { index: number }).index));
  t.same(lines, Array.from({ length: lines.length }, (_, index) => 100 - lines.length + index), 'in order, the newest kept');
  t.ok(names.every((name) => statSync(join(folder, 'logs', name)).size <= 1000));
  const again = createAuditLog({ path, sizeMaxBytes: 1_000_000, backupsMax: 2, ageMaxMs: 0, clock, log: silentLog });
  await again.start();
  again.write({ index: 100 });
  await again.stop();
  t.match(readFileSync(path, 'utf8').trim().split('\n').at(-1), '{"index":100}', 'an earlier one is gone on with');
});
