// Replica views over the real API server, and over a transport that fails as told, on a clock that stands still.
import t, { type Test } from 'tap';
import { StatusError } from '../../../internal/base/errors.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { ApiRequest, Transport, WatchEvent } from '../../../internal/api/request.ts';
import { createHttpsTransport } from '../../../internal/client/https-transport.ts';
import { createClient } from '../../../internal/client/typed-client.ts';
import { createReplicaViews } from '../../../internal/informer/replica-views.ts';
import type { View, ViewChange } from '../../../internal/informer/view.ts';
import type { ConfigMap } from '../../../internal/kinds/generated/api-types.ts';
import { CONFIGMAPS } from '../../../internal/kinds/generated/resources.ts';
import { createWatchBuffer, type WatchBuffer } from '../../../internal/watch/buffer.ts';
import { startApiServer, type TestApiServer } from '../../support/api-server.ts';
import { createFakeClock, settle, type FakeClock } from '../../support/fake-clock.ts';
import { seededRandom } from '../registry/scene.ts';

const SCOPE = { namespace: 'default' };
const map = (name: string, data: Record<string, string> = {}): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data }) as unknown as ConfigMap;
const names = (view: View<ConfigMap>): string[] => view.list().map(({ metadata }) => metadata.name);

/** Resolves when the view shows what is wanted: looked at after each change. */
function until(view: View<ConfigMap>, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const end = view.subscribe(() => {
      if (!holds()) return;
      end();
      resolve();
    });
  });
}

/** Views over the connection of a real server's administrator. */
async function connected(t: Test): Promise<{ server: TestApiServer; views: ReturnType<typeof createReplicaViews> }> {
  const server = await startApiServer();
  const transport = createHttpsTransport({ url: server.url, credentials: server.credentials('admin', 'system:masters') });
  const ending = new AbortController();
  t.teardown(async () => {
    ending.abort();
    transport.close();
    await server.remove();
  });
  // Real waiting is cut short: what is waited for between tries is nobody's point here.
  const clock = { ...systemClock, setTimer: (delayMs: number, run: () => void) => systemClock.setTimer(delayMs > 60_000 ? delayMs : Math.min(delayMs, 20), run) };
  return { server, views: createReplicaViews(createClient(transport), { clock, random: seededRandom(1), log: silentLog, signal: ending.signal }) };
}

t.test('a view follows the server, indexes and subscribers with it; over an outage it shows what it knew and then catches up', async (t) => {
  const { server, views } = await connected(t);
  for (let at = 0; at < 1100; at++) await server.admin.create(CONFIGMAPS, map(`m${String(at).padStart(4, '0')}`, { third: String(at % 3) }));
  const view = views.of(CONFIGMAPS, SCOPE);
  t.equal(views.of(CONFIGMAPS, SCOPE), view, 'the same one when asked again');
  await view.synced;
  t.equal(view.list().length, 1100, 'more than a page');
  t.equal(view.get('default', 'm0007')?.data?.['third'], '1');
  const byThird = { name: 'third', values: ({ data }: ConfigMap) => [data?.['third'] ?? ''] };
  t.equal(view.by(byThird, '0').length, 367);

  const changes: string[] = [];
  const end = view.subscribe(({ type, object }) => void changes.push(`${type} ${object.metadata.name}`));
  t.equal(changes.length, 1100, 'a subscriber is told of all that is there');
  changes.length = 0;
  const made = await server.admin.create(CONFIGMAPS, map('new', { third: '0' }));
  await view.reached?.(Number(made.metadata.resourceVersion));
  t.equal(view.by(byThird, '0').length, 368);
  await server.admin.update(CONFIGMAPS, { ...made, data: { third: '9' } });
  await server.admin.delete(CONFIGMAPS, { namespace: 'default', name: 'm0000' });
  await until(view, () => view.get('default', 'm0000') === undefined);
  t.same(changes, ['ADDED new', 'MODIFIED new', 'DELETED m0000']);
  t.equal(view.by(byThird, '9')[0]?.metadata.name, 'new');

  changes.length = 0;
  await server.stop();
  await server.admin.delete(CONFIGMAPS, { namespace: 'default', name: 'm0001' });
  await server.admin.create(CONFIGMAPS, map('meanwhile'));
  t.ok(view.get('default', 'm0001'), 'without a server it shows what it last knew');
  await server.start();
  await until(view, () => view.get('default', 'meanwhile') !== undefined);
  t.same(changes, ['DELETED m0001', 'ADDED meanwhile'], 'goes on from where it was, without a list');
  end();
});

t.test('scopes are the server\'s to keep', async (t) => {
  const { server, views } = await connected(t);
  await server.admin.create(CONFIGMAPS, map('a'));
  await server.admin.create(CONFIGMAPS, map('b'));
  const view = views.of(CONFIGMAPS, { namespace: 'default', fieldSelector: 'metadata.name=b' });
  await view.synced;
  t.same(names(view), ['b']);
  await server.admin.delete(CONFIGMAPS, { namespace: 'default', name: 'b' });
  await until(view, () => view.list().length === 0);
});

