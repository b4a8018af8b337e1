// Lifecycle. A process is an ordered list of components: started first to last, each awaited; stopped last to first.
//
//   start ──ok──► running ──stop()──► stopped
//     └──throws, or the signal aborts──► those begun are stopped in reverse, and the error goes up
import type { Log } from './log.ts';

export interface Component {
  readonly name: string;
  /** Resolves when the component serves. Background work begun here must end when `stop` resolves. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface Running {
  /** Stops in reverse order. Every component is stopped even when one fails; the first failure is thrown at the end. */
  stop(): Promise<void>;
}

export async function startAll(components: readonly Component[], log: Log, signal?: AbortSignal): Promise<Running> {
  const started: Component[] = [];
  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const component of started.splice(0).reverse()) {
      await component.stop().catch((error: unknown) => failures.push(error));
      log.debug('stopped', { component: component.name });
    }
    if (failures.length > 0) throw failures[0];
  };
  for (const component of components) {
    try {
      signal?.throwIfAborted();
      started.push(component);
      await unlessAborted(component.start(), signal);
      log.debug('started', { component: component.name });
    } catch (error) {
      await stop().catch((also: unknown) => log.warn('could not stop cleanly', { error: also }));
      throw error;
    }
  }
  return { stop };
}

function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
