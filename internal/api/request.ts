// An API request as values: what a URL, headers and a body say once parsed, and what an in-process client says directly.
// The pipeline (http/) takes these; the client (client/) makes them. Verbs and options as in the API reference.
import type { GroupVersionResource, KubeObject, ListMeta, ObjectKey } from './meta.ts';
import type { UserInfo } from './user.ts';

/** A typed name of a served resource; the constants are in kinds/generated/resources.ts. `T` is what it holds. */
export interface Resource<T extends KubeObject = KubeObject> extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: carries T. */
  readonly holds?: T;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'connect';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';
export interface Patch {
  type: PatchType;
  /** The decoded document: an array for json, an object otherwise. */
  body: unknown;
  /** What its text said twice, in the words of field validation. */
  duplicates?: readonly string[];
}

/** metav1.DeleteOptions, decoded. */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  orphanDependents?: boolean;
  dryRun?: string[];
}

/** Query options of every verb (metav1 Get-, List-, Create-, Update-, PatchOptions), decoded; absent means not given. */
export interface RequestOptions {
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  timeoutSeconds?: number;
  allowWatchBookmarks?: boolean;
  sendInitialEvents?: boolean;
  dryRun?: boolean;
  fieldManager?: string;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  force?: boolean;
  delete?: DeleteOptions;
}

export interface ApiRequest {
  verb: Verb;
  resource: GroupVersionResource;
  /** '' for cluster-scoped resources and for lists over all namespaces. */
  namespace: string;
  /** '' where the verb takes none (create, list, watch, deletecollection). */
  name: string;
  /** '' for the object itself; 'status', 'scale', 'eviction', 'binding', 'token', … */
  subresource: string;
  /** The object of create and update, or the document of patch. The pipeline owns it from here on (it copies what it keeps). */
  body?: KubeObject | Patch;
  options: RequestOptions;
}

export interface ObjectList<T extends KubeObject = KubeObject> {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: T[];
}

/** A watch event. BOOKMARK carries only metadata.resourceVersion (and the initial-events-end annotation); ERROR carries a Status. */
export interface WatchEvent<T extends KubeObject = KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/**
 * What carries requests to an API server: the pipeline itself in one process, HTTPS elsewhere. Same road, same errors (StatusError).
 * `send` gives the object, the list, or the Status that the verb answers with; results may be frozen and shared.
 */
export interface Transport {
  send(request: ApiRequest, signal?: AbortSignal): Promise<unknown>;
  /** Ends normally at timeoutSeconds or when the server closes it; throws StatusError (`Expired` → relist) when it cannot start. */
  watch(request: ApiRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

/** The pipeline's face towards cmd: a transport that speaks for a user. */
export interface Impersonable {
  as(user: UserInfo): Transport;
}

export type { ObjectKey };
