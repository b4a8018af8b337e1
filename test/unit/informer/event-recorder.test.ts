import t from 'tap';
import { StatusError } from '../../../internal/base/errors.ts';
import { silentLog } from '../../../internal/base/log.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { Client } from '../../../internal/client/client.ts';
import { createEventRecorder, type EventRecorder } from '../../../internal/informer/event-recorder.ts';
import type { Event } from '../../../internal/kinds/generated/api-types.ts';
import { EVENTS } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { seededRandom } from '../registry/scene.ts';

const server = await startApiServer();
t.teardown(() => server.remove());

function recorder(client: Client = server.admin): { clock: FakeClock; recorder: EventRecorder } {
  const clock = createFakeClock();
  return { clock, recorder: createEventRecorder({ client, clock, random: seededRandom(clock.now() % 7), log: silentLog, component: 'test', host: 'n1' }) };
}
const pod = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '7', creationTimestamp: '' } });
async function eventsOf(name: string): Promise<Event[]> {
  return (await server.admin.list(EVENTS, { namespace: 'default', fieldSelector: `involvedObject.name=${name}` })).items;
}

t.test('an Event says what happened to what, and who says so', async (t) => {
  const { recorder: record } = recorder();
  record.event(pod('a'), 'Warning', 'Failed', 'it failed', { fieldPath: 'spec.containers{c}' });
  await record.flush();
  const [event] = await eventsOf('a');
  t.match(event, {
    metadata: { namespace: 'default', name: /^a\.[0-9a-f]{16}$/ },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'a', namespace: 'default', uid: 'uid-a', resourceVersion: '7', fieldPath: 'spec.containers{c}' },
    type: 'Warning', reason: 'Failed', message: 'it failed', source: { component: 'test', host: 'n1' }, count: 1, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z', reportingComponent: 'test', reportingInstance: 'n1',
  });
});

t.test('an object whose name is too long for more, or none that an Event may have, is told of too', async (t) => {
  const { recorder: record } = recorder();
  for (const name of ['a'.repeat(240), 'system:it']) {
    record.event(pod(name), 'Warning', 'Failed', 'it failed');
    await record.flush();
    t.match(await eventsOf(name), [{ involvedObject: { name }, metadata: { name: /^[0-9a-f-]{36}$/ } }]);
  }
});

t.test('the same again counts up the one that is there; when that has expired, it begins anew', async (t) => {
  const { clock, recorder: record } = recorder();
  for (let at = 0; at < 3; at++) {
    record.event(pod('b'), 'Normal', 'Pulled', 'again');
    await record.flush();
    await clock.advance(10_000);
  }
  const [event, ...others] = await eventsOf('b');
  t.same(others, []);
  t.match(event, { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:20Z' });
  await server.admin.delete(EVENTS, { namespace: 'default', name: event?.metadata.name ?? '' });
  record.event(pod('b'), 'Normal', 'Pulled', 'again');
  await record.flush();
  t.match(await eventsOf('b'), [{ count: 1 }]);
});

t.test('many alike with ever new messages become one', async (t) => {
  const { clock, recorder: record } = recorder();
  for (let at = 0; at < 15; at++) record.event(pod('c'), 'Warning', 'BackOff', `try ${String(at)}`);
  await record.flush();
  const events = await eventsOf('c');
  t.equal(events.length, 10);
  const combined = events.filter(({ message }) => message?.startsWith('(combined from similar events): ') === true);
  t.match(combined, [{ count: 6, message: '(combined from similar events): try 14' }]);
  await clock.advance(11 * 60_000);
  record.event(pod('c'), 'Warning', 'BackOff', 'much later');
  await record.flush();
  t.ok((await eventsOf('c')).some(({ message }) => message === 'much later'), 'after ten minutes they stand alone again');
});

t.test('who makes too many is cut off: 25, then one each five minutes', async (t) => {
  const { clock, recorder: record } = recorder();
  for (let at = 0; at < 40; at++) record.event(pod('d'), 'Normal', 'Same', 'same');
  await record.flush();
  t.match(await eventsOf('d'), [{ count: 25 }]);
  await clock.advance(5 * 60_000);
  for (let at = 0; at < 3; at++) record.event(pod('d'), 'Normal', 'Same', 'same');
  record.event(pod('e'), 'Normal', 'Same', 'same');
  await record.flush();
  t.match(await eventsOf('d'), [{ count: 26 }]);
  t.match(await eventsOf('e'), [{ count: 1 }], 'others are not held up');
});

t.test('one that cannot be written is dropped, and those after it are written; about a node they stand in default', async (t) => {
  let failing = true;
  const client: Client = { ...server.admin, create: (...args) => (failing ? Promise.reject(new StatusError('ServiceUnavailable', 'down')) : server.admin.create(...args)) };
  const { recorder: record } = recorder(client);
  record.event(pod('f'), 'Normal', 'Lost', 'lost');
  await record.flush();
  failing = false;
  record.event(pod('f'), 'Normal', 'Kept', 'x'.repeat(5000));
  record.event({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'n1', resourceVersion: '', creationTimestamp: '' } }, 'Normal', 'NodeReady', 'ready');
  await record.flush();
  const events = await eventsOf('f');
  t.same(events.map(({ reason, message }) => [reason, message?.length]), [['Kept', 1024]]);
  t.match(await eventsOf('n1'), [{ metadata: { namespace: 'default' }, involvedObject: { kind: 'Node', name: 'n1' } }]);
});
