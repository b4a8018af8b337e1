// The API server over real TLS sockets: who may in, the verbs, a watch, discovery, and what bad requests get.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { createAdmission } from '../../../internal/admission/index.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import { createAuthenticator } from '../../../internal/authn/authenticator.ts';
import { createTokenIssuer } from '../../../internal/authn/service-account-tokens.ts';
import { createAuthorizer } from '../../../internal/authz/authorizer.ts';
import { bootstrapPolicy } from '../../../internal/authz/bootstrap-policy.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import { createPipeline } from '../../../internal/http/pipeline.ts';
import { createApiServer } from '../../../internal/http/server.ts';
import type { PodSpec } from '../../../internal/kinds/generated/api-types.ts';
import { loadKinds } from '../../../internal/kinds/index.ts';
import { createRegistry } from '../../../internal/registry/generic-registry.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';

/** What the tests look at of any answer. */
interface Body {
  kind?: string;
  message: string;
  metadata: { name: string; uid: string; resourceVersion: string };
  items: { metadata: { name: string } }[];
  data: Record<string, string>;
  groups: { name: string }[];
  spec: Partial<PodSpec>;
  status: { token: string; userInfo: { username: string } };
}

interface Answer {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Body;
}

const folder = mkdtempSync(join(tmpdir(), `skiff-http-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
const makeCa = (name: string): void => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${name}`, '-days', '2');
const makeLeaf = (name: string, ca: string, subject: string): void => {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject, '-addext', 'subjectAltName=IP:127.0.0.1');
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-out', `${name}.crt`, '-days', '2', '-copy_extensions', 'copy');
};
makeCa('ca');
makeCa('other');
makeLeaf('server', 'ca', '/CN=server');
makeLeaf('admin', 'ca', '/O=system:masters/CN=admin');
makeLeaf('stranger', 'other', '/O=system:masters/CN=stranger');
makeLeaf('node', 'ca', '/O=system:nodes/CN=system:node:n1');

const [clock, random] = [systemClock, systemRandom];
const schemas = loadSchemas();
const kinds = loadKinds(schemas);
const store = createMemoryStore({ clock });
const registry = createRegistry({ store, schemas, clock, random });
const privateKeyPem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const tokens = createTokenIssuer({ privateKeyPem, issuer: 'https://kubernetes.default.svc.cluster.local', clock, random, store });
const authenticator = createAuthenticator({ clock, tokens: [(token) => tokens.verify(token)] });
const authorizer = createAuthorizer(store);
const admission = createAdmission({ store, kinds, schemas, authorizer, clock, random });
const pipeline = createPipeline({ registry, store, kinds, schemas, authorizer, admission, clock, tokens, identify: authenticator.identify });
const server = createApiServer({
  pipeline, authenticator, tokens, clock, random, log: silentLog, address: '127.0.0.1', port: 0, version: { gitVersion: 'v1.36.3+skiff1', platform: 'linux/amd64' },
  tls: { cert: read('server.crt'), key: read('server.key'), clientCa: read('ca.crt') },
  dialer: { credentials: () => ({ cert: read('admin.crt'), key: read('admin.key'), ca: read('ca.crt') }) },
});
await bootstrapPolicy({ registry, kinds });
await server.start();
t.teardown(() => server.stop());

const isJson = ({ headers }: { headers: object }, text: string): boolean => text.startsWith('{') && 'content-length' in headers;

interface Ask {
  body?: unknown;
  as?: string;
  token?: string;
  headers?: Record<string, string>;
}

function ask(method: string, path: string, { body, as = 'admin', token, headers = {} }: Ask = {}): Promise<Answer> {
  const pair = as === '' ? {} : { cert: read(`${as}.crt`), key: read(`${as}.key`) };
  const sent = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { agent: false, host: '127.0.0.1', port: server.port, method, path, ca: read('ca.crt'), ...pair, headers: { ...(sent !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }), ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = (response.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
          resolve({ code: response.statusCode ?? 0, headers: response.headers, text, json: isJson(response, text) ? (JSON.parse(text) as Body) : ({} as Body) });
        });
      },
    );
    request.on('error', reject);
    request.end(sent);
  });
}

const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string, data: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

