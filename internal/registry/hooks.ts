// What a kind needs besides its rules when it is written, and rules cannot do because it takes state: addresses and ports given out to
// services. A hook acts before validation and is told how the write ended. One a resource, listed in generic-registry.ts.
import type { KubeObject } from '../api/meta.ts';

export interface Held {
  /** The write is in the store. */
  commit(): void;
  /** It was refused, or was a dry run. */
  release(): void;
}

export interface WriteHook {
  /** May fill in the draft. Throws StatusError to refuse. `old` is there for updates. */
  before(draft: KubeObject, old: KubeObject | undefined): Held;
  /** The object is gone. */
  deleted(object: KubeObject): void;
}

/** What the hook holds for a write is kept when the write is in the store, else given back. */
export async function withHeld<T>(held: Held | undefined, dryRun: boolean, write: () => Promise<T>): Promise<T> {
  try {
    const written = await write();
    if (dryRun) held?.release();
    else held?.commit();
    return written;
  } catch (error) {
    held?.release();
    throw error;
  }
}
