// What an agent knows when it starts without its server.
import { mkdtempSync, rmSync, statSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openLastKnown } from '../../../agents/kubelet/last-known/files.ts';
import { rememberViews } from '../../../agents/kubelet/last-known/views.ts';
import { createFetchedObjects } from '../../../agents/kubelet/objects.ts';
import { silentLog } from '../../../internal/base/log.ts';
import type { Client } from '../../../internal/client/client.ts';
import type { View, ViewChange, Views } from '../../../internal/informer/view.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { CONFIGMAPS, PODS } from '../../../internal/kinds/generated/resources.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), `skiff-known-${String(process.pid)}-`));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const pod = (name: string, version = '1'): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'a', uid: name, resourceVersion: version }, spec: { containers: [] } }) as unknown as Pod;

/** A view of a server that answers when told. */
function serverView(): { views: Views; answer(pods: Pod[]): Promise<void> } {
  const synced = Promise.withResolvers<void>();
  const held: Pod[] = [];
  const listeners = new Set<(change: ViewChange<Pod>) => void>();
  const view = {
    synced: synced.promise, revision: 0, get: (namespace: string, name: string) => held.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace), list: () => held, by: () => [],
    subscribe(listener: (change: ViewChange<Pod>) => void) {
      for (const object of held) listener({ type: 'ADDED', object });
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as View;
  return {
    views: { of: () => view as never },
    async answer(pods) {
      held.push(...pods);
      for (const listener of listeners) for (const object of pods) listener({ type: 'ADDED', object });
      synced.resolve();
      await settle();
    },
  };
}

t.test('views show what they showed last, and tell the difference when the server is back', async (t) => {
  const directory = folder(t);
  const clock = createFakeClock();
  const before = serverView();
  rememberViews(before.views, { directory, clock, log: silentLog }).of(PODS);
  await before.answer([pod('kept'), pod('changed'), pod('gone')]);
  await clock.advance(1_000);

  const after = serverView();
  const view = rememberViews(after.views, { directory, clock, log: silentLog }).of(PODS);
  const told: string[] = [];
  view.subscribe(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
  t.same([told, view.list()], [[], []], 'the server is waited for a little');
  await clock.advance(2_000);
  await view.synced;
  t.same(told.splice(0), ['ADDED kept', 'ADDED changed', 'ADDED gone']);
  t.equal(view.get('a', 'gone')?.metadata.uid, 'gone');
  await after.answer([pod('kept'), pod('changed', '2'), pod('new')]);
  t.same(told, ['MODIFIED changed', 'ADDED new', 'DELETED gone']);
  t.same(view.list().map(({ metadata }) => metadata.name), ['kept', 'changed', 'new']);
});

t.test('what has changed is kept at a clean end; of what never changed, and of nothing at all, there is a file too', async (t) => {
  const directory = folder(t);
  const clock = createFakeClock();
  const before = serverView();
  const views = rememberViews(before.views, { directory, clock, log: silentLog });
  views.of(PODS);
  views.save();
  t.same(readdirSync(directory), [], 'not what is not known yet');
  await before.answer([]);
  await clock.advance(1_000);
  t.equal(readdirSync(directory).length, 1);
  await before.answer([pod('late')]);
  views.save();
  t.equal(clock.nextInMs(), undefined);
  const after = rememberViews(serverView().views, { directory, clock, log: silentLog }).of(PODS);
  await clock.advance(2_000);
  await after.synced;
  t.same(after.list().map(({ metadata }) => metadata.name), ['late']);
});

t.test('a ConfigMap is read from the disk when the server cannot be asked, and dropped with its namespace', async (t) => {
  const directory = folder(t);
  const clock = createFakeClock();
  let away = false;
  const client = { get: () => (away ? Promise.reject(new Error('connection refused')) : Promise.resolve({ metadata: { name: 'c', namespace: 'a', resourceVersion: '1' }, data: { x: 'y' } })) } as unknown as Client;
  await createFetchedObjects(client, clock, openLastKnown(directory)).get(CONFIGMAPS, 'a', 'c');
  t.equal(statSync(join(directory, readdirSync(directory)[0] ?? '')).mode & 0o777, 0o600);
  away = true;
  t.match(await createFetchedObjects(client, clock, openLastKnown(directory)).get(CONFIGMAPS, 'a', 'c'), { data: { x: 'y' } });
  await t.rejects(createFetchedObjects(client, clock, openLastKnown(directory)).get(CONFIGMAPS, 'a', 'other'));
  openLastKnown(directory).keepOnly(new Set(['a']));
  t.equal(readdirSync(directory).length, 1);
  openLastKnown(directory).keepOnly(new Set(['b']));
  t.equal(readdirSync(directory).length, 0);
});
