// Remembers what a key's actions wrote, so that it is not planned again from a view that does not show it yet: on an agent the view
// trails the server, and a plan from the past would do the same thing twice.
import { delay, type Clock } from '../base/clock.ts';
import type { GroupResource, KubeObject } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import type { View } from './view.ts';

/** A view of narrow scope may never show the write: then this is how long it is waited for. */
const PATIENCE_MS = 1000;

export interface WriteTracker {
  /** The client whose writes count. */
  client: Client;
  /** Resolves when the loop's views show what was written, or patience ends. */
  shown(): Promise<void>;
}

export function createWriteTracker(client: Client, { clock, viewsOf }: { clock: Clock; viewsOf(resource: GroupResource): View[] }): WriteTracker {
  const written = new Map<View, number>();
  const note = <T>(resource: GroupResource, result: T): T => {
    const revision = Number((result as Partial<KubeObject> | undefined)?.metadata?.resourceVersion ?? 0);
    for (const view of viewsOf(resource)) if (revision > view.revision) written.set(view, Math.max(revision, written.get(view) ?? 0));
    return result;
  };
  return {
    client: {
      ...client,
      create: async (resource, draft, options) => note(resource, await client.create(resource, draft, options)),
      update: async (resource, object, options) => note(resource, await client.update(resource, object, options)),
      updateStatus: async (resource, object) => note(resource, await client.updateStatus(resource, object)),
      patch: async (resource, key, patch, options) => note(resource, await client.patch(resource, key, patch, options)),
    },
    async shown() {
      if (written.size === 0) return;
      const reached = Promise.all([...written].map(async ([view, revision]) => view.reached?.(revision)));
      written.clear();
      const ended = new AbortController();
      await Promise.race([reached, delay(clock, PATIENCE_MS, ended.signal).catch(() => {})]);
      ended.abort();
    },
  };
}
