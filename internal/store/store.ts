// The store's port. One writer, one integer revision for everything, never reused and never going back, also after a crash.
//
// The store holds every object once: parsed, frozen. Reads are synchronous and see only what is committed (what a power cut cannot
// take back); writes resolve when the object is on disk ('durable') or at once in memory ('relaxed'), and everything becomes visible
// to readers and watchers in revision order. Preconditions are checked against the newest accepted write, visible or not.
// test/contract/store.ts is the suite that every engine passes.
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';

export type Durability = 'durable' | 'relaxed';

/** One committed change. `object` of a DELETED change is the last state with the revision of the deletion as resourceVersion. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly object: KubeObject;
  /** The state before, for MODIFIED and DELETED: selectors need it to see an object leave. */
  readonly previous?: KubeObject;
}

export interface ListOptions {
  /** '' or absent: all namespaces. */
  namespace?: string;
  /** The state as of this revision, from history; absent: newest. Older than history: StatusError Expired. */
  revision?: number;
  /** Start after this key in order of namespace, then name: a page's last. */
  after?: ObjectKey;
  /** Called in order; false stops the page (the caller counts what its selectors keep). */
  visit(object: KubeObject): boolean;
}

export interface Subscription {
  /** Ends the subscription; no call is made after it. */
  close(): void;
}

export interface Watcher {
  /** Changes in revision order, each exactly once, called synchronously when they become visible. Must not throw or block. */
  onChange(change: Change): void;
  /** The visible revision moved on without a change to this resource (for bookmarks). Optional. */
  onRevision?(revision: number): void;
}

export interface Store {
  /** The newest visible revision. */
  readonly revision: number;
  get(resource: GroupResource, key: ObjectKey): KubeObject | undefined;
  /** Visits objects in key order and returns the revision that the listing is of. */
  list(resource: GroupResource, options: ListOptions): number;
  count(resource: GroupResource, namespace?: string): number;
  /** Sets metadata.resourceVersion on a copy of the object, freezes it, and gives it back. StatusError AlreadyExists. */
  create(resource: GroupResource, object: KubeObject, durability: Durability): Promise<KubeObject>;
  /** StatusError NotFound, or Conflict when the object's newest revision is not `expected`. */
  update(resource: GroupResource, object: KubeObject, expected: string, durability: Durability): Promise<KubeObject>;
  /** Removes it; gives the last state. StatusError NotFound, Conflict. */
  delete(resource: GroupResource, key: ObjectKey, expected: string, durability: Durability): Promise<KubeObject>;
  /**
   * The newest accepted state, maybe not yet visible: for read-modify-write, so that a retry does not spin on a write in flight.
   * Never show it to a client before it is committed.
   */
  newest(resource: GroupResource, key: ObjectKey): KubeObject | undefined;
  /** Resolves when no write of this key that was accepted before the call is in flight any more, however it ended: what `newest` gave then is decided. */
  settled(resource: GroupResource, key: ObjectKey): Promise<void>;
  /** Changes after `from` (from history), then live ones. `from` before history: StatusError Expired. */
  watch(resource: GroupResource, from: number, watcher: Watcher): Subscription;
  /** Writes out what is relaxed, then closes. */
  close(): Promise<void>;
}