// ── a transport that answers as the test says ──

interface Script {
  transport: Transport;
  clock: FakeClock;
  view: View<ConfigMap>;
  asked: string[];
  changes: string[];
  watch(): WatchBuffer<WatchEvent>;
  end(): void;
}

function scripted(answer: { list(request: ApiRequest): unknown; watch?(request: ApiRequest): void }): Script {
  const asked: string[] = [];
  const changes: string[] = [];
  const buffers: WatchBuffer<WatchEvent>[] = [];
  const clock = createFakeClock();
  const ending = new AbortController();
  const transport: Transport = {
    async send(request) {
      asked.push('list');
      await Promise.resolve();
      return answer.list(request);
    },
    async *watch(request, signal) {
      asked.push(`watch ${request.options.resourceVersion ?? ''}`);
      answer.watch?.(request);
      const buffer = createWatchBuffer<WatchEvent>();
      buffers.push(buffer);
      signal.addEventListener('abort', () => buffer.end());
      for await (const event of buffer) {
        if (event.type === 'ERROR') throw new StatusError('Expired', 'too old');
        yield event;
      }
      if (signal.aborted) throw signal.reason as Error;
    },
  };
  const view = createReplicaViews(createClient(transport), { clock, random: { ...seededRandom(1), fraction: () => 1 }, log: silentLog, signal: ending.signal }).of(CONFIGMAPS);
  view.subscribe(({ type, object }: ViewChange<ConfigMap>) => void changes.push(`${type} ${object.metadata.name}`));
  return { transport, clock, view, asked, changes, watch: () => buffers.at(-1) as WatchBuffer<WatchEvent>, end: () => ending.abort() };
}

const at = (revision: number, name = 'a'): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name, creationTimestamp: '', resourceVersion: String(revision) } });
const listOf = (revision: number, ...items: KubeObject[]): object => ({ apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: String(revision) }, items });
const since = (script: Script): string[] => script.asked.splice(0);

t.test('Expired in a watch: lists anew at once, and what is gone is seen as DELETED', async (t) => {
  let listed = 0;
  const script = scripted({ list: () => (++listed === 1 ? listOf(5, at(3), at(4, 'b')) : listOf(20, at(12), at(13, 'c'))) });
  await settle();
  t.same(since(script), ['list', 'watch 5']);
  t.same(script.changes.splice(0), ['ADDED a', 'ADDED b']);
  script.watch().push({ type: 'ERROR', object: at(0) });
  await settle();
  t.same(since(script), ['list', 'watch 20']);
  t.same(script.changes.splice(0), ['DELETED b', 'MODIFIED a', 'ADDED c']);
  script.end();
});

t.test('a server that says Expired again and again is not asked in a tight loop', async (t) => {
  const script = scripted({ list: () => listOf(5, at(3)), watch: () => { throw new StatusError('Expired', 'too old'); } });
  await settle();
  await settle();
  t.ok(script.asked.length <= 4, `asked ${String(script.asked.length)} times without time passing`);
  script.end();
});

t.test('failures: waits longer each time, up to half a minute, and begins anew after a success', async (t) => {
  let up = false;
  const script = scripted({ list: () => { if (up) return listOf(5, at(3)); throw new StatusError('ServiceUnavailable', 'down'); } });
  const waits: number[] = [];
  for (let tries = 0; tries < 8; tries++) {
    await settle();
    waits.push(script.clock.nextInMs() ?? 0);
    await script.clock.runNext();
  }
  t.same(waits, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  up = true;
  await settle();
  await script.clock.runNext();
  await script.view.synced;
  since(script);
  await settle();
  script.watch().push({ type: 'BOOKMARK', object: at(9) });
  await settle();
  t.equal(script.view.revision, 9);
  script.watch().end();
  await settle();
  t.same(since(script).slice(-1), ['watch 9'], 'a watch that ends in time is followed by the next, from the bookmark');
  script.watch().end();
  await settle();
  t.equal(script.clock.nextInMs(), 800, 'one that ends as soon as it began is a failure, the first');
  script.end();
});

t.test('silence for longer than bookmarks take: the connection is given up', async (t) => {
  const script = scripted({ list: () => listOf(5) });
  await settle();
  since(script);
  await script.clock.advance(100_000);
  script.watch().push({ type: 'BOOKMARK', object: at(6) });
  await script.clock.advance(100_000);
  t.same(since(script), [], 'bookmarks keep it');
  await script.clock.advance(60_000);
  await settle();
  t.same(since(script), ['watch 6']);
  script.end();
});

t.test('ended: nothing is asked any more', async (t) => {
  const script = scripted({ list: () => listOf(5) });
  await settle();
  script.end();
  await settle();
  since(script);
  await script.clock.advance(3_600_000);
  t.same(since(script), []);
  t.equal(script.clock.nextInMs(), undefined);
});
