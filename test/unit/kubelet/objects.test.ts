// What an agent fetches one by one: looked after for as long as a pod of the node follows it, forgotten when nobody asks.
import t from 'tap';
import { createFetchedObjects } from '../../../agents/kubelet/objects.ts';
import type { Client } from '../../../internal/client/client.ts';
import { CONFIGMAPS } from '../../../internal/kinds/generated/resources.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const MINUTE_MS = 60_000;

t.test('a change is told after hours too, of what is followed; of what nobody asks for any more the server hears no more', async (t) => {
  const clock = createFakeClock();
  let version = 1;
  const asked: string[] = [];
  const client = {
    get: (_resource: unknown, { name }: { name: string }) => {
      asked.push(name);
      return Promise.resolve({ metadata: { name, namespace: 'a', resourceVersion: String(version) } });
    },
  } as unknown as Client;
  const objects = createFetchedObjects(client, clock);
  t.teardown(() => objects.stop());
  const told: string[] = [];
  objects.onChange(CONFIGMAPS, (_namespace, name) => told.push(name), (namespace, name) => namespace === 'a' && name === 'mounted');
  await objects.get(CONFIGMAPS, 'a', 'mounted');
  await objects.get(CONFIGMAPS, 'a', 'once');
  for (let minutes = 0; minutes < 120; minutes++) await clock.advance(MINUTE_MS);
  t.same(told, []);
  version = 2;
  asked.length = 0;
  await clock.advance(MINUTE_MS);
  t.same([asked, told], [['mounted'], ['mounted']]);
});
