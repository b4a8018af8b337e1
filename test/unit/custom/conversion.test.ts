// Several versions of a custom resource: kept in one, served in each, converted by name or by a webhook.
import t from 'tap';
import type { Callout } from '../../../internal/api/callout.ts';
import type { StatusError } from '../../../internal/base/errors.ts';
import type { KubeObject, Unstructured } from '../../../internal/api/meta.ts';
import { CUSTOMRESOURCEDEFINITIONS } from '../../../internal/kinds/generated/resources.ts';
import { createScene, crd, foo, foos, key, schemaOf } from './scene.ts';

const HOST_PORT = schemaOf({ type: 'object', properties: { hostPort: { type: 'string' } } });
const APART = schemaOf({ type: 'object', properties: { host: { type: 'string' }, port: { type: 'string' } } });
const WEBHOOK = { conversion: { strategy: 'Webhook', webhook: { clientConfig: { service: { namespace: 'default', name: 'hook' } }, conversionReviewVersions: ['v1', 'v1beta1'] } } };

interface Review {
  request: { uid: string; desiredAPIVersion: string; objects: Unstructured[] };
}

/** Between `hostPort` (v1) and `host`, `port` (v2); counts the calls. */
function converter(answer: (review: Review, converted: KubeObject[]) => unknown = ({ request: { uid } }, convertedObjects) => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: { uid, convertedObjects, result: { status: 'Success' } } })): Callout & { calls: number[] } {
  const calls: number[] = [];
  return {
    calls,
    post(_target, body) {
      const review = body as Review;
      calls.push(review.request.objects.length);
      const converted = review.request.objects.map(({ apiVersion: _apiVersion, hostPort, host, port, ...rest }): KubeObject => {
        const [first, second] = String(hostPort).split(':');
        const fields = review.request.desiredAPIVersion.endsWith('/v1') ? { hostPort: `${String(host)}:${String(port)}` } : { host: first, port: second };
        return { ...rest, apiVersion: review.request.desiredAPIVersion, ...fields } as KubeObject;
      });
      return Promise.resolve(answer(review, converted));
    },
  };
}

void t.test('versions that differ in name only', async (t) => {
  const { client, define, store, stop } = await createScene();
  t.teardown(stop);
  await define(crd([{ name: 'v1', ...HOST_PORT }, { name: 'v2', storage: true, ...schemaOf({ type: 'object', properties: { hostPort: { type: 'string' }, extra: { type: 'string', default: 'e' } } }) }]));
  await client.create(foos('v1'), foo('a', { hostPort: 'h:1' }, 'v1'));
  t.equal(store.get(foos(), key('a'))?.apiVersion, 'example.com/v2');
  t.match(await client.get(foos('v1'), key('a')), { apiVersion: 'example.com/v1', hostPort: 'h:1', extra: undefined });
  t.match(await client.get(foos('v2'), key('a')), { apiVersion: 'example.com/v2', hostPort: 'h:1', extra: 'e' });
});

void t.test('a webhook converts on every road: create, get, list of mixed versions, patch, watch', async (t) => {
  const hook = converter();
  const { client, define, store, stop } = await createScene(hook);
  t.teardown(stop);
  await define(crd([{ name: 'v1', ...HOST_PORT }, { name: 'v2', ...APART }], { spec: WEBHOOK }));
  await client.create(foos('v1'), foo('a', { hostPort: 'h:1' }, 'v1'));
  t.match(await client.create(foos('v2'), foo('b', { host: 'i', port: '2' }, 'v2')), { host: 'i', port: '2' });
  t.match(store.get(foos(), key('b')), { apiVersion: 'example.com/v1', hostPort: 'i:2' });
  const definition = structuredClone(await client.get(CUSTOMRESOURCEDEFINITIONS, { namespace: '', name: 'foos.example.com' }));
  for (const version of definition.spec.versions) version.storage = version.name === 'v2';
  t.same((await client.update(CUSTOMRESOURCEDEFINITIONS, definition)).status?.storedVersions, ['v1', 'v2']);
  await client.create(foos('v2'), foo('c', { host: 'j', port: '3' }, 'v2'));
  t.equal(store.get(foos(), key('c'))?.apiVersion, 'example.com/v2');
  t.match((await client.list(foos('v1'), { namespace: 'default' })).items, [{ hostPort: 'h:1' }, { hostPort: 'i:2' }, { hostPort: 'j:3' }]);
  t.match((await client.list(foos('v2'), { namespace: 'default' })).items, [{ host: 'h', port: '1' }, { host: 'i' }, { host: 'j' }]);
  const asked = hook.calls.length;
  await client.list(foos('v2'), { namespace: 'default' });
  t.equal(hook.calls.length, asked, 'what was converted is not asked for again');
  const stream = client.watch(foos('v2'), { namespace: 'default', resourceVersion: String(store.revision) }, new AbortController().signal);
  await client.patch(foos('v1'), key('a'), { type: 'merge', body: { hostPort: 'k:9' } });
  for await (const { type, object } of stream) {
    t.match({ type, object }, { type: 'MODIFIED', object: { apiVersion: 'example.com/v2', host: 'k', port: '9' } });
    break;
  }
});

void t.test('what a webhook may not do, and what becomes of the request', async (t) => {
  let answer: Parameters<typeof converter>[0] = () => ({});
  const { client, define, stop } = await createScene(converter((review, converted) => answer?.(review, converted)));
  t.teardown(stop);
  await define(crd([{ name: 'v1', ...HOST_PORT }, { name: 'v2', ...APART }], { spec: WEBHOOK }));
  await client.create(foos('v1'), foo('a', { hostPort: 'h:1' }, 'v1'));
  const message = async (): Promise<string> => client.get(foos('v2'), key('a')).then(() => '', (error: unknown) => (error as StatusError).message);
  const good = (uid: string, convertedObjects: unknown[], result: object = { status: 'Success' }): object => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: { uid, convertedObjects, result } });
  const cases: [answer: Parameters<typeof converter>[0], text: string][] = [
    [() => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview' }), 'conversion webhook for example.com/v1, Kind=Foo failed: no response provided'],
    [(_review, objects) => good('other', objects), 'got "other"'],
    [({ request }, objects) => good(request.uid, objects, { status: 'Failed', message: 'not today' }), 'failed: not today'],
    [({ request }, objects) => good(request.uid, objects, { status: 'Failed' }), "response.result.status was 'Failed', not 'Success'"],
    [({ request }) => good(request.uid, []), 'returned 0 objects, expected 1'],
    [({ request }, [object]) => good(request.uid, [{ ...object, apiVersion: 'example.com/v3' }]), 'invalid groupVersion (expected example.com/v2, received example.com/v3)'],
    [({ request }, [object]) => good(request.uid, [{ ...object, metadata: { ...object?.metadata, name: 'b' } }]), 'must have the same name: a != b'],
  ];
  for (const [given, text] of cases) {
    answer = given;
    const said = await message();
    t.ok(said.includes(text), `${text} in ${said}`);
  }
});
