// How long a request may take: what its URL says (`?timeout=10s`), and never more than a minute, as upstream's --request-timeout. What is late goes on
// being done, but is not waited for. Watches and streams have no such end.
import type { Clock } from '../base/clock.ts';
import { messageOf, StatusError } from '../base/errors.ts';
import { parseDuration } from '../api/duration.ts';

const MAX_MS = 60_000;

/** StatusError BadRequest, in upstream's words. */
export function deadlineOf(query: URLSearchParams | undefined): number {
  const given = query?.get('timeout');
  if (given === undefined || given === null || given === '') return MAX_MS;
  try {
    const wantedMs = parseDuration(given);
    return wantedMs > 0 ? Math.min(wantedMs, MAX_MS) : MAX_MS;
  } catch (error) {
    throw new StatusError('BadRequest', `invalid timeout specified in the request URL - ${messageOf(error)}`, { cause: error });
  }
}

/** StatusError Timeout (504) when `work` is not done by then. */
export function withinDeadline<T>(work: Promise<T>, deadlineMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(deadlineMs, () => reject(new StatusError('Timeout', 'Timeout: request did not complete within the allotted timeout')));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
