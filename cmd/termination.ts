// The life of a process that serves: started, ready, and down again at SIGTERM or Ctrl-C, at whatever point of it that comes.
import { systemClock } from '../internal/base/clock.ts';
import type { Running } from '../internal/base/component.ts';
import { messageOf } from '../internal/base/errors.ts';
import type { Log } from '../internal/base/log.ts';
import type { ServiceManager } from './service-manager.ts';
import { endPodsWithMachine, machineStops, withMoreTime, type ShutdownGrace } from './shutdown.ts';
import { releaseWhenQuiet } from './idle-memory.ts';

export interface Lifetime {
  dataDir: string;
  manager: ServiceManager;
  log: Log;
  /** How long pods may take to end with the machine; default: as cmd/shutdown.ts has it. */
  grace?: ShutdownGrace | undefined;
}

/** What runs; with a node, its pods can be ended while the API still hears of it. */
export type Serving = Running & { endPods?(): Promise<void> };

/** Starts, and stops when asked; the pods of a machine that goes down end with it. `start` is given what aborts when the process is to end. */
export async function runUntilTerminated(start: (stopping: AbortSignal) => Promise<Serving>, { dataDir, manager, log, grace }: Lifetime): Promise<number> {
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort(new Error(`stopping on ${signal}`)));
  // Waiting for a server has no end but this one; it must keep the process alive meanwhile, which the clock's timers do not.
  const alive = setInterval(() => {}, 3_600_000);
  try {
    const running = await start(stopping.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
    releaseWhenQuiet(systemClock);
    await stopped;
    log.info(messageOf(stopping.signal.reason));
    manager.stopping('stopping');
    const atEnd = await machineStops();
    if (atEnd) await withMoreTime(manager, systemClock, async () => running?.endPods?.()).catch((error: unknown) => log.warn('pods are ended without the API', { error: messageOf(error) }));
    await running?.stop().catch((error: unknown) => log.warn('could not stop cleanly', { error: messageOf(error) }));
    if (atEnd) await endPodsWithMachine(dataDir, { manager, clock: systemClock, log, grace });
  } finally {
    clearInterval(alive);
  }
  return 0;
}

/** Resolves when it is ready. When the process is to end before, or `failed` rejects, what runs is stopped and the reason thrown. */
export async function untilReady(running: Running, ready: Promise<unknown>, { stopping, failed }: { stopping: AbortSignal; failed?: Promise<never> }): Promise<Running> {
  try {
    await Promise.race([ready, aborted(stopping), ...(failed === undefined ? [] : [failed])]);
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