t.test('anyone may ask for version and health, and nothing more', async (t) => {
  t.match((await ask('GET', '/version', { as: '' })).json, { major: '1', minor: '36', gitVersion: 'v1.36.3+skiff1' });
  for (const path of ['/healthz', '/livez', '/readyz']) t.equal((await ask('GET', path, { as: '' })).text, 'ok');
  const refused = await ask('GET', '/api/v1/namespaces/default/pods', { as: '' });
  t.equal(refused.code, 403);
  t.equal(refused.json.message, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"');
  t.equal((await ask('GET', '/metrics', { as: '' })).json.message, 'forbidden: User "system:anonymous" cannot get path "/metrics"');
});

t.test('checks are left out when asked, and counted for Prometheus', async (t) => {
  t.equal((await ask('GET', '/livez?exclude=ping&exclude=none&verbose')).text, '[+]ping excluded: ok\n[+]etcd ok\nwarn: some health checks cannot be excluded: no matches for "none"\nlivez check passed\n');
  const counted = (await ask('GET', '/metrics/slis')).text;
  t.match(counted, 'kubernetes_healthcheck{name="etcd",type="livez"} 1\n');
  t.match(counted, /kubernetes_healthchecks_total\{name="etcd",status="success",type="livez"\} [1-9]/);
});

t.test('what runs here: for people, and as an object', async (t) => {
  t.match((await ask('GET', '/statusz')).text, /^\napiserver statusz\n[^]*\nUp: 0 hr \d\d min \d\d sec\nBinary version: 1\.36\.3\nEmulation version: 1\.36\nPaths: \/healthz /);
  const accept = 'application/json;g=config.k8s.io;v=v1beta1;as=Statusz';
  t.match(await ask('GET', '/statusz', { headers: { accept } }), { headers: { 'content-type': 'application/json;g=config.k8s.io;v=v1beta1;as=Statusz' }, json: { kind: 'Statusz', apiVersion: 'config.k8s.io/v1beta1', metadata: { name: 'apiserver' }, binaryVersion: '1.36.3' } });
  t.match(await ask('GET', '/statusz', { headers: { accept: 'application/json' } }), { code: 406, json: { message: 'only the following media types are accepted: application/json, application/yaml, text/plain' } });
});

t.test('a connection is kept for as long as upstream keeps it', async (t) => {
  t.match((await ask('GET', '/version', { headers: { connection: 'keep-alive' } })).headers, { 'keep-alive': 'timeout=90' });
});

t.test('wrong credentials are refused', async (t) => {
  t.match(await ask('GET', '/version', { as: 'stranger' }), { code: 401, json: { reason: 'Unauthorized', message: 'Unauthorized' } });
  t.equal((await ask('GET', '/version', { as: '', token: 'x.y.z' })).code, 401);
});

t.test('an object lives: created, read, listed, changed, watched, deleted', async (t) => {
  const created = await ask('POST', maps, { body: map('a', { k: 'v' }) });
  t.match(created, { code: 201, headers: { 'content-type': 'application/json' }, json: { kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { k: 'v' } } });
  t.match(await ask('POST', maps, { body: map('a') }), { code: 409, json: { reason: 'AlreadyExists', message: 'configmaps "a" already exists' } });
  t.same((await ask('GET', `${maps}/a`)).json, created.json);
  t.equal((await ask('GET', maps)).json.items.length, 1);
  const changed = await ask('PUT', `${maps}/a`, { body: { ...created.json, data: { k: 'w' } } });
  t.match(changed, { code: 200, json: { data: { k: 'w' } } });
  t.match(await ask('PUT', `${maps}/a`, { body: { ...created.json, data: { k: 'x' } } }), { code: 409, json: { reason: 'Conflict' } });
  const watched = ask('GET', `${maps}?watch=true&resourceVersion=${created.json.metadata.resourceVersion}&timeoutSeconds=1`);
  t.match(await ask('DELETE', `${maps}/a`), { code: 200, json: { status: 'Success', details: { name: 'a', kind: 'configmaps' } } });
  const types = (await watched).text.trim().split('\n').map((line) => (JSON.parse(line) as { type: string }).type);
  t.same(types, ['MODIFIED', 'DELETED']);
  t.match(await ask('GET', `${maps}/a`), { code: 404, json: { message: 'configmaps "a" not found' } });
});

t.test('patches of every type', async (t) => {
  await ask('POST', maps, { body: map('p', { a: '1' }) });
  const patch = (type: string, body: unknown): Promise<Answer> => ask('PATCH', `${maps}/p?fieldManager=me`, { body, headers: { 'content-type': type } });
  t.match((await patch('application/merge-patch+json', { data: { b: '2' } })).json.data, { a: '1', b: '2' });
  t.match((await patch('application/strategic-merge-patch+json', { data: { c: '3' } })).json.data, { a: '1', b: '2', c: '3' });
  t.match((await patch('application/json-patch+json', [{ op: 'remove', path: '/data/a' }])).json.data, { b: '2', c: '3' });
  t.match((await patch('application/apply-patch+yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata: {d: "4"}\n')).json.data, { b: '2', d: '4' });
  t.equal((await patch('application/nonsense', {})).code, 415);
});

t.test('a long list comes in pieces, and whole', async (t) => {
  const many = '/api/v1/namespaces/many/configmaps';
  const names = Array.from({ length: 2345 }, (_, index) => `m-${String(index).padStart(4, '0')}`);
  for (const name of names) await store.create({ group: '', resource: 'configmaps' }, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'many', uid: name, resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z' } }, 'durable');
  const check = (text: string): void => {
    const list = JSON.parse(text) as Body;
    t.equal(list.kind, 'ConfigMapList');
    t.same(list.items.map(({ metadata: { name } }) => name), names);
  };
  const plain = await ask('GET', many);
  t.equal(plain.headers['transfer-encoding'], 'chunked');
  check(plain.text);
  const packed = await ask('GET', many, { headers: { 'accept-encoding': 'gzip' } });
  t.equal(packed.headers['content-encoding'], 'gzip');
  check(packed.text);
  for (const accepted of ['gzip;q=0', 'br, gzip; q=0.0', 'x-gzip']) t.equal((await ask('GET', many, { headers: { 'accept-encoding': accepted } })).headers['content-encoding'], undefined, accepted);
  t.equal((await ask('GET', many, { headers: { 'accept-encoding': 'br, gzip;q=0.5' } })).headers['content-encoding'], 'gzip');
  t.equal((await ask('HEAD', many)).text, '');
  const session = connect(`https://127.0.0.1:${String(server.port)}`, { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') });
  t.teardown(() => session.close());
  const stream = session.request({ ':path': many });
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk as string;
  check(text);
});

t.test('bad requests are told what is wrong', async (t) => {
  t.equal((await ask('POST', maps, { body: '{"a":' })).code, 400);
  t.match(await ask('POST', `${maps}?fieldValidation=Strict`, { body: { ...map('s'), nope: 1 } }), { code: 400, json: { message: /strict decoding error: unknown field "nope"/ } });
  t.match((await ask('POST', maps, { body: { ...map('warned'), nope: 1 } })).headers, { warning: '299 - "unknown field \\"nope\\""' });
  t.match(await ask('POST', maps, { body: map('B!') }), { code: 422, json: { reason: 'Invalid', details: { causes: [{ field: 'metadata.name' }] } } });
  t.equal((await ask('POST', maps, { body: map('x', { k: 'x'.repeat(4_000_000) }) })).code, 413);
  t.match(await ask('POST', '/api/v1/namespaces/missing/configmaps', { body: map('x') }), { code: 404, json: { message: 'namespaces "missing" not found' } });
  t.match(await ask('GET', '/api/v1/foos'), { code: 404, json: { reason: 'NotFound', message: 'the server could not find the requested resource' } });
  t.equal((await ask('GET', maps, { headers: { accept: 'text/html' } })).code, 406);
  t.equal((await ask('PUT', maps, { body: map('x') })).code, 405);
});

t.test('discovery, plain and aggregated', async (t) => {
  t.match((await ask('GET', '/api')).json, { kind: 'APIVersions', versions: ['v1'] });
  t.ok((await ask('GET', '/apis')).json.groups.some((group: { name: string }) => group.name === 'apps'));
  t.match((await ask('GET', '/apis/apps/v1')).json, { kind: 'APIResourceList', groupVersion: 'apps/v1' });
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const whole = await ask('GET', '/apis', { headers: { accept } });
  t.equal(whole.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
  t.equal((await ask('GET', '/apis', { headers: { accept, 'if-none-match': String(whole.headers['etag']) } })).code, 304);
});

t.test('a pod gets its account, its token and its class; a token speaks for the account until the pod is gone', async (t) => {
  const pods = '/api/v1/namespaces/default/pods';
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  t.match(await ask('POST', pods, { body: pod }), { code: 403, json: { message: 'pods "web" is forbidden: error looking up service account default/default: serviceaccount "default" not found' } });
  await ask('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const { json } = await ask('POST', pods, { body: pod });
  t.match(json.spec, { serviceAccountName: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority', tolerations: [{ tolerationSeconds: 300 }, {}] });
  t.match(json.spec.containers?.[0]?.volumeMounts?.[0], { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: /^kube-api-access-.{5}$/ });
  const issued = await ask('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body: { spec: { boundObjectRef: { kind: 'Pod', name: 'web', apiVersion: 'v1' } } } });
  t.equal(issued.code, 201, issued.text);
  const { token } = issued.json.status;
  t.equal((await ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { as: '', token, body: {} })).json.status.userInfo.username, 'system:serviceaccount:default:default');
  t.match((await ask('GET', pods, { as: '', token })).json.message, /User "system:serviceaccount:default:default" cannot list resource "pods"/);
  t.match(await ask('POST', `${pods}/web/binding`, { body: { metadata: { name: 'web' }, target: { kind: 'Node', name: 'n1' } } }), { code: 201, json: { status: 'Success' } });
  t.equal((await ask('GET', `${pods}/web`)).json.spec.nodeName, 'n1');
  t.equal((await ask('GET', `${pods}/web`, { as: 'node' })).code, 200);
  t.equal((await ask('GET', pods, { as: 'node' })).code, 403);
  t.equal((await ask('GET', `${pods}?fieldSelector=spec.nodeName%3Dn1`, { as: 'node' })).json.items.length, 1);
  t.equal((await ask('GET', '/api/v1/namespaces/default/secrets/x', { as: 'node' })).code, 403);
});

t.test('in the process the same road is taken without bytes', async (t) => {
  const transport = pipeline.as({ username: 'nobody', groups: [] });
  const request = { verb: 'list' as const, resource: { group: '', version: 'v1', resource: 'secrets' }, namespace: '', name: '', subresource: '', options: {} };
  await t.rejects(transport.send(request), /secrets is forbidden/);
  const loops = pipeline.as({ username: 'loops', groups: ['system:masters'] });
  t.match(await loops.send({ ...request, resource: { ...request.resource, resource: 'namespaces' } }), { kind: 'NamespaceList' });
});
