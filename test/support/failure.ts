// What an operation failed with, to be looked at rather than thrown.
import type { StatusError } from '../../internal/base/errors.ts';

/** undefined: it did not fail. */
export async function failureOf(run: () => Promise<unknown>): Promise<StatusError | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error as StatusError;
  }
}
