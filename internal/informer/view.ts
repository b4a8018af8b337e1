// A view of the cache: what loops read. On a server it reads the store's own objects (no second copy); on an agent a replica kept by
// list and watch. Synchronous, never stale against itself: a subscriber is called after the view shows the change.
import type { KubeObject } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';

export interface ViewChange<T extends KubeObject = KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
  previous?: T;
}

export interface View<T extends KubeObject = KubeObject> {
  /** Resolves once the first complete list is shown. */
  readonly synced: Promise<void>;
  /** Newest revision shown, as a number. */
  readonly revision: number;
  /** Resolves when the view shows this revision. Absent where it always shows the newest. */
  reached?(revision: number): Promise<void>;
  get(namespace: string, name: string): T | undefined;
  /** All, or those of one namespace, in key order. */
  list(namespace?: string): T[];
  /** Objects for which the index's function gave this value. The same name with the same function may be asked for by several loops. */
  by(index: Index<T>, value: string): T[];
  /** Calls for every object that is there (as ADDED), then for every change. Returns the end of it. */
  subscribe(onChange: (change: ViewChange<T>) => void): () => void;
}

export interface Index<T extends KubeObject = KubeObject> {
  name: string;
  values(object: T): string[];
}

export interface ViewScope {
  /** Only what this selects, e.g. `spec.nodeName=n1`; on a server the view filters, on an agent the server does. */
  fieldSelector?: string;
  namespace?: string;
}

/** Where views come from. Asking twice for the same resource and scope gives the same view. */
export interface Views {
  of<T extends KubeObject>(resource: Resource<T>, scope?: ViewScope): View<T>;
}
