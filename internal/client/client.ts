// The client that every loop and command uses, in process or over HTTPS: typed sugar over a Transport (api/request.ts).
// Errors are StatusErrors, told apart by reason. Objects that come back may be frozen: copy before changing.
import type { Draft, GroupVersionResource, KubeObject, ObjectKey } from '../api/meta.ts';
import type { DeleteOptions, ObjectList, Patch, RequestOptions, Resource, WatchEvent } from '../api/request.ts';

export interface WriteOptions extends Pick<RequestOptions, 'dryRun' | 'fieldManager' | 'fieldValidation' | 'force'> {
  /** 'status', 'scale', 'binding', … */
  subresource?: string;
}
export interface ReadOptions extends Pick<RequestOptions, 'resourceVersion' | 'resourceVersionMatch' | 'labelSelector' | 'fieldSelector' | 'limit' | 'continue'> {
  /** Absent: all namespaces. */
  namespace?: string;
}
export interface WatchOptions extends ReadOptions, Pick<RequestOptions, 'timeoutSeconds' | 'allowWatchBookmarks' | 'sendInitialEvents'> {}

export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T>;
  /** Reads a subresource of a named object (scale). */
  getSub<R = unknown>(resource: GroupVersionResource, key: ObjectKey, subresource: string): Promise<R>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ReadOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>, options?: WriteOptions): Promise<T>;
  /** Creates a subresource of a named object (binding, eviction, token): gives what the server answers. */
  createSub<R = unknown>(resource: GroupVersionResource, key: ObjectKey, subresource: string, body: object): Promise<R>;
  /** PUT: fails with Conflict when the object has moved on (metadata.resourceVersion is the precondition). */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT of /status: only the status is taken. */
  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  delete(resource: GroupVersionResource, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  deleteAll(resource: GroupVersionResource, options: ReadOptions & { delete?: DeleteOptions }): Promise<void>;
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
}
