// Pulls of one image with the same credentials are one; it ends early only when nobody waits any more.
import { formatImageName, type ImageName } from './image-name.ts';
import { ImageError, type PulledImage, type PullProgress, type RegistryAuth } from './image-store.ts';

export interface PullWork {
  auth: readonly RegistryAuth[];
  signal: AbortSignal;
  progress(progress: PullProgress): void;
}

export interface SharedPulls {
  pull(name: ImageName, auth: readonly RegistryAuth[], waiter: Partial<Pick<PullWork, 'signal' | 'progress'>>): Promise<PulledImage>;
  stop(): Promise<void>;
}

interface SharedPull {
  result: Promise<PulledImage>;
  abort: AbortController;
  waiters: number;
  listeners: Set<PullWork['progress']>;
}

export function createSharedPulls(pull: (name: ImageName, work: PullWork) => Promise<PulledImage>): SharedPulls {
  const running = new Map<string, SharedPull>();
  const all = new Set<SharedPull>();
  const begin = (key: string, name: ImageName, auth: readonly RegistryAuth[]): SharedPull => {
    const abort = new AbortController();
    const listeners = new Set<PullWork['progress']>();
    const progress: PullWork['progress'] = (now) => { for (const listener of listeners) listener(now); };
    const work: SharedPull = { abort, listeners, waiters: 0, result: pull(name, { auth, progress, signal: abort.signal }).finally(() => end(key, work)) };
    running.set(key, work);
    all.add(work);
    return work;
  };
  const part = (key: string, work: SharedPull): void => { if (running.get(key) === work) running.delete(key); };
  const end = (key: string, work: SharedPull): void => {
    part(key, work);
    all.delete(work);
  };
  return {
    async pull(name, auth, { signal, progress = () => {} }) {
      signal?.throwIfAborted();
      const key = JSON.stringify([formatImageName(name), auth]);
      const mine = running.get(key) ?? begin(key, name, auth);
      mine.waiters++;
      mine.listeners.add(progress);
      const leave = Promise.withResolvers<never>();
      const onAbort = (): void => leave.reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([mine.result, leave.promise]);
      } finally {
        signal?.removeEventListener('abort', onAbort);
        mine.listeners.delete(progress);
        if (--mine.waiters === 0) {
          part(key, mine); // who comes now begins anew, and does not wait for what is being given up
          mine.abort.abort(new ImageError('ErrImagePull', 'the pull was given up'));
        }
      }
    },
    async stop() {
      const pulls = [...all];
      for (const { abort } of pulls) abort.abort(new ImageError('ErrImagePull', 'the node is stopping'));
      await Promise.allSettled(pulls.map(({ result }) => result));
    },
  };
}
