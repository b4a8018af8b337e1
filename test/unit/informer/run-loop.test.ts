import t from 'tap';
import { StatusError } from '../../../internal/base/errors.ts';
import { silentLog } from '../../../internal/base/log.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { EventRecorder } from '../../../internal/informer/event-recorder.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import { createObjectCache } from '../../../internal/informer/object-cache.ts';
import { wake, type Acting, type Loop, type Plan } from '../../../internal/informer/loop.ts';
import { runLoop } from '../../../internal/informer/run-loop.ts';
import type { View, Views } from '../../../internal/informer/view.ts';
import { CONFIGMAPS } from '../../../internal/kinds/generated/resources.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import { settle, createFakeClock } from '../../support/fake-clock.ts';
import { seededRandom } from '../registry/scene.ts';

const map = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name, resourceVersion: '', creationTimestamp: '' } });
const keysOf = ({ metadata }: KubeObject): string[] => [metadata.name];

interface Bench {
  clock: ReturnType<typeof createFakeClock>;
  store: ReturnType<typeof createMemoryStore>;
  planned: string[];
  events: string[];
  start(loop?: Partial<Loop<string, string>>): Promise<() => Promise<void>>;
}

function bench({ plan = () => ({ actions: [] }), act = () => Promise.resolve(), client = {}, views }: { plan?: (key: string) => Plan<string>; act?: (action: string, acting: Acting) => Promise<void>; client?: Partial<Client>; views?: Views }): Bench {
  const clock = createFakeClock();
  const store = createMemoryStore({ clock });
  const planned: string[] = [];
  const events: string[] = [];
  const recorder: EventRecorder = { event: (_about, type, reason) => void events.push(`${type} ${reason}`), flush: () => Promise.resolve() };
  return {
    clock, store, planned, events,
    async start(more = {}) {
      const loop: Loop<string, string> = { name: 'test', wakes: [wake(CONFIGMAPS, keysOf)], observe: (key) => key, plan: (key) => { planned.push(key); return plan(key); }, act, ...more };
      const component = runLoop(loop, { views: views ?? createLocalViews(store), client: client as Client, clock, random: seededRandom(1), log: silentLog, recorder });
      await component.start();
      await settle();
      return () => component.stop();
    },
  };
}

t.test('what is there at start and what changes later wakes its key; many changes at once wake it once', async (t) => {
  const { store, planned, start } = bench({});
  await store.create(CONFIGMAPS, map('a'), 'relaxed');
  const stop = await start();
  t.same(planned.splice(0), ['a']);
  let object = await store.create(CONFIGMAPS, map('b'), 'relaxed');
  for (let at = 0; at < 5; at++) object = await store.update(CONFIGMAPS, object, object.metadata.resourceVersion, 'relaxed');
  await settle();
  t.ok(planned.length >= 1 && planned.length < 6, `${String(planned.length)} times for six changes`);
  t.ok(planned.every((key) => key === 'b'));
  await stop();
  planned.length = 0;
  await store.create(CONFIGMAPS, map('c'), 'relaxed');
  await settle();
  t.same(planned, [], 'stopped');
});

t.test('a key is worked on by one at a time, and again when it was woken meanwhile; other keys go beside it', async (t) => {
  const going = new Map<string, () => void>();
  let atOnce = 0;
  let most = 0;
  const { store, planned, start } = bench({
    plan: (key) => ({ actions: [key] }),
    async act(action) {
      most = Math.max(most, ++atOnce);
      t.notOk(going.has(action), 'alone on its key');
      await new Promise<void>((resolve) => going.set(action, resolve));
      going.delete(action);
      atOnce--;
    },
  });
  const stop = await start({ concurrency: 2 });
  let a = await store.create(CONFIGMAPS, map('a'), 'relaxed');
  await store.create(CONFIGMAPS, map('b'), 'relaxed');
  await store.create(CONFIGMAPS, map('c'), 'relaxed');
  await settle();
  t.same(planned.splice(0), ['a', 'b'], 'two at once');
  a = await store.update(CONFIGMAPS, a, a.metadata.resourceVersion, 'relaxed');
  going.get('a')?.();
  await settle();
  t.same(planned.splice(0), ['c'], 'first come, first served');
  going.get('c')?.();
  await settle();
  t.same(planned.splice(0), ['a'], 'woken while it was worked on');
  t.equal(most, 2);
  for (const end of going.values()) end();
  await stop();
});

