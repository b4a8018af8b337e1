// How many requests may be in hand at once, reads and writes apart, as upstream's --max-requests-inflight. Watches and streams are exempt.
import { StatusError } from '../base/errors.ts';

export interface Limits {
  /** Takes a place; StatusError TooManyRequests when there is none. Call what it gives when the answer is made. */
  enter(mutating: boolean): () => void;
  readonly reading: number;
  readonly writing: number;
}

export function createLimits({ readsMax = 400, writesMax = 200 }: { readsMax?: number; writesMax?: number } = {}): Limits {
  let reading = 0;
  let writing = 0;
  const leaveRead = (): void => void reading--;
  const leaveWrite = (): void => void writing--;
  return {
    enter(mutating) {
      if (mutating ? writing >= writesMax : reading >= readsMax) {
        throw new StatusError('TooManyRequests', 'Too many requests, please try again later.', { details: { retryAfterSeconds: 1 } });
      }
      if (mutating) writing++;
      else reading++;
      return mutating ? leaveWrite : leaveRead;
    },
    get reading() {
      return reading;
    },
    get writing() {
      return writing;
    },
  };
}
