import t from 'tap';
import type { KubeObject, Unstructured } from '../../../internal/api/meta.ts';
import type { Random } from '../../../internal/base/random.ts';
import { change, configMap, createScene, kindOf, pod, refused, seededRandom, write } from './scene.ts';

const MAPS = kindOf('configmaps');
const PODS = kindOf('pods');
const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

t.test('the server gives uid, time and revision, and takes what only it may set', async (t) => {
  const { registry } = createScene();
  const draft = configMap('a') as Unstructured;
  Object.assign(draft.metadata, { uid: 'mine', creationTimestamp: '2000-01-01T00:00:00Z', deletionTimestamp: '2000-01-01T00:00:00Z', generation: 7, selfLink: '/x' });
  const { metadata } = await registry.create(MAPS, draft, write());
  t.match(metadata, { creationTimestamp: '2026-01-01T00:00:00Z', resourceVersion: /^\d+$/ });
  t.not(metadata.uid, 'mine');
  t.same([metadata.deletionTimestamp, metadata.generation, metadata.selfLink], [undefined, 7, undefined]); // the generation of a kind that counts none is its writer's
  await refused(t, 'InternalError', () => registry.create(MAPS, { ...configMap('b'), metadata: { ...configMap('b').metadata, resourceVersion: '5' } }, write()));
});

t.test('every problem is told at once', async (t) => {
  const { registry } = createScene();
  const error = await refused(t, 'Invalid', () => registry.create(MAPS, configMap('Not_A_Name', { labels: { 'a/b/c': 'x', ok: 'not ok' }, data: { 'x/y': '' } }), write()));
  t.same(error.details?.causes?.map(({ field }) => field), ['metadata.name', 'metadata.labels', 'metadata.labels', 'data[x/y]']);
});

