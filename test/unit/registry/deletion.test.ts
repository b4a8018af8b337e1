import t from 'tap';
import { HISTORY_MS } from '../../../internal/store/history.ts';
import { change, configMap, createScene, kindOf, pod, refused, write } from './scene.ts';

const MAPS = kindOf('configmaps');
const PODS = kindOf('pods');
const NAMESPACES = kindOf('namespaces');
const key = (name: string, namespace = 'default'): { namespace: string; name: string } => ({ namespace, name });

t.test('an object without finalizers goes at once, with the revision of its deletion', async (t) => {
  const { registry, store } = createScene();
  const created = await registry.create(MAPS, configMap('a'), write());
  const { gone, object } = await registry.delete(MAPS, key('a'), {}, write());
  t.ok(gone);
  t.equal(object.metadata.resourceVersion, String(store.revision));
  t.ok(Number(object.metadata.resourceVersion) > Number(created.metadata.resourceVersion));
  const again = await refused(t, 'NotFound', () => registry.delete(MAPS, key('a'), {}, write()));
  t.equal(again.message, 'configmaps "a" not found');
});

t.test('finalizers hold it until the last is taken away; none may be added meanwhile', async (t) => {
  const { registry, clock } = createScene();
  await registry.create(MAPS, configMap('a', { finalizers: ['x.io/one', 'x.io/two'] }), write());
  const marked = await registry.delete(MAPS, key('a'), {}, write());
  t.match(marked, { gone: false, object: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 } } });
  await clock.advance(5000);
  const again = await registry.delete(MAPS, key('a'), {}, write());
  t.equal(again.object.metadata.resourceVersion, marked.object.metadata.resourceVersion, 'asking again changes nothing');
  const more = await refused(t, 'Invalid', () => registry.update(MAPS, key('a'), change({ metadata: { finalizers: ['x.io/one', 'x.io/new'] } }), write()));
  t.match(more.message, /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"x.io\/new"\}/);
  const being = await refused(t, 'AlreadyExists', () => registry.create(MAPS, configMap('a'), write()));
  t.equal(being.message, 'object is being deleted: configmaps "a" already exists');
  const one = await registry.update(MAPS, key('a'), change({ metadata: { finalizers: ['x.io/two'] } }), write());
  t.same(one.object.metadata.finalizers, ['x.io/two']);
  await registry.update(MAPS, key('a'), change({ metadata: { finalizers: [] } }), write());
  await refused(t, 'NotFound', () => registry.get(MAPS, key('a')));
});

t.test('a deletionTimestamp is no client\'s to take away', async (t) => {
  const { registry } = createScene();
  await registry.create(MAPS, configMap('a', { finalizers: ['x.io/one'] }), write());
  const { object } = await registry.delete(MAPS, key('a'), {}, write());
  const { deletionTimestamp: _at, deletionGracePeriodSeconds: _grace, ...metadata } = object.metadata;
  const kept = await registry.update(MAPS, key('a'), () => ({ ...object, metadata: { ...metadata, labels: { a: 'b' } } }), write());
  t.match(kept.object.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z', labels: { a: 'b' } });
});

t.test('grace: a pod on a node is marked, may be hurried and not slowed, and goes with grace 0', async (t) => {
  const { registry, clock } = createScene();
  await registry.create(PODS, pod('p', { nodeName: 'n1', grace: 30 }), write());
  const marked = await registry.delete(PODS, key('p'), {}, write());
  t.match(marked, { gone: false, object: { metadata: { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30, generation: 2 } } });
  await clock.advance(2000);
  const slower = await registry.delete(PODS, key('p'), { gracePeriodSeconds: 60 }, write());
  t.equal(slower.object.metadata.deletionGracePeriodSeconds, 30);
  const hurried = await registry.delete(PODS, key('p'), { gracePeriodSeconds: 10 }, write());
  t.match(hurried.object.metadata, { deletionTimestamp: '2026-01-01T00:00:10Z', deletionGracePeriodSeconds: 10, generation: 2 });
  t.match(await registry.delete(PODS, key('p'), { gracePeriodSeconds: 0 }, write()), { gone: true });
  await refused(t, 'NotFound', () => registry.get(PODS, key('p')));
});

t.test('grace: a pod that no node has goes at once; a negative grace means one second', async (t) => {
  const { registry } = createScene();
  await registry.create(PODS, pod('waiting'), write());
  t.match(await registry.delete(PODS, key('waiting'), {}, write()), { gone: true });
  await registry.create(PODS, pod('negative', { nodeName: 'n1' }), write());
  t.match((await registry.delete(PODS, key('negative'), { gracePeriodSeconds: -5 }, write())).object.metadata, { deletionGracePeriodSeconds: 1 });
});

t.test('a marked pod with a finalizer outlives grace 0', async (t) => {
  const { registry } = createScene();
  await registry.create(PODS, { ...pod('p', { nodeName: 'n1' }), metadata: { ...pod('p').metadata, finalizers: ['x.io/one'] } }, write());
  await registry.delete(PODS, key('p'), {}, write());
  t.match(await registry.delete(PODS, key('p'), { gracePeriodSeconds: 0 }, write()), { gone: false, object: { metadata: { deletionGracePeriodSeconds: 0 } } });
  await registry.update(PODS, key('p'), change({ metadata: { finalizers: [] } }), write());
  await refused(t, 'NotFound', () => registry.get(PODS, key('p')));
});

t.test('preconditions', async (t) => {
  const { registry } = createScene();
  const { metadata } = await registry.create(MAPS, configMap('a'), write());
  const uid = await refused(t, 'Conflict', () => registry.delete(MAPS, key('a'), { preconditions: { uid: 'other' } }, write()));
  t.equal(uid.message, `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`);
  await refused(t, 'Conflict', () => registry.delete(MAPS, key('a'), { preconditions: { resourceVersion: '1' + metadata.resourceVersion } }, write()));
  t.match(await registry.delete(MAPS, key('a'), { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } }, write()), { gone: true });
});

