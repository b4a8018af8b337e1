// A clock that stands still until a test moves it. Timers run in order of their time, and promises they settle are let run between them.
import type { Clock } from '../../internal/base/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on, running every timer that falls due, each at its own time. */
  advance(ms: number): Promise<void>;
  /** Milliseconds until the next timer, or undefined when none is set. */
  nextInMs(): number | undefined;
  /** Jumps to the next timer and runs it; false when there is none. */
  runNext(): Promise<boolean>;
}

interface FakeTimer {
  at: number;
  order: number;
  run(): void;
}

export function createFakeClock(startMs = Date.parse('2026-01-01T00:00:00Z')): FakeClock {
  let elapsed = 0;
  let order = 0;
  const timers = new Set<FakeTimer>();
  const next = (): FakeTimer | undefined => [...timers].sort((a, b) => a.at - b.at || a.order - b.order)[0];
  const clock: FakeClock = {
    now: () => startMs + elapsed,
    monotonicMs: () => elapsed,
    setTimer(delayMs, run) {
      const timer: FakeTimer = { at: elapsed + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    nextInMs() {
      const timer = next();
      return timer === undefined ? undefined : timer.at - elapsed;
    },
    async runNext() {
      const timer = next();
      if (timer === undefined) return false;
      timers.delete(timer);
      elapsed = Math.max(elapsed, timer.at);
      timer.run();
      await settle();
      return true;
    },
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (let timer = next(); timer !== undefined && timer.at <= until; timer = next()) await clock.runNext();
      elapsed = until;
    },
  };
  return clock;
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
}
