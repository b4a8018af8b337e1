// Time, injected. Nothing outside internal/base and cmd reads the clock or sets a timer by itself, so any loop runs on a fake clock.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in epoch milliseconds: for timestamps that users see. May jump. */
  now(): number;
  /** Monotonic milliseconds: for durations and deadlines. */
  monotonicMs(): number;
  /** Runs once after the delay unless cancelled. Does not keep the process alive. */
  setTimer(delayMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    // Longer delays overflow Node's 32-bit timers and would fire at once.
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after the delay, or rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Runs once all that is ready now has run: an order and no time, so that no clock need be given. */
export function afterReady(run: () => void): void {
  setImmediate(run);
}