t.test('propagation: the garbage collector is asked by finalizer', async (t) => {
  const { registry } = createScene();
  for (const [name, options, finalizers] of [
    ['orphan', { propagationPolicy: 'Orphan' }, ['orphan']],
    ['foreground', { propagationPolicy: 'Foreground' }, ['foregroundDeletion']],
    ['old', { orphanDependents: true }, ['orphan']],
  ] as const) {
    await registry.create(MAPS, configMap(name), write());
    t.same((await registry.delete(MAPS, key(name), options, write())).object.metadata.finalizers, finalizers);
  }
  t.match(await registry.delete(MAPS, key('foreground'), { propagationPolicy: 'Background' }, write()), { gone: true }, 'a later Background frees it');
  const both = await refused(t, 'Invalid', () => registry.delete(MAPS, key('orphan'), { propagationPolicy: 'Orphan', orphanDependents: true }, write()));
  t.match(both.message, /orphanDependents and deletionPropagation cannot be both set/);
});

t.test('a namespace is Terminating until its finalizers are gone', async (t) => {
  const { registry } = createScene();
  await registry.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } } as never, write());
  const marked = await registry.delete(NAMESPACES, key('team', ''), {}, write());
  t.match(marked, { gone: false, object: { status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } } });
  t.equal((await registry.delete(NAMESPACES, key('team', ''), {}, write())).object.metadata.resourceVersion, marked.object.metadata.resourceVersion);
  await registry.update(NAMESPACES, key('team', ''), change({ spec: {} }), write());
  t.match(registry.get(NAMESPACES, key('team', '')), { spec: { finalizers: ['kubernetes'] } }, 'its own update does not finalize');
  await registry.update(NAMESPACES, key('team', ''), change({ spec: {} }), write({ subresource: 'finalize' }));
  await refused(t, 'NotFound', () => registry.get(NAMESPACES, key('team', '')));
});

t.test('a collection is deleted by selector, over several pages if there are many', async (t) => {
  const { registry } = createScene();
  for (let at = 0; at < 150; at++) await registry.create(MAPS, configMap(`m${String(at)}`, { labels: { half: String(at % 2) } }), write());
  const deleted = await registry.deleteCollection(MAPS, { namespace: 'default', labelSelector: 'half=0' }, {}, write());
  t.equal(deleted.items.length, 75);
  t.equal(registry.list(MAPS, { namespace: 'default' }).items.length, 75);
  t.equal(registry.list(MAPS, { namespace: 'default', labelSelector: 'half=0' }).items.length, 0);
});

t.test('a collection at a version is that version exactly, and none that is no longer kept', async (t) => {
  const { registry, store, clock } = createScene();
  await registry.create(MAPS, configMap('a'), write());
  const then = String(store.revision);
  await registry.create(MAPS, configMap('b'), write());
  const deleted = await registry.deleteCollection(MAPS, { namespace: 'default', resourceVersion: then }, {}, write());
  t.same(deleted.items.map(({ metadata }) => metadata.name), ['a']);
  t.same(registry.list(MAPS, { namespace: 'default' }).items.map(({ metadata }) => metadata.name), ['b']);
  await clock.advance(HISTORY_MS + 1000);
  await registry.create(MAPS, configMap('c'), write());
  for (const read of [{ resourceVersion: then }, { resourceVersion: then, resourceVersionMatch: 'Exact' as const }, { resourceVersion: then, limit: 1 }]) {
    await refused(t, 'Expired', () => registry.deleteCollection(MAPS, { namespace: 'default', ...read }, {}, write()));
  }
  await refused(t, 'Invalid', () => registry.deleteCollection(MAPS, { namespace: 'default', resourceVersionMatch: 'Exact' }, {}, write()));
  await registry.deleteCollection(MAPS, { namespace: 'default', resourceVersion: then, resourceVersionMatch: 'NotOlderThan' }, {}, write());
  t.same(registry.list(MAPS, { namespace: 'default' }).items, []);
});

t.test('validating admission sees what is deleted, and may refuse', async (t) => {
  const { registry } = createScene();
  await registry.create(MAPS, configMap('a', { data: { keep: 'yes' } }), write());
  const validate = (object: unknown, old: unknown): Promise<void> => {
    t.equal(object, undefined);
    t.match(old, { data: { keep: 'yes' } });
    return Promise.reject(new Error('kept'));
  };
  await t.rejects(registry.delete(MAPS, key('a'), {}, write({ validate })), { message: 'kept' });
  t.ok(registry.get(MAPS, key('a')));
});
