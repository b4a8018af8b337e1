// Waiting for what gives no event: asked again and again.
import { setTimeout as sleep } from 'node:timers/promises';

/** Until it is so, or there is something, which it gives; throws with what was awaited (and what there is) when that takes too long. */
export async function until<T>(look: () => T | Promise<T>, what: string | (() => string), timeoutMs = 60_000): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found as Exclude<T, false | undefined>;
    if (performance.now() > deadline) throw new Error(`waited ${String(timeoutMs / 1000)} s for ${typeof what === 'string' ? what : what()}`);
    await sleep(100);
  }
}

/** Until it succeeds, and gives what it gave; its own words when that takes too long (default: never, the test's own timeout is the end). */
export async function eventually<T>(attempt: () => Promise<T>, { everyMs = 5, timeoutMs = Infinity } = {}): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(everyMs);
    }
  }
}
