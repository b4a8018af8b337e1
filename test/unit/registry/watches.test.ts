import t from 'tap';
import type { WatchEvent } from '../../../internal/api/request.ts';
import type { WatchOptions } from '../../../internal/registry/registry.ts';
import { HISTORY_MS } from '../../../internal/store/history.ts';
import { settle } from '../../support/fake-clock.ts';
import { change, configMap, createScene, kindOf, refused, write, type Scene } from './scene.ts';

const MAPS = kindOf('configmaps');
const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

interface Watching {
  /** `ADDED a`, … since the last call. */
  seen(): Promise<string[]>;
  events: WatchEvent[];
  ended(): boolean;
  abort(): void;
}

function watching({ registry }: Scene, options: Partial<WatchOptions>): Watching {
  const abort = new AbortController();
  const events: WatchEvent[] = [];
  let told = 0;
  let ended = false;
  const stream = registry.watch(MAPS, { namespace: 'default', ...options }, abort.signal);
  void (async () => {
    for await (const event of stream) events.push(event);
    ended = true;
  })();
  return {
    events,
    ended: () => ended,
    abort: () => abort.abort(),
    async seen() {
      await settle();
      const fresh = events.slice(told);
      told = events.length;
      return fresh.map(({ type, object }) => (type === 'BOOKMARK' ? type : `${type} ${object.metadata.name}`));
    },
  };
}

t.test('from a revision: what came after it, each once, in order', async (t) => {
  const scene = createScene();
  const { registry } = scene;
  const first = await registry.create(MAPS, configMap('a'), write());
  await registry.create(MAPS, configMap('b'), write());
  const watch = watching(scene, { resourceVersion: first.metadata.resourceVersion });
  await registry.update(MAPS, key('a'), change({ data: { k: 'v' } }), write());
  await registry.delete(MAPS, key('b'), {}, write());
  await registry.create(MAPS, configMap('c', { namespace: 'other' }), write());
  t.same(await watch.seen(), ['ADDED b', 'MODIFIED a', 'DELETED b']);
  const revisions = watch.events.map(({ object }) => Number(object.metadata.resourceVersion));
  t.same(revisions, [...revisions].sort((a, b) => a - b));
  watch.abort();
  await settle();
  t.ok(watch.ended());
});

t.test('without a revision: what is there, then what comes', async (t) => {
  const scene = createScene();
  await scene.registry.create(MAPS, configMap('a'), write());
  for (const resourceVersion of [undefined, '', '0']) {
    const watch = watching(scene, { ...(resourceVersion !== undefined && { resourceVersion }) });
    t.same(await watch.seen(), ['ADDED a']);
    watch.abort();
  }
});