t.test('a failure stops the rest of the plan; the key comes again after 5 ms, doubling to 1000 s, and from 5 ms after a success', async (t) => {
  let failing = true;
  const acted: string[] = [];
  const { clock, store, start } = bench({
    plan: () => ({ actions: ['first', 'second'] }),
    act(action) {
      acted.push(action);
      return failing ? Promise.reject(new StatusError('InternalError', 'no')) : Promise.resolve();
    },
  });
  const stop = await start();
  const object = await store.create(CONFIGMAPS, map('a'), 'relaxed');
  const waits: number[] = [];
  for (let at = 0; at < 20; at++) {
    await settle();
    waits.push(clock.nextInMs() ?? -1);
    await clock.runNext();
  }
  t.same(waits.slice(0, 5), [5, 10, 20, 40, 80]);
  t.equal(waits.at(-1), 1_000_000);
  t.ok(acted.every((action) => action === 'first'));
  failing = false;
  await store.update(CONFIGMAPS, object, object.metadata.resourceVersion, 'relaxed');
  await settle();
  t.same(acted.slice(-2), ['first', 'second']);
  t.equal(clock.nextInMs(), undefined, 'the delayed try is forgotten');
  failing = true;
  const again = store.get(CONFIGMAPS, { namespace: 'default', name: 'a' }) as KubeObject;
  await store.update(CONFIGMAPS, again, again.metadata.resourceVersion, 'relaxed');
  await settle();
  t.equal(clock.nextInMs(), 5);
  await stop();
  t.equal(clock.nextInMs(), undefined, 'stopped: no timer is left');
});

t.test('a plan may ask to be made again later', async (t) => {
  let times = 0;
  const { clock, store, planned, start } = bench({ plan: () => (++times === 1 ? { actions: [], againInMs: 30_000 } : { actions: [] }) });
  const stop = await start();
  await store.create(CONFIGMAPS, map('a'), 'relaxed');
  await settle();
  await clock.advance(29_999);
  t.same(planned, ['a']);
  await clock.advance(1);
  t.same(planned, ['a', 'a']);
  await stop();
});

t.test('resync: keys at start and every so often', async (t) => {
  const { clock, planned, start } = bench({});
  const stop = await start({ resync: { everyMs: 60_000, keys: () => ['all'] } });
  t.same(planned, ['all']);
  await clock.advance(60_000);
  await settle();
  t.same(planned, ['all', 'all']);
  await stop();
  t.equal(clock.nextInMs(), undefined);
});

t.test('an observe, a plan or a wake that throws is a failure of its key alone', async (t) => {
  const { clock, store, planned, start } = bench({ plan: (key) => { if (key === 'bad') throw new Error('bug'); return { actions: [] }; } });
  const stop = await start({ wakes: [wake(CONFIGMAPS, (object) => { if (object.metadata.name === 'worse') throw new Error('bug'); return keysOf(object); })] });
  for (const name of ['worse', 'bad', 'good']) await store.create(CONFIGMAPS, map(name), 'relaxed');
  await settle();
  t.same(planned, ['bad', 'good']);
  t.equal(clock.nextInMs(), 5);
  await stop();
});

t.test('a key is not planned again until the view shows what it wrote, or a second has passed', async (t) => {
  const cache = createObjectCache<KubeObject>();
  let shown = 1;
  const waiting: (() => void)[] = [];
  const view = {
    ...cache, synced: Promise.resolve(),
    get revision() { return shown; },
    reached: () => new Promise<void>((resolve) => waiting.push(resolve)),
  } as View;
  const views = { of: () => view } as unknown as Views;
  const at = (name: string, revision: number): KubeObject => ({ ...map(name), metadata: { ...map(name).metadata, resourceVersion: String(revision) } });
  const client = { create: () => Promise.resolve(at('child', 50)) } as unknown as Partial<Client>;
  let writes = 0;
  const { clock, planned, start } = bench({
    views, client,
    plan: () => ({ actions: writes < 2 ? ['make'] : [] }),
    act: async (_action, acting) => { writes++; await acting.client.create(CONFIGMAPS, map('child') as never); },
  });
  const stop = await start();
  cache.put(at('a', 1));
  await settle();
  t.same(planned, ['a']);
  cache.put(at('a', 2));
  await settle();
  t.same(planned, ['a'], 'the view is behind its own write');
  shown = 50;
  for (const resolve of waiting.splice(0)) resolve();
  await settle();
  t.same(planned, ['a', 'a']);
  shown = 40;
  cache.put(at('a', 3));
  await settle();
  t.equal(planned.length, 3, 'nothing newer was written');
  await clock.advance(1000);
  await stop();
});
