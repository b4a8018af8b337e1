import t from 'tap';
import type { ObjectList } from '../../../internal/api/request.ts';
import type { ReadOptions } from '../../../internal/registry/registry.ts';
import { HISTORY_MS } from '../../../internal/store/history.ts';
import { change, configMap, createScene, kindOf, pod, refused, write, type Scene } from './scene.ts';

const MAPS = kindOf('configmaps');
const PODS = kindOf('pods');

const names = (list: ObjectList): string[] => list.items.map(({ metadata }) => metadata.name);

async function withMaps(count: number): Promise<Scene> {
  const scene = createScene();
  for (let at = 0; at < count; at++) await scene.registry.create(MAPS, configMap(`m${String(at)}`, { labels: { half: String(at % 2) } }), write());
  return scene;
}

t.test('pages: all of one revision, in order, with an exact count of what remains', async (t) => {
  const { registry } = await withMaps(7);
  const first = registry.list(MAPS, { namespace: 'default', limit: 3 });
  t.same(names(first), ['m0', 'm1', 'm2']);
  t.equal(first.metadata.remainingItemCount, 4);
  await registry.create(MAPS, configMap('m1b'), write());
  await registry.create(MAPS, configMap('m5b'), write());
  await registry.delete(MAPS, { namespace: 'default', name: 'm4' }, {}, write());
  await registry.update(MAPS, { namespace: 'default', name: 'm3' }, change({ data: { late: 'yes' } }), write());
  const second = registry.list(MAPS, { namespace: 'default', limit: 3, continue: first.metadata.continue as string });
  t.same(names(second), ['m3', 'm4', 'm5'], 'as it was when the first page was read');
  t.notOk('data' in (second.items[0] as object));
  t.same([second.metadata.resourceVersion, second.metadata.remainingItemCount], [first.metadata.resourceVersion, 1]);
  const last = registry.list(MAPS, { namespace: 'default', limit: 3, continue: second.metadata.continue as string });
  t.same(names(last), ['m6']);
  t.same([last.metadata.continue, last.metadata.remainingItemCount], [undefined, undefined]);
});

