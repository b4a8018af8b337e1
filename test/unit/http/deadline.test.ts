// How long a request may take.
import t from 'tap';
import { deadlineOf, withinDeadline } from '../../../internal/http/deadline.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

t.test('the URL may ask for less than a minute', async (t) => {
  const of = (text: string): number => deadlineOf(new URLSearchParams(text));
  t.same([deadlineOf(undefined), of('timeout='), of('timeout=10s'), of('timeout=1h'), of('timeout=0'), of('timeout=1m30s')], [60_000, 60_000, 10_000, 60_000, 60_000, 60_000]);
  t.throws(() => of('timeout=soon'), { reason: 'BadRequest', message: 'invalid timeout specified in the request URL - time: invalid duration "soon"' });
});

t.test('what is late is not waited for', async (t) => {
  const clock = createFakeClock();
  t.equal(await withinDeadline(Promise.resolve('done'), 1000, clock), 'done');
  await t.rejects(withinDeadline(Promise.reject(new Error('own')), 1000, clock), { message: 'own' });
  t.equal(clock.nextInMs(), undefined, 'no timer is left');
  const late = withinDeadline(new Promise(() => {}), 1000, clock);
  const told = late.catch((error: unknown) => error);
  await clock.advance(1000);
  t.match(await told, { reason: 'Timeout', code: 504 });
});