t.test('generateName: a suffix is added, long prefixes are cut, and a name that is taken is tried again', async (t) => {
  // Every second draw repeats, so that the first try of the second object meets the first object's name.
  let draws = 0;
  const random: Random = { ...seededRandom(1), fraction: () => (Math.floor(draws++ / 10) % 2 === 0 ? 0.1 : 0.5) };
  const { registry } = createScene({ random });
  const first = await registry.create(MAPS, configMap('', { generateName: 'web-' }), write());
  t.match(first.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.equal(first.metadata.generateName, 'web-');
  const second = await registry.create(MAPS, configMap('', { generateName: 'web-' }), write());
  t.not(second.metadata.name, first.metadata.name);
  const long = await registry.create(MAPS, configMap('', { generateName: 'x'.repeat(80) }), write());
  t.equal(long.metadata.name.length, 63);
});

t.test('generateName: when no free name is found, the client is told to come again', async (t) => {
  const { registry } = createScene({ random: { ...seededRandom(1), fraction: () => 0.5 } });
  await registry.create(MAPS, configMap('', { generateName: 'web-' }), write());
  const error = await refused(t, 'AlreadyExists', () => registry.create(MAPS, configMap('', { generateName: 'web-' }), write()));
  t.match(error.message, /the server was not able to generate a unique name for the object$/);
  t.equal(error.details?.retryAfterSeconds, 1);
});

t.test('an update that changes nothing writes nothing', async (t) => {
  const { registry, store } = createScene();
  const created = await registry.create(MAPS, configMap('a', { data: { k: 'v' } }), write());
  const before = store.revision;
  const { object } = await registry.update(MAPS, key('a'), change({ data: { k: 'v' } }), write());
  t.equal(object, created, 'the very object that is there');
  t.equal(store.revision, before);
  const track = (draft: KubeObject): void => void (draft.metadata.managedFields = [{ manager: 'me', operation: 'Update', time: '2026-01-02T00:00:00Z' }]);
  await registry.update(MAPS, key('a'), change({ data: { k: 'w' } }), write({ track }));
  const owned = store.revision;
  await registry.update(MAPS, key('a'), change({}), write({ track: (draft) => void (draft.metadata.managedFields = [{ manager: 'me', operation: 'Update', time: '2026-01-03T00:00:00Z' }]) }));
  t.equal(store.revision, owned, 'a newer time of ownership alone is no change');
});

t.test('a stale state is refused, an unconditional one is applied to the newest', async (t) => {
  const { registry } = createScene();
  const first = await registry.create(MAPS, configMap('a', { data: { n: '1' } }), write());
  const second = (await registry.update(MAPS, key('a'), change({ data: { n: '2' } }), write())).object;
  const stale = await refused(t, 'Conflict', () => registry.update(MAPS, key('a'), () => first, write()));
  t.equal(stale.message, 'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again');
  const { resourceVersion: _none, ...metadata } = second.metadata;
  const third = await registry.update(MAPS, key('a'), () => ({ ...second, metadata, data: { n: '3' } }) as unknown as KubeObject, write());
  t.match(third.object, { data: { n: '3' } });
  await refused(t, 'Conflict', () => registry.update(MAPS, key('a'), change({ metadata: { uid: 'another', resourceVersion: '' } }), write()));
  const missing = await refused(t, 'NotFound', () => registry.update(MAPS, key('none'), change({}), write()));
  t.equal(missing.message, 'configmaps "none" not found');
});

t.test('a lost race is run again on the newest state: no update is lost', async (t) => {
  const { registry } = createScene();
  await registry.create(MAPS, configMap('a', { data: { n: '0' } }), write());
  const increment = async (current: KubeObject | undefined): Promise<KubeObject> => {
    const { data } = current as KubeObject & { data: { n: string } };
    await Promise.resolve();
    return change({ data: { n: String(Number(data.n) + 1) } })(current);
  };
  await Promise.all(Array.from({ length: 20 }, () => registry.update(MAPS, key('a'), increment, write())));
  t.match(registry.get(MAPS, key('a')), { data: { n: '20' } });
});

t.test('a dry run goes all the way and leaves nothing', async (t) => {
  const { registry, store } = createScene();
  const before = store.revision;
  t.match(await registry.create(MAPS, configMap('a'), write({ dryRun: true })), { metadata: { name: 'a', uid: /./ } });
  await refused(t, 'NotFound', () => registry.get(MAPS, key('a')));
  await refused(t, 'Invalid', () => registry.create(MAPS, configMap('B!'), write({ dryRun: true })));
  t.equal(store.revision, before);
  await registry.create(MAPS, configMap('a', { data: { k: 'v' } }), write());
  const there = store.revision;
  await refused(t, 'AlreadyExists', () => registry.create(MAPS, configMap('a'), write({ dryRun: true })));
  t.match((await registry.update(MAPS, key('a'), change({ data: { k: 'w' } }), write({ dryRun: true }))).object, { data: { k: 'w' } });
  t.match(await registry.delete(MAPS, key('a'), {}, write({ dryRun: true })), { gone: true });
  t.match(registry.get(MAPS, key('a')), { data: { k: 'v' } });
  t.equal(store.revision, there);
});

t.test('generation counts changes of the spec; status is its own part', async (t) => {
  const { registry } = createScene();
  const created = await registry.create(PODS, pod('p'), write());
  t.equal(created.metadata.generation, 1);
  const labelled = (await registry.update(PODS, key('p'), change({ metadata: { labels: { a: 'b' } } }), write())).object;
  t.equal(labelled.metadata.generation, 1);
  const running = (await registry.update(PODS, key('p'), change({ spec: { nonsense: true }, status: { phase: 'Running' } }), write({ subresource: 'status' }))).object as Unstructured;
  t.match(running, { metadata: { generation: 1 }, status: { phase: 'Running' }, spec: { containers: [{ name: 'c' }] } });
  const kept = (await registry.update(PODS, key('p'), change({ status: { phase: 'Failed' } }), write())).object;
  t.match(kept, { status: { phase: 'Running' } }, 'a write of the object leaves its status');
});

t.test('a draft may be built out of frozen parts of what the store gave', async (t) => {
  const { registry } = createScene();
  const first = (await registry.create(PODS, pod('p'), write())) as Unstructured;
  const second = await registry.create(PODS, { ...pod('q'), spec: first['spec'] } as Unstructured, write());
  t.match(second, { spec: { containers: [{ name: 'c' }] } });
  t.ok(Object.isFrozen(first['spec']));
});
