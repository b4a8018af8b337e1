// What every store promises (internal/store/store.ts), run against each engine: `storeContract(t, name, open)`.
import type { Test } from 'tap';
import type { Clock } from '../../internal/base/clock.ts';
import type { KubeObject } from '../../internal/api/meta.ts';
import { isReason } from '../../internal/base/errors.ts';
import type { Change, Store } from '../../internal/store/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';

export const CONFIGMAPS = { group: '', resource: 'configmaps' };
export const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };

export type OpenStore = (options: { clock: Clock; historyMs?: number; historyBytes?: number }) => Promise<Store>;

export function configMap(name: string, data: Record<string, string> = {}, namespace = 'default'): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z' }, data } as KubeObject;
}

export async function rejects(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

export async function storeContract(t: Test, open: OpenStore): Promise<void> {
  const scene = (name: string, body: (t: Test, store: Store, clock: ReturnType<typeof createFakeClock>) => Promise<void>, options: { historyMs?: number; historyBytes?: number } = {}): Promise<unknown> =>
    t.test(name, async (t) => {
      const clock = createFakeClock();
      const store = await open({ clock, ...options });
      try {
        await body(t, store, clock);
      } finally {
        await store.close();
      }
    });

  await scene('what is created can be read, frozen and with its revision', async (t, store) => {
    const created = await store.create(CONFIGMAPS, configMap('a', { k: 'v' }), 'durable');
    t.equal(created.metadata.resourceVersion, String(store.revision));
    t.equal(store.get(CONFIGMAPS, { namespace: 'default', name: 'a' }), created, 'the very same object');
    t.ok(Object.isFrozen(created) && Object.isFrozen(created.metadata));
    t.equal(store.count(CONFIGMAPS), 1);
    t.equal(store.count(CONFIGMAPS, 'other'), 0);
  });

  await scene('preconditions are checked against the newest accepted write, visible or not', async (t, store) => {
    const first = store.create(CONFIGMAPS, configMap('a'), 'durable');
    t.ok(isReason(await rejects(() => store.create(CONFIGMAPS, configMap('a'), 'durable')), 'AlreadyExists'));
    const { metadata } = await first;
    const second = store.update(CONFIGMAPS, configMap('a', { n: '2' }), metadata.resourceVersion, 'durable');
    const newest = store.newest(CONFIGMAPS, { namespace: 'default', name: 'a' });
    t.match(newest, { data: { n: '2' } });
    t.ok(isReason(await rejects(() => store.update(CONFIGMAPS, configMap('a'), metadata.resourceVersion, 'durable')), 'Conflict'));
    const third = store.update(CONFIGMAPS, configMap('a', { n: '3' }), newest?.metadata.resourceVersion ?? '', 'relaxed');
    await Promise.all([second, third]);
    t.match(store.get(CONFIGMAPS, { namespace: 'default', name: 'a' }), { data: { n: '3' } });
    t.ok(isReason(await rejects(() => store.delete(CONFIGMAPS, { namespace: 'default', name: 'b' }, '1', 'durable')), 'NotFound'));
    t.ok(isReason(await rejects(() => store.update(CONFIGMAPS, configMap('b'), '1', 'durable')), 'NotFound'));
    t.ok(isReason(await rejects(() => store.delete(CONFIGMAPS, { namespace: 'default', name: 'a' }, '1', 'durable')), 'Conflict'));
  });

  await scene('lists are in order of namespace, then name, and paged', async (t, store) => {
    for (const [namespace, name] of [['b', 'x'], ['a', 'y'], ['a', 'x'], ['a-b', 'z'], ['b', 'a']] as const) await store.create(CONFIGMAPS, configMap(name, {}, namespace), 'durable');
    t.strictSame(names(store, {}), ['a/x', 'a/y', 'a-b/z', 'b/a', 'b/x']);
    t.strictSame(names(store, { namespace: 'a' }), ['a/x', 'a/y']);
    t.strictSame(names(store, { after: { namespace: 'a', name: 'x' } }, 2), ['a/y', 'a-b/z']);
    t.strictSame(names(store, { after: { namespace: 'a', name: 'xx' } }), ['a/y', 'a-b/z', 'b/a', 'b/x'], 'after a key that is gone');
    t.strictSame(names(store, { namespace: 'nowhere' }), []);
  });

  await scene('a list at a past revision shows what was there then, until history ends', async (t, store, clock) => {
    const a = await store.create(CONFIGMAPS, configMap('a', { n: '1' }), 'durable');
    await store.create(CONFIGMAPS, configMap('b'), 'durable');
    const then = store.revision;
    await store.update(CONFIGMAPS, configMap('a', { n: '2' }), a.metadata.resourceVersion, 'durable');
    const b = store.get(CONFIGMAPS, { namespace: 'default', name: 'b' });
    await store.delete(CONFIGMAPS, { namespace: 'default', name: 'b' }, b?.metadata.resourceVersion ?? '', 'durable');
    await store.create(CONFIGMAPS, configMap('c'), 'durable');
    const seen: KubeObject[] = [];
    t.equal(store.list(CONFIGMAPS, { revision: then, visit: (object) => seen.push(object) > 0 }), then);
    t.match(seen, [{ metadata: { name: 'a' }, data: { n: '1' } }, { metadata: { name: 'b' } }]);
    t.equal(seen.length, 2);
    t.strictSame(names(store, { revision: then, after: { namespace: 'default', name: 'a' } }), ['default/b']);
    await clock.advance(5 * 60_000 + 1);
    const error = await rejects(() => names(store, { revision: then }));
    t.ok(isReason(error, 'Expired'));
    t.equal((error as Error).message, 'The resourceVersion for the provided list is too old.');
  });

  await scene('a watch gives every change once, in order, from history and live', async (t, store) => {
    const a = await store.create(CONFIGMAPS, configMap('a', { n: '1' }), 'durable');
    const from = store.revision;
    await store.update(CONFIGMAPS, configMap('a', { n: '2' }), a.metadata.resourceVersion, 'relaxed');
    await store.create(LEASES, { ...configMap('other'), kind: 'Lease' }, 'relaxed');
    const seen: Change[] = [];
    const subscription = store.watch(CONFIGMAPS, from, { onChange: (change) => seen.push(change) });
    const now = store.get(CONFIGMAPS, { namespace: 'default', name: 'a' });
    await store.delete(CONFIGMAPS, { namespace: 'default', name: 'a' }, now?.metadata.resourceVersion ?? '', 'durable');
    t.match(seen, [{ type: 'MODIFIED', previous: { data: { n: '1' } }, object: { data: { n: '2' } } }, { type: 'DELETED', previous: { data: { n: '2' } } }]);
    t.equal(seen[1]?.object.metadata.resourceVersion, String(store.revision), 'a deletion has a revision of its own');
    subscription.close();
    await store.create(CONFIGMAPS, configMap('b'), 'durable');
    t.equal(seen.length, 2);
  });

  await scene('durable and relaxed writes become visible in revision order', async (t, store) => {
    const revisions: number[] = [];
    store.watch(CONFIGMAPS, store.revision, { onChange: (change) => revisions.push(change.revision) });
    await Promise.all(Array.from({ length: 100 }, (_, at) => store.create(CONFIGMAPS, configMap(`c${String(at)}`), at % 3 === 0 ? 'durable' : 'relaxed')));
    t.equal(revisions.length, 100);
    t.strictSame(revisions, [...revisions].sort((a, b) => a - b));
    t.equal(store.revision, revisions.at(-1));
  });

  await scene('a subscriber that writes and subscribes while it is told sees everything once', async (t, store) => {
    const seen: string[] = [];
    const written: Promise<unknown>[] = [];
    store.watch(CONFIGMAPS, store.revision, {
      onChange({ object }) {
        seen.push(object.metadata.name);
        if (object.metadata.name !== 'a') return;
        written.push(store.create(CONFIGMAPS, configMap('b'), 'relaxed'));
        store.watch(CONFIGMAPS, store.revision - 1, { onChange: (change) => seen.push(`late ${change.object.metadata.name}`) });
      },
    });
    await store.create(CONFIGMAPS, configMap('a'), 'relaxed');
    await Promise.all(written);
    t.strictSame(seen, ['a', 'late a', 'b', 'late b']);
  });

  await scene('a watch from before history is Expired', async (t, store, clock) => {
    await store.create(CONFIGMAPS, configMap('a'), 'durable');
    const from = store.revision;
    await store.create(CONFIGMAPS, configMap('b'), 'durable');
    await clock.advance(5 * 60_000 + 1);
    const error = await rejects(() => store.watch(CONFIGMAPS, from, { onChange: () => {} }));
    t.ok(isReason(error, 'Expired'));
    t.match((error as Error).message, /^too old resource version: \d+ \(\d+\)$/);
  });

  await scene(
    'history is bounded in bytes',
    async (t, store) => {
      let { metadata } = await store.create(CONFIGMAPS, configMap('a'), 'durable');
      const from = store.revision;
      for (let at = 0; at < 20; at++) ({ metadata } = await store.update(CONFIGMAPS, configMap('a', { text: 'x'.repeat(1000) }), metadata.resourceVersion, 'relaxed'));
      t.ok(isReason(await rejects(() => store.watch(CONFIGMAPS, from, { onChange: () => {} })), 'Expired'));
      store.watch(CONFIGMAPS, store.revision - 1, { onChange: () => {} }).close();
    },
    { historyBytes: 8000 },
  );

  await scene('settled resolves when a write in flight has ended', async (t, store) => {
    const key = { namespace: 'default', name: 'a' };
    await store.settled(CONFIGMAPS, key);
    const write = store.create(CONFIGMAPS, configMap('a'), 'durable');
    await store.settled(CONFIGMAPS, key);
    t.ok(store.get(CONFIGMAPS, key));
    await write;
  });

  await scene('it stays consistent under random writes from many sides', async (t, store) => {
    const shown = new Map<string, string>();
    store.watch(CONFIGMAPS, store.revision, {
      onChange({ type, object }) {
        if (type === 'DELETED') shown.delete(object.metadata.name);
        else shown.set(object.metadata.name, object.metadata.resourceVersion);
      },
    });
    const chance = seeded(7);
    await Promise.all(Array.from({ length: 300 }, () => randomWrite(store, chance)));
    const stored = new Map<string, string>();
    store.list(CONFIGMAPS, { visit: ({ metadata }) => stored.set(metadata.name, metadata.resourceVersion).size > 0 });
    t.strictSame([...shown].sort(), [...stored].sort());
  });
}

export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

async function randomWrite(store: Store, chance: () => number): Promise<void> {
  const key = { namespace: 'default', name: `n${String(Math.floor(chance() * 12))}` };
  const durability = chance() < 0.5 ? 'durable' : 'relaxed';
  const newest = store.newest(CONFIGMAPS, key);
  const revision = newest?.metadata.resourceVersion ?? '';
  if (newest === undefined) await store.create(CONFIGMAPS, configMap(key.name), durability);
  else if (chance() < 0.3) await store.delete(CONFIGMAPS, key, revision, durability);
  else await store.update(CONFIGMAPS, configMap(key.name, { n: revision }), revision, durability);
}

function names(store: Store, options: Partial<Parameters<Store['list']>[1]>, most = Infinity): string[] {
  const found: string[] = [];
  store.list(CONFIGMAPS, { ...options, visit: ({ metadata }) => found.push(`${metadata.namespace ?? ''}/${metadata.name}`) < most });
  return found;
}