t.test('pages over all namespaces go by namespace, then name', async (t) => {
  const { registry } = createScene();
  for (const [namespace, name] of [['b', 'a'], ['a', 'z'], ['a-b', 'k'], ['a', 'b']] as const) await registry.create(MAPS, configMap(name, { namespace }), write());
  const found: string[] = [];
  let token: string | undefined;
  do {
    const page = registry.list(MAPS, { namespace: '', limit: 1, ...(token !== undefined && { continue: token }) });
    found.push(...page.items.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`));
    token = page.metadata.continue;
  } while (token !== undefined);
  t.same(found, ['a/b', 'a/z', 'a-b/k', 'b/a']);
});

t.test('a selector pages without a count', async (t) => {
  const { registry } = await withMaps(6);
  const first = registry.list(MAPS, { namespace: 'default', limit: 2, labelSelector: 'half=1' });
  t.same(names(first), ['m1', 'm3']);
  t.equal(first.metadata.remainingItemCount, undefined);
  const second = registry.list(MAPS, { namespace: 'default', limit: 2, labelSelector: 'half=1', continue: first.metadata.continue as string });
  t.same([names(second), second.metadata.continue], [['m5'], undefined]);
});

t.test('a token that is too old: Expired, with one that goes on as of now', async (t) => {
  const { registry, clock } = await withMaps(5);
  const first = registry.list(MAPS, { namespace: 'default', limit: 2 });
  await registry.create(MAPS, configMap('m2b'), write());
  await clock.advance(HISTORY_MS + 1000);
  await registry.create(MAPS, configMap('m3b'), write());
  const error = await refused(t, 'Expired', () => registry.list(MAPS, { namespace: 'default', limit: 2, continue: first.metadata.continue as string }));
  t.equal(error.code, 410);
  t.match(error.message, /^The provided continue parameter is too old to display a consistent list result\./);
  t.type(error.continue, 'string');
  const rest = registry.list(MAPS, { namespace: 'default', continue: error.continue as string });
  t.same(names(rest), ['m2', 'm2b', 'm3', 'm3b', 'm4']);
  t.not(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  const page = registry.list(MAPS, { namespace: 'default', limit: 2, continue: error.continue as string });
  t.same(names(registry.list(MAPS, { namespace: 'default', continue: page.metadata.continue as string })), ['m3', 'm3b', 'm4'], 'and can be paged again');
});

t.test('tokens that are none, or of a revision that is not yet', async (t) => {
  const { registry } = await withMaps(1);
  const token = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const [bad, words] of [
    ['%%%', /^invalid continue token: continue key is not valid/],
    [token({ v: 'v0', rv: 1, start: 'a' }), /server does not recognize this encoded version v0/],
    [token({ v: 'meta.k8s.io/v1', rv: 0, start: 'a' }), /incorrect encoded start resourceVersion/],
    [token({ v: 'meta.k8s.io/v1', rv: 1, start: '' }), /encoded start key empty/],
  ] as const) {
    t.match((await refused(t, 'BadRequest', () => registry.list(MAPS, { namespace: 'default', continue: bad }))).message, words);
  }
  await refused(t, 'Timeout', () => registry.list(MAPS, { namespace: 'default', continue: token({ v: 'meta.k8s.io/v1', rv: 999999, start: 'default/a\u0000' }) }));
  await refused(t, 'BadRequest', () => registry.list(MAPS, { namespace: 'default', resourceVersion: '5', continue: token({ v: 'meta.k8s.io/v1', rv: 1, start: 'a' }) }));
});

t.test('what a resourceVersion asks of a list', async (t) => {
  const { registry, store } = await withMaps(2);
  const then = String(store.revision);
  await registry.create(MAPS, configMap('late'), write());
  const list = (options: Partial<ReadOptions>): string[] => names(registry.list(MAPS, { namespace: 'default', ...options }));
  t.same(list({ resourceVersion: then, resourceVersionMatch: 'Exact' }), ['m0', 'm1']);
  t.same(list({ resourceVersion: then, resourceVersionMatch: 'NotOlderThan' }), ['late', 'm0', 'm1']);
  t.same(list({ resourceVersion: then }), ['late', 'm0', 'm1']);
  t.same(list({ resourceVersion: then, limit: 10 }), ['m0', 'm1']);
  t.same(list({ resourceVersion: '0' }), ['late', 'm0', 'm1']);
  const ahead = await refused(t, 'Timeout', () => list({ resourceVersion: '999999' }));
  t.match(ahead, { message: 'Timeout: Too large resource version: 999999, current: 3', details: { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge' }] } });
  await refused(t, 'BadRequest', () => list({ resourceVersion: 'x' }));
  await refused(t, 'Invalid', () => list({ resourceVersionMatch: 'Exact' }));
  await refused(t, 'Invalid', () => list({ resourceVersionMatch: 'Exact', resourceVersion: '0' }));
});

t.test('selectors by label and by field', async (t) => {
  const { registry } = createScene();
  await registry.create(PODS, pod('here', { nodeName: 'n1', labels: { app: 'web' } }), write());
  await registry.create(PODS, pod('there', { nodeName: 'n2', labels: { app: 'db' } }), write());
  await registry.create(PODS, pod('nowhere'), write());
  const list = (options: Partial<ReadOptions>): string[] => names(registry.list(PODS, { namespace: '', ...options }));
  t.same(list({ fieldSelector: 'spec.nodeName=n1' }), ['here']);
  t.same(list({ fieldSelector: 'spec.nodeName=' }), ['nowhere']);
  t.same(list({ fieldSelector: 'spec.nodeName!=n1,status.phase=Pending' }), ['nowhere', 'there']);
  t.same(list({ fieldSelector: 'metadata.name=there' }), ['there']);
  t.same(list({ fieldSelector: 'metadata.namespace=default,metadata.name=here' }), ['here']);
  t.same(list({ fieldSelector: 'metadata.namespace=other' }), []);
  t.same(list({ labelSelector: 'app in (web, db)', fieldSelector: 'spec.nodeName=n2' }), ['there']);
  t.same(list({ labelSelector: '!app' }), ['nowhere']);
  t.equal((await refused(t, 'BadRequest', () => list({ fieldSelector: 'spec.nope=1' }))).message, 'field label not supported: spec.nope');
  t.equal((await refused(t, 'BadRequest', () => registry.list(MAPS, { namespace: '', fieldSelector: 'spec.nope=1' }))).message, '"spec.nope" is not a known field selector: only "metadata.name", "metadata.namespace"');
  await refused(t, 'BadRequest', () => list({ labelSelector: 'a=b=c' }));
});
