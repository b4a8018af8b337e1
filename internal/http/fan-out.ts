// When watches write. All that have something to tell are written to in one go, after what else is ready, so that the writers whose changes
// they tell of have their answers first. Where there are many, the next go waits for a few times what the last one took: most of the thread
// is left to requests, and what they change meanwhile goes out together, as one write a watch rather than one a change.
import { afterReady, type Clock } from '../base/clock.ts';

/** Fewer are never waited for: a pause would only be felt by them. */
const MANY = 16;
/** Rest for each part of work: fan-out takes a quarter of the thread at most. Measured with 100 watches: a third of the writes, half of the processor's time. */
const REST_SHARE = 3;
/** No event waits for longer. */
const REST_MAX_MS = 20;

export interface FanOut {
  /** Has `write` called once, soon. It must not throw. */
  enter(write: () => void): void;
}

export function createFanOut(clock: Pick<Clock, 'monotonicMs' | 'setTimer'>): FanOut {
  let entered: (() => void)[] = [];
  let restsUntilMs = 0;
  const run = (): void => {
    const writes = entered;
    entered = [];
    const begunMs = clock.monotonicMs();
    for (const write of writes) write();
    if (writes.length < MANY) return;
    const endedMs = clock.monotonicMs();
    restsUntilMs = endedMs + Math.min(REST_SHARE * (endedMs - begunMs), REST_MAX_MS);
  };
  return {
    enter(write) {
      if (entered.push(write) > 1) return;
      const restMs = restsUntilMs - clock.monotonicMs();
      if (restMs > 0) clock.setTimer(restMs, run);
      else afterReady(run);
    },
  };
}
