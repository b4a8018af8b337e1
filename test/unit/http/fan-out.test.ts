// Watches write together and, where they are many, leave most of the thread to others; few never wait.
import t from 'tap';
import { createFanOut, type FanOut } from '../../../internal/http/fan-out.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

const enter = (fanOut: FanOut, count: number, write: () => void): void => {
  for (let index = 0; index < count; index++) fanOut.enter(write);
};

t.test('what is ready comes before them, and few never rest', async (t) => {
  const clock = createFakeClock();
  const fanOut = createFanOut(clock);
  const done: string[] = [];
  for (const round of ['1', '2', '3']) {
    enter(fanOut, 2, () => {
      done.push(round);
    });
    queueMicrotask(() => done.push('answer'));
    await settle();
  }
  t.same(done, ['answer', '1', '1', 'answer', '2', '2', 'answer', '3', '3']);
  t.equal(clock.nextInMs(), undefined);
});

t.test('many rest for as long as three times their work, at most 20 ms, and all that came meanwhile go in one', async (t) => {
  let workedMs = 0;
  const still = createFakeClock();
  const fanOut = createFanOut({ setTimer: still.setTimer, monotonicMs: () => still.monotonicMs() + workedMs });
  let writes = 0;
  const taking = (ms: number) => (): void => {
    writes++;
    workedMs += ms;
  };
  enter(fanOut, 64, taking(0.03125));
  await settle();
  t.equal(writes, 64);
  enter(fanOut, 32, taking(1));
  await settle();
  t.equal(writes, 64);
  enter(fanOut, 32, taking(1));
  t.equal(still.nextInMs(), 6);
  await still.runNext();
  t.equal(writes, 128);
  enter(fanOut, 1, taking(0));
  t.equal(still.nextInMs(), 20);
  await still.runNext();
  t.equal(writes, 129);
  enter(fanOut, 1, taking(0));
  await settle();
  t.equal(writes, 130);
});

t.test('who enters while others write is written to in the next go', async (t) => {
  const fanOut = createFanOut(createFakeClock());
  const done: number[] = [];
  fanOut.enter(() => {
    done.push(1);
    fanOut.enter(() => void done.push(3));
  });
  fanOut.enter(() => void done.push(2));
  await settle();
  t.same(done, [1, 2, 3]);
});
