import t from 'tap';
import { silentLog } from '../../../internal/base/log.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { EventRecorder } from '../../../internal/informer/event-recorder.ts';
import { createSeriesRecorder } from '../../../internal/informer/series-recorder.ts';
import type { Event } from '../../../internal/kinds/generated/api-types.ts';
import { EVENTS, EVENTS_EVENTS_V1 } from '../../../internal/kinds/generated/resources.ts';
import { startApiServer } from '../../support/api-server.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { seededRandom } from '../registry/scene.ts';

const server = await startApiServer();
t.teardown(() => server.remove());

function recorder(): { clock: FakeClock; record: EventRecorder } {
  const clock = createFakeClock();
  return { clock, record: createSeriesRecorder({ client: server.admin, clock, random: seededRandom(3), log: silentLog, component: 'default-scheduler', instance: 'default-scheduler-n1' }) };
}
const pod = (name: string, resourceVersion = '7'): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion, creationTimestamp: '' } });
const reference = (name: string): object => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name, uid: `uid-${name}`, resourceVersion: '7' });
async function eventsOf(name: string): Promise<Event[]> {
  return (await server.admin.list(EVENTS, { namespace: 'default', fieldSelector: `involvedObject.name=${name}` })).items;
}

t.test('an Event says when, what was being done, and what else it concerns; by the older version too', async (t) => {
  const { record } = recorder();
  record.event(pod('a'), 'Normal', 'Preempted', 'Preempted by pod uid-b on node n1', { action: 'Preempting', related: pod('b') });
  await record.flush();
  const [event] = await eventsOf('a');
  t.match(event, {
    metadata: { namespace: 'default', name: /^a\.[0-9a-f]{16}$/ }, involvedObject: reference('a'), related: reference('b'), type: 'Normal', reason: 'Preempted', action: 'Preempting',
    message: 'Preempted by pod uid-b on node n1', eventTime: '2026-01-01T00:00:00.000000Z', reportingComponent: 'default-scheduler', reportingInstance: 'default-scheduler-n1',
  });
  t.notOk(event?.count || event?.firstTimestamp || event?.lastTimestamp || event?.source?.component, 'nothing of the older kind');
  const { items } = await server.admin.list(EVENTS_EVENTS_V1, { namespace: 'default', fieldSelector: 'regarding.name=a' });
  t.match(items, [{ regarding: reference('a'), note: 'Preempted by pod uid-b on node n1', reportingController: 'default-scheduler' }]);
});

t.test('the same again is a series: written once, at its end, and anew when it has expired', async (t) => {
  const { clock, record } = recorder();
  const failing = async (at = pod('c')): Promise<void> => {
    record.event(at, 'Warning', 'FailedScheduling', '0/1 nodes are available', { action: 'Scheduling' });
    await record.flush();
    await clock.advance(10_000);
  };
  for (let times = 0; times < 3; times++) await failing();
  const [event, ...others] = await eventsOf('c');
  t.same(others, []);
  t.match(event?.series, { count: 2, lastObservedTime: '2026-01-01T00:00:10.000000Z' });
  await failing(pod('c', '8'));
  t.equal((await eventsOf('c')).length, 2, 'another state of the object is another Event');

  await clock.advance(12 * 60_000);
  await record.flush();
  t.match((await eventsOf('c')).find(({ series }) => series !== undefined)?.series, { count: 3, lastObservedTime: '2026-01-01T00:00:20.000000Z' });
  await failing();
  t.equal((await eventsOf('c')).length, 3, 'the series has ended');

  await server.admin.deleteAll(EVENTS, { namespace: 'default', fieldSelector: 'involvedObject.name=c' });
  await failing();
  t.match(await eventsOf('c'), [{ series: { count: 2 } }]);
});

t.test('what is too long is cut', async (t) => {
  const { record } = recorder();
  record.event(pod('d'), 'Warning', 'FailedScheduling', 'x'.repeat(2000), { action: 'Scheduling' });
  await record.flush();
  t.match(await eventsOf('d'), [{ message: `${'x'.repeat(1020)} ...` }]);
});
