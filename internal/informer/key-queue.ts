// The queue of a loop's keys. Fair (first come, first served), stingy (a key waits once however often it is woken), and serial per key: one
// that is woken while it is worked on is worked on again afterwards. Bounded by the number of keys there are.
//
//   idle ──add──► waiting ──take──► running ──done──► idle
//                    ▲                 │ added meanwhile
//                    └─────────────────┘
import type { Clock, Timer } from '../base/clock.ts';

export interface KeyQueue {
  readonly depth: number;
  add(key: string): void;
  /** Adds after a while, unless it is added before; the sooner of two delays counts. */
  addIn(key: string, delayMs: number): void;
  /** The next key, now running; undefined when none waits. */
  take(): string | undefined;
  done(key: string): void;
  /** Forgets delays and what waits. */
  clear(): void;
}

/** `onWaiting` is called when a key has begun to wait. */
export function createKeyQueue(clock: Clock, onWaiting: () => void): KeyQueue {
  const waiting = new Set<string>();
  const running = new Set<string>();
  const again = new Set<string>();
  const delays = new Map<string, { atMs: number; timer: Timer }>();

  const undelay = (key: string): void => {
    delays.get(key)?.timer.cancel();
    delays.delete(key);
  };
  const queue: KeyQueue = {
    get depth() {
      return waiting.size;
    },
    add(key) {
      undelay(key);
      if (running.has(key)) return void again.add(key);
      if (waiting.has(key)) return;
      waiting.add(key);
      onWaiting();
    },
    addIn(key, delayMs) {
      const atMs = clock.monotonicMs() + delayMs;
      const set = delays.get(key);
      if (set !== undefined && set.atMs <= atMs) return;
      undelay(key);
      delays.set(key, { atMs, timer: clock.setTimer(delayMs, () => queue.add(key)) });
    },
    take() {
      for (const key of waiting) {
        waiting.delete(key);
        running.add(key);
        return key;
      }
      return undefined;
    },
    done(key) {
      running.delete(key);
      if (again.delete(key)) queue.add(key);
    },
    clear() {
      for (const key of delays.keys()) undelay(key);
      waiting.clear();
      again.clear();
    },
  };
  return queue;
}
