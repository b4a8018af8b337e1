// Aggregated APIs: a real control plane, and a real HTTPS server behind an APIService that believes only the front proxy.
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { systemRandom } from '../../../internal/base/random.ts';
import { createAuthority, issueKeyPair } from '../../../internal/cluster/certificate.ts';
import { startControlPlane } from '../../support/control-plane.ts';
import { until } from '../../support/until.ts';

const plane = await startControlPlane({ loops: true });
t.teardown(() => plane.remove());

interface Answer {
  code: number;
  text: string;
  headers: IncomingHttpHeaders;
  json<T = Record<string, never>>(): T;
}

function ask(method: string, path: string, { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { ca, cert, key, port } = plane;
    const sent = request({ host: '127.0.0.1', port, method, path, ca, cert, key, agent: false, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve({ code: response.statusCode ?? 0, text, headers: response.headers, json: () => JSON.parse(text) as never }));
    });
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const RESOURCES = [{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['create', 'get', 'list', 'watch'], shortNames: ['fl'] }, { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] }];
const GROUP = '/apis/wardle.example.com/v1alpha1';
const DOCUMENTS: Record<string, object> = {
  [GROUP]: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'wardle.example.com/v1alpha1', resources: RESOURCES },
  '/openapi/v2': { swagger: '2.0', paths: { [`${GROUP}/flunders`]: { get: { parameters: [{ $ref: '#/parameters/fast-12345678' }], responses: { 200: { schema: { $ref: '#/definitions/com.example.wardle.v1alpha1.Flunder' } } } } }, '/apis/other.example.com/v1/things': { get: {} } }, definitions: { 'com.example.wardle.v1alpha1.Flunder': { type: 'object' }, 'com.example.other.v1.Thing': {} }, parameters: { 'fast-12345678': { name: 'fast', in: 'query', type: 'boolean' } } },
  '/openapi/v3': { paths: { 'apis/wardle.example.com/v1alpha1': { serverRelativeURL: '/openapi/v3/apis/wardle.example.com/v1alpha1?hash=1' } } },
  '/openapi/v3/apis/wardle.example.com/v1alpha1': { openapi: '3.0.0', info: { title: 'wardle' } },
};

