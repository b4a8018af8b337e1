// The typed client over HTTPS against the real API server: the same answers and errors as in process.
import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { isReason } from '../../../internal/base/errors.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import { createHttpsTransport, type TlsCredentials } from '../../../internal/client/https-transport.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import type { ConfigMap, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { CONFIGMAPS, NAMESPACES, NODES, PODS } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';

const server = await startApiServer();
const transport = createHttpsTransport({ url: server.url, credentials: server.credentials('admin', 'system:masters') });
const client = createClient(transport);
t.teardown(async () => {
  transport.close();
  await server.remove();
});

const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });
const map = (name: string, data: Record<string, string> = {}): { apiVersion: 'v1'; kind: 'ConfigMap'; metadata: { name: string; namespace: string }; data: Record<string, string> } => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data });
const reason = async (run: Promise<unknown>): Promise<string> => {
  try {
    await run;
    return 'none';
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  }
};

t.test('every verb', async (t) => {
  const created = await client.create(CONFIGMAPS, map('a', { k: 'v' }));
  t.same(await client.get(CONFIGMAPS, key('a')), created);
  t.same(await server.admin.get(CONFIGMAPS, key('a')), created, 'the same as in process');
  const updated = await client.update(CONFIGMAPS, { ...created, data: { k: 'w' } });
  t.equal(await reason(client.update(CONFIGMAPS, { ...created, data: { k: 'x' } })), 'Conflict');
  t.match(await client.patch(CONFIGMAPS, key('a'), { type: 'merge', body: { data: { more: 'yes' } } }), { data: { k: 'w', more: 'yes' } });
  t.match(await client.patch(CONFIGMAPS, key('a'), { type: 'json', body: [{ op: 'remove', path: '/data/more' }] }), { data: { k: 'w' } });
  t.match(await client.create(CONFIGMAPS, map('dry'), { dryRun: true }), { metadata: { name: 'dry' } });
  t.equal(await reason(client.get(CONFIGMAPS, key('dry'))), 'NotFound');
  await client.create(CONFIGMAPS, { ...map('b'), metadata: { name: 'b', namespace: 'default', labels: { app: 'x y z'.slice(0, 1) } } } as never);
  t.same((await client.list(CONFIGMAPS, { namespace: 'default', labelSelector: 'app in (x)' })).items.map(({ metadata }) => metadata.name), ['b']);
  t.same((await client.list(CONFIGMAPS, { fieldSelector: 'metadata.name=a' })).items.map(({ metadata }) => metadata.name), ['a']);
  t.equal(await reason(client.delete(CONFIGMAPS, key('a'), { preconditions: { resourceVersion: updated.metadata.resourceVersion } })), 'Conflict');
  await client.delete(CONFIGMAPS, key('a'));
  await client.deleteAll(CONFIGMAPS, { namespace: 'default' });
  t.same((await client.list(CONFIGMAPS, { namespace: 'default' })).items, []);
});

t.test('subresources and errors arrive as they were', async (t) => {
  const pod = await client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'x' }] } } as unknown as Pod).catch((error: unknown) => error);
  t.ok((pod as KubeObject).kind === 'Pod' || isReason(pod, 'Forbidden'), 'made, or refused for want of a service account');
  const invalid = await client.create(CONFIGMAPS, map('Not A Name')).catch((error: unknown) => error);
  t.match(invalid, { reason: 'Invalid', code: 422, details: { name: 'Not A Name', kind: 'ConfigMap', causes: [{ field: 'metadata.name', reason: 'FieldValueInvalid' }] } });
  t.match(await client.get(CONFIGMAPS, key('none')).catch((error: unknown) => error), { reason: 'NotFound', message: 'configmaps "none" not found', details: { name: 'none', kind: 'configmaps' } });
  const node = await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } as never);
  const updated = await client.updateStatus(NODES, { ...node, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  t.match(updated, { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
});

t.test('a watch: events as they come, until it is aborted', async (t) => {
  const { metadata } = await client.list(CONFIGMAPS, { namespace: 'default' });
  const abort = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { type, object } of client.watch(CONFIGMAPS, { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '' }, abort.signal)) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 2) abort.abort(new Error('enough'));
    }
  })();
  const made = await client.create(CONFIGMAPS, map('w', { text: 'ünïcode\n'.repeat(9000) }));
  t.same((made as ConfigMap).data, { text: 'ünïcode\n'.repeat(9000) });
  await client.delete(CONFIGMAPS, key('w'));
  await watching.catch((error: unknown) => t.match(error, { message: 'enough' }));
  t.same(seen, ['ADDED w', 'DELETED w']);
  t.equal(await reason((async () => {
    for await (const _event of client.watch(CONFIGMAPS, { resourceVersion: 'x' }, new AbortController().signal)) t.fail('nothing comes');
  })()), 'BadRequest');
});