t.test('sendInitialEvents: all that is there, then a bookmark that says so, then what comes', async (t) => {
  const scene = createScene();
  const { registry, store } = scene;
  await registry.create(MAPS, configMap('a'), write());
  await registry.create(MAPS, configMap('b'), write());
  const watch = watching(scene, { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true });
  t.same(await watch.seen(), ['ADDED a', 'ADDED b', 'BOOKMARK']);
  t.match(watch.events[2]?.object, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: String(store.revision), annotations: { 'k8s.io/initial-events-end': 'true' } } });
  await registry.create(MAPS, configMap('c'), write());
  t.same(await watch.seen(), ['ADDED c']);
  const quiet = watching(scene, { sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' });
  t.same(await quiet.seen(), []);
  await refused(t, 'Timeout', () => registry.watch(MAPS, { namespace: '', sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', resourceVersion: '99999' }, new AbortController().signal));
  const unmatched = await refused(t, 'Invalid', () => registry.watch(MAPS, { namespace: '', sendInitialEvents: true }, new AbortController().signal));
  t.match(unmatched.message, /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/);
  await refused(t, 'Invalid', () => registry.watch(MAPS, { namespace: '', resourceVersionMatch: 'NotOlderThan' }, new AbortController().signal));
  watch.abort();
  quiet.abort();
});

t.test('bookmarks come each minute and at the end, with the newest revision', async (t) => {
  const scene = createScene();
  const { clock, registry, store } = scene;
  const first = await registry.create(MAPS, configMap('a'), write());
  const watch = watching(scene, { resourceVersion: first.metadata.resourceVersion, allowWatchBookmarks: true, timeoutSeconds: 150 });
  const silent = watching(scene, { resourceVersion: first.metadata.resourceVersion, timeoutSeconds: 150 });
  await registry.create(MAPS, configMap('elsewhere', { namespace: 'other' }), write());
  await clock.advance(61_000);
  t.same(await watch.seen(), ['BOOKMARK']);
  t.equal(watch.events[0]?.object.metadata.resourceVersion, String(store.revision));
  await clock.advance(60_000);
  t.same(await watch.seen(), ['BOOKMARK']);
  await clock.advance(30_000);
  t.same(await watch.seen(), ['BOOKMARK'], 'one last');
  t.ok(watch.ended());
  t.same(await silent.seen(), []);
  t.ok(silent.ended());
  t.equal(clock.nextInMs(), undefined, 'no timer is left');
});

t.test('a selector: who enters is ADDED, who leaves is DELETED as it was, with the revision of the change', async (t) => {
  const scene = createScene();
  const { registry } = scene;
  const watch = watching(scene, { labelSelector: 'app=web' });
  await registry.create(MAPS, configMap('a', { labels: { app: 'db' } }), write());
  await registry.create(MAPS, configMap('b', { labels: { app: 'web' } }), write());
  t.same(await watch.seen(), ['ADDED b']);
  await registry.update(MAPS, key('a'), change({ metadata: { labels: { app: 'web' } } }), write());
  t.same(await watch.seen(), ['ADDED a']);
  await registry.update(MAPS, key('a'), change({ data: { k: 'v' } }), write());
  t.same(await watch.seen(), ['MODIFIED a']);
  const left = await registry.update(MAPS, key('a'), change({ metadata: { labels: {} }, data: { k: 'w' } }), write());
  t.same(await watch.seen(), ['DELETED a']);
  t.match(watch.events.at(-1)?.object, { metadata: { labels: { app: 'web' }, resourceVersion: left.object.metadata.resourceVersion }, data: { k: 'v' } });
  await registry.delete(MAPS, key('a'), {}, write());
  t.same(await watch.seen(), [], 'who is outside already is not heard of');
  await registry.delete(MAPS, key('b'), {}, write());
  t.same(await watch.seen(), ['DELETED b']);
  const named = watching(scene, { fieldSelector: 'metadata.name=z' });
  await registry.create(MAPS, configMap('y'), write());
  await registry.create(MAPS, configMap('z'), write());
  t.same(await named.seen(), ['ADDED z']);
  watch.abort();
  named.abort();
});

t.test('watches that select alike, begun at different times, each see what is theirs', async (t) => {
  const scene = createScene();
  const { registry } = scene;
  const alike = { labelSelector: 'app=web' };
  const web = { labels: { app: 'web' } };
  const first = await registry.create(MAPS, configMap('a', web), write());
  const [now, since] = [watching(scene, alike), watching(scene, { ...alike, resourceVersion: first.metadata.resourceVersion })];
  const second = await registry.create(MAPS, configMap('b', web), write());
  await registry.update(MAPS, key('a'), change({ metadata: { labels: {} } }), write());
  const [late, elsewhere, other] = [watching(scene, { ...alike, resourceVersion: first.metadata.resourceVersion }), watching(scene, { ...alike, namespace: 'other' }), watching(scene, { labelSelector: 'app!=web' })];
  await registry.create(MAPS, configMap('c', { ...web, namespace: 'other' }), write());
  now.abort();
  await registry.delete(MAPS, key('b'), {}, write());
  const all = ['ADDED b', 'DELETED a', 'DELETED b'];
  t.same(await now.seen(), ['ADDED a', 'ADDED b', 'DELETED a']);
  t.same(await since.seen(), all);
  t.same(await late.seen(), all);
  t.same(await elsewhere.seen(), ['ADDED c']);
  t.same(await other.seen(), ['ADDED a']);
  for (const watch of [since, late, elsewhere, other]) watch.abort();
  const again = watching(scene, { ...alike, resourceVersion: second.metadata.resourceVersion });
  t.same(await again.seen(), ['DELETED a', 'DELETED b']);
  again.abort();
});

t.test('a revision that history has forgotten is Expired', async (t) => {
  const scene = createScene();
  const { registry, clock } = scene;
  const first = await registry.create(MAPS, configMap('a'), write());
  await registry.create(MAPS, configMap('b'), write());
  await clock.advance(HISTORY_MS + 1000);
  await registry.create(MAPS, configMap('c'), write());
  const error = await refused(t, 'Expired', () => registry.watch(MAPS, { namespace: '', resourceVersion: first.metadata.resourceVersion }, new AbortController().signal));
  t.equal(error.code, 410);
  t.same(clock.nextInMs(), undefined);
});

t.test('who does not keep up is cut off, and holds up nobody', async (t) => {
  const scene = createScene();
  const { registry } = scene;
  const slow = registry.watch(MAPS, { namespace: 'default' }, new AbortController().signal)[Symbol.asyncIterator]();
  const quick = watching(scene, {});
  await registry.create(MAPS, configMap('a'), write());
  for (let at = 0; at < 5000; at++) await registry.update(MAPS, key('a'), change({ data: { n: String(at) } }), write());
  t.equal((await quick.seen()).length, 5001);
  t.same(await slow.next(), { value: undefined, done: true });
  quick.abort();
});