/** As the sample API server does: who does not come through the front proxy is nobody. */
async function startWardle(): Promise<{ server: Server; port: number; caBundle: string; asked: { url: string; headers: IncomingHttpHeaders; proxied: boolean; body: string }[] }> {
  const [notBefore, notAfter] = [Date.now() - 60_000, Date.now() + 86_400_000];
  const authority = createAuthority('wardle-ca', { notBefore, notAfter }, systemRandom);
  const { certificate, key } = issueKeyPair(authority, { subject: { commonName: 'wardle' }, names: ['wardle.default.svc'], usages: ['server'], notBefore, notAfter }, systemRandom);
  const requestHeaderCa = (await ask('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).json<{ data: Record<string, string> }>().data['requestheader-client-ca-file'];
  const asked: Awaited<ReturnType<typeof startWardle>>['asked'] = [];
  const server = createServer({ cert: certificate, key, ca: requestHeaderCa, requestCert: true, rejectUnauthorized: false }, (incoming, response) => {
    const socket = incoming.socket as TLSSocket;
    const proxied = socket.authorized && socket.getPeerCertificate().subject.CN === 'front-proxy-client';
    const url = incoming.url ?? '';
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk)).on('end', () => {
      asked.push({ url, headers: incoming.headers, proxied, body });
      if (!proxied) return void response.writeHead(401).end();
      const document = DOCUMENTS[url.split('?')[0] ?? ''];
      response.writeHead(document === undefined ? 201 : 200, { 'content-type': 'application/json', 'x-wardle': 'yes' });
      if (url.includes('watch=true')) {
        response.write('{"type":"ADDED"}\n');
        setTimeout(() => response.end('{"type":"DELETED"}\n'), 20);
      } else response.end(JSON.stringify(document ?? { kind: 'Flunder', got: body }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, caBundle: Buffer.from(authority.certificate).toString('base64'), asked };
}

const available = async (): Promise<{ status: string; reason: string; message: string } | undefined> =>
  (await ask('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.wardle.example.com')).json<{ status?: { conditions?: { type: string; status: string; reason: string; message: string }[] } }>().status?.conditions?.find(({ type }) => type === 'Available');

/** References that lead nowhere. */
function danglingIn(document: object): string[] {
  const references = new Set([...JSON.stringify(document).matchAll(/"\$ref":"#\/(\w+)\/([^"]+)"/g)].map(([, section = '', name = '']) => `${section} ${name}`));
  return [...references].filter((reference) => {
    const [section = '', name = ''] = reference.split(' ');
    return !Object.hasOwn((document as Record<string, object>)[section] ?? {}, name);
  });
}

t.test('an APIService is checked, served through, shown in discovery and OpenAPI, and gone with its server', async (t) => {
  const wardle = await startWardle();
  t.teardown(() => { wardle.server.closeAllConnections(); wardle.server.close(); });
  const service = { name: 'wardle', namespace: 'default' };
  const made = await ask('POST', '/apis/apiregistration.k8s.io/v1/apiservices', { body: { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1alpha1.wardle.example.com' }, spec: { group: 'wardle.example.com', version: 'v1alpha1', service, caBundle: wardle.caBundle, groupPriorityMinimum: 2000, versionPriority: 200 } } });
  t.equal(made.code, 201);
  await until(async () => (await available())?.reason === 'ServiceNotFound', 'the first verdict');
  t.match(await available(), { status: 'False', message: 'service/wardle in "default" is not present' });
  const refused = await ask('GET', `${GROUP}/namespaces/default/flunders`);
  t.same([refused.code, refused.text], [503, 'service unavailable\n']);

  await ask('POST', '/api/v1/namespaces/default/services', { body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'wardle' }, spec: { ports: [{ port: 443, targetPort: wardle.port }] } } });
  await until(async () => ['EndpointsNotFound', 'MissingEndpoints'].includes((await available())?.reason ?? ''), 'the verdict without endpoints');
  // Into the store: the API lets no endpoint be on the loopback.
  await plane.store.create({ group: 'discovery.k8s.io', resource: 'endpointslices' }, { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'wardle-mine', namespace: 'default', uid: 'wardle-mine', resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z', labels: { 'kubernetes.io/service-name': 'wardle', 'endpointslice.kubernetes.io/managed-by': 'test' } }, addressType: 'IPv4', endpoints: [{ addresses: ['127.0.0.1'] }], ports: [{ name: '', port: wardle.port }] } as never, 'durable');
  await until(async () => (await available())?.status === 'True', 'the server being available');
  t.match(await available(), { reason: 'Passed', message: 'all checks passed' });
  t.match(wardle.asked.find(({ url }) => url === GROUP)?.headers, { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': 'system:masters' });

  const posted = await ask('POST', `${GROUP}/namespaces/default/flunders?dryRun=All`, { body: { kind: 'Flunder' }, headers: { 'x-remote-user': 'mallory', 'x-remote-group': 'system:masters' } });
  t.match(posted, { code: 201, headers: { 'x-wardle': 'yes' } });
  t.equal(posted.json<{ got: string }>().got, '{"kind":"Flunder"}');
  const seen = wardle.asked.find(({ url }) => url.endsWith('/flunders?dryRun=All'));
  t.match(seen, { proxied: true, headers: { 'x-remote-user': 'system:admin', host: 'wardle.default.svc' } }, 'who asks is named by us, not by the request');
  t.notOk(seen?.headers.authorization);
  t.equal((await ask('GET', `${GROUP}/flunders?watch=true`)).text, '{"type":"ADDED"}\n{"type":"DELETED"}\n', 'streams pass');

  const groups = (await ask('GET', '/apis')).json<{ groups: { name: string; preferredVersion: object }[] }>().groups;
  t.match(groups.find(({ name }) => name === 'wardle.example.com'), { preferredVersion: { groupVersion: 'wardle.example.com/v1alpha1' } });
  t.match((await ask('GET', '/apis/wardle.example.com')).json(), { kind: 'APIGroup', name: 'wardle.example.com' });
  t.match((await ask('GET', GROUP)).json(), { resources: RESOURCES });
  const aggregated = (await ask('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } })).json<{ items: { metadata: { name: string }; versions: object[] }[] }>();
  t.match(aggregated.items.find(({ metadata }) => metadata.name === 'wardle.example.com')?.versions, [{ version: 'v1alpha1', freshness: 'Current', resources: [{ resource: 'flunders', scope: 'Namespaced', shortNames: ['fl'], subresources: [{ subresource: 'status' }] }] }]);
  const v2 = (await ask('GET', '/openapi/v2')).json<{ paths: object; definitions: object; parameters: object }>();
  t.ok(`${GROUP}/flunders` in v2.paths && 'com.example.wardle.v1alpha1.Flunder' in v2.definitions && 'fast-12345678' in v2.parameters);
  t.notOk('com.example.other.v1.Thing' in v2.definitions, 'and for what that needs');
  t.same(danglingIn(v2), []);
  t.notOk('/apis/other.example.com/v1/things' in v2.paths, 'a server speaks only for what is its own');
  t.match((await ask('GET', '/openapi/v3')).json(), { paths: { 'apis/wardle.example.com/v1alpha1': { serverRelativeURL: String }, 'apis/apps/v1': {} } });
  t.match((await ask('GET', '/openapi/v3/apis/wardle.example.com/v1alpha1')).json(), { info: { title: 'wardle' } });

  t.equal((await ask('DELETE', '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.wardle.example.com')).code, 200);
  t.equal((await ask('GET', `${GROUP}/flunders`)).code, 404);
});

t.test('groups answered here have APIServices too; those of custom resources come and go with their definitions', async (t) => {
  const local = (await ask('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1.apps')).json();
  t.match(local, { spec: { groupPriorityMinimum: 17_800 }, status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] } });
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.sea.example' }, spec: { group: 'sea.example', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] } };
  t.equal((await ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crd })).code, 201);
  const there = async (): Promise<boolean> => (await ask('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1.sea.example')).code === 200;
  await until(there, 'its APIService');
  await ask('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.sea.example');
  await until(async () => !(await there()), 'the end of its APIService');
});

t.test('APIServices that make no sense are refused', async (t) => {
  const body = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.x.example' }, spec: { group: 'x.example', version: 'v2', service: { name: '', namespace: 'default', port: 70_000 }, insecureSkipTLSVerify: true, caBundle: 'eA==', groupPriorityMinimum: 0, versionPriority: 2000 } };
  const refused = await ask('POST', '/apis/apiregistration.k8s.io/v1/apiservices', { body });
  t.equal(refused.code, 422);
  t.same(refused.json<{ details: { causes: { field: string }[] } }>().details.causes.map(({ field }) => field), ['metadata.name', 'spec.groupPriorityMinimum', 'spec.versionPriority', 'spec.service.name', 'spec.service.port', 'spec.insecureSkipTLSVerify']);
});
