// The registry's interface: read-modify-write for any kind, above the store and below admission. It owns metadata (uid, generation,
// creationTimestamp, resourceVersion, managedFields' home), defaults, validation, deletion (grace, finalizers, propagation), no-op
// detection (an update that changes nothing writes nothing and keeps the revision), selectors, paging and watches for every kind alike.
import type { KubeObject, ObjectKey } from '../api/meta.ts';
import type { DeleteOptions, ObjectList, RequestOptions, WatchEvent } from '../api/request.ts';
import type { UserInfo } from '../api/user.ts';
import type { Kind } from '../kinds/kind.ts';
import type { WatchSource } from '../watch/buffer.ts';

/** What a write passes on its way. Admission lives above the registry and comes in as functions. */
export interface WriteContext {
  user: UserInfo;
  dryRun: boolean;
  /** '' for the object itself; 'status', or another subresource that changes the object. */
  subresource: string;
  /** Mutating admission: may change the draft in place. After defaults, before validation; the registry applies defaults again after it. */
  mutate?(draft: KubeObject, old: KubeObject | undefined): Promise<void>;
  /** Validating admission: throws StatusError to refuse. After validation. `old` for updates and deletes. */
  validate?(object: KubeObject | undefined, old: KubeObject | undefined): Promise<void>;
  /** Records field ownership (managedFields) of what the client wants; before admission, whose changes nobody owns. */
  track?(draft: KubeObject, old: KubeObject | undefined): void;
  /** Warnings for the client collect here. */
  warn?(message: string): void;
}

export type ReadOptions = Pick<RequestOptions, 'resourceVersion' | 'resourceVersionMatch' | 'labelSelector' | 'fieldSelector' | 'limit' | 'continue'> & { namespace: string };
export type WatchOptions = ReadOptions & Pick<RequestOptions, 'timeoutSeconds' | 'allowWatchBookmarks' | 'sendInitialEvents'>;

export interface Registry {
  /** For kinds whose objects somebody else converts: resolves when this get or list can be made. undefined: it can be already. */
  prepare(kind: Kind, read: ObjectKey | ReadOptions): Promise<void> | undefined;
  /** StatusError NotFound. */
  get(kind: Kind, key: ObjectKey): KubeObject;
  list(kind: Kind, options: ReadOptions): ObjectList;
  /** The draft becomes the registry's. Invalid with every problem; AlreadyExists; generateName collisions are retried. */
  create(kind: Kind, draft: KubeObject, context: WriteContext): Promise<KubeObject>;
  /**
   * `change` gets the newest state (frozen) and gives the wanted one; it is called again after a lost race unless the wanted object
   * itself carries a stale resourceVersion (then Conflict). `mayCreate`: PUT on a kind that allows creation by update; `change` gets undefined.
   * `isPatch`: the wanted object is the newest one, changed: a uid that differs is judged as a change, not as a precondition.
   */
  update(kind: Kind, key: ObjectKey, change: (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>, context: WriteContext, options?: { mayCreate?: boolean; isPatch?: boolean }): Promise<{ object: KubeObject; created: boolean }>;
  /** Gives the last state when it is gone (`gone: true`), or the object with its deletionTimestamp while finalizers or grace hold it. */
  delete(kind: Kind, key: ObjectKey, options: DeleteOptions, context: WriteContext): Promise<{ object: KubeObject; gone: boolean }>;
  deleteCollection(kind: Kind, read: ReadOptions, options: DeleteOptions, context: WriteContext): Promise<ObjectList>;
  watch(kind: Kind, options: WatchOptions, signal: AbortSignal): WatchSource<WatchEvent>;
}