t.test('who one is: certificate, token, nobody, and the wrong server', async (t) => {
  const nobody = createHttpsTransport({ url: server.url, credentials: { ca: server.authority.serverCa.certificate } });
  t.equal(await reason(createClient(nobody).list(NAMESPACES)), 'Forbidden');
  const token = createHttpsTransport({ url: server.url, credentials: { ca: server.authority.serverCa.certificate }, token: () => 'admin-token' });
  t.ok((await createClient(token).list(NAMESPACES)).items.length > 0);
  const stranger = createHttpsTransport({ url: server.url, credentials: { ca: server.authority.clientCa.certificate } });
  t.equal(await reason(createClient(stranger).list(NAMESPACES)), 'ServiceUnavailable');
  t.match(await nobody.raw({ method: 'GET', path: '/version' }), /"gitVersion": "v1.36/);
  for (const one of [nobody, token, stranger]) one.close();
});

t.test('a renewed certificate is used from the next request on; what is under way goes on', async (t) => {
  let current: TlsCredentials = server.credentials('admin', 'system:masters');
  const renewing = createHttpsTransport({ url: server.url, credentials: () => current });
  const other = createClient(renewing);
  const abort = new AbortController();
  const { metadata } = await other.list(CONFIGMAPS, { namespace: 'default' });
  const events = other.watch(CONFIGMAPS, { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '' }, abort.signal)[Symbol.asyncIterator]();
  await other.create(CONFIGMAPS, map('before'));
  t.match(await events.next(), { value: { object: { metadata: { name: 'before' } } } });
  current = server.credentials('system:node:n1', 'system:nodes');
  t.equal(await reason(other.list(CONFIGMAPS)), 'Forbidden');
  await client.create(CONFIGMAPS, map('after'));
  t.match(await events.next(), { value: { object: { metadata: { name: 'after' } } } });
  abort.abort(new Error('end'));
  renewing.close();
});

t.test('a server that is down is ServiceUnavailable, and is there again when it is back', async (t) => {
  await server.stop();
  t.equal(await reason(client.list(NAMESPACES)), 'ServiceUnavailable');
  await server.start();
  t.ok((await client.list(NAMESPACES)).items.length > 0);
});

t.test('a server that takes connections and says nothing is given up, for requests and for watches that do not begin', async (t) => {
  const mute = createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo;
  const patient = createHttpsTransport({ url: `https://127.0.0.1:${String(port)}`, timeoutMs: 100 });
  t.match(await createClient(patient).list(NAMESPACES).catch((error: unknown) => error), { reason: 'ServiceUnavailable', message: /no answer within 100 ms/ });
  t.equal(await reason((async () => {
    for await (const _event of createClient(patient).watch(NAMESPACES, {}, new AbortController().signal)) t.fail('nothing comes');
  })()), 'ServiceUnavailable');
  patient.close();
  mute.close();
});

t.test('a watch that has begun outlives the silence', async (t) => {
  const brief = createHttpsTransport({ url: server.url, credentials: server.credentials('admin', 'system:masters'), timeoutMs: 1000 }); // time enough to begin on a busy machine
  const { metadata } = await client.list(CONFIGMAPS, { namespace: 'default' });
  const abort = new AbortController();
  const events = createClient(brief).watch(CONFIGMAPS, { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '' }, abort.signal)[Symbol.asyncIterator]();
  const next = events.next();
  await new Promise<void>((resolve) => systemClock.setTimer(1500, resolve));
  await client.create(CONFIGMAPS, map('after-silence'));
  t.match(await next, { value: { object: { metadata: { name: 'after-silence' } } } });
  abort.abort(new Error('end'));
  brief.close();
});
