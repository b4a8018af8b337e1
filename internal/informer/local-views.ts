// Views on a server: the store's own objects, read where they are. An unscoped view holds nothing but its indexes; a scoped one the
// references of what it selects.
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import { createIndexes } from './indexes.ts';
import { createObjectCache } from './object-cache.ts';
import { scopeFilter, scopeKey } from './scope.ts';
import type { View, ViewChange, ViewScope, Views } from './view.ts';

/** What of a store a view needs (store/ stands beside informer/, not before it). */
export interface ReadableStore {
  readonly revision: number;
  get(resource: GroupResource, key: ObjectKey): KubeObject | undefined;
  list(resource: GroupResource, options: { namespace?: string; visit(object: KubeObject): boolean }): number;
  watch(resource: GroupResource, from: number, watcher: { onChange(change: ViewChange): void }): { close(): void };
}

export function createLocalViews(store: ReadableStore): Views {
  const views = new Map<string, View>();
  return {
    of<T extends KubeObject>(resource: Resource<T>, scope: ViewScope = {}) {
      const id = `${resource.group}/${resource.resource}/${scopeKey(scope)}`;
      let view = views.get(id);
      if (view === undefined) views.set(id, (view = scopeKey(scope) === '?' ? wholeView(store, resource) : scopedView(store, resource, scope)));
      return view as unknown as View<T>;
    },
  };
}

function wholeView(store: ReadableStore, resource: GroupResource): View {
  const list = (namespace = ''): KubeObject[] => {
    const found: KubeObject[] = [];
    store.list(resource, { namespace, visit: (object) => found.push(object) > 0 });
    return found;
  };
  const indexes = createIndexes<KubeObject>(list, () => store.watch(resource, store.revision, { onChange: (change) => indexes.apply(change) }));
  return {
    synced: Promise.resolve(),
    get revision() {
      return store.revision;
    },
    get: (namespace, name) => store.get(resource, { namespace, name }),
    list,
    by: indexes.by,
    subscribe(onChange) {
      const from = store.revision;
      const there = list();
      // Subscribed before the first call: a subscriber that writes at once loses nothing.
      const early: ViewChange[] = [];
      let emit = (change: ViewChange): void => void early.push(change);
      const subscription = store.watch(resource, from, { onChange: (change) => emit(change) });
      for (const object of there) onChange({ type: 'ADDED', object });
      for (const change of early) onChange(change);
      emit = onChange;
      return () => subscription.close();
    },
  };
}

function scopedView(store: ReadableStore, resource: GroupResource, scope: ViewScope): View {
  const selects = scopeFilter(scope);
  const cache = createObjectCache<KubeObject>();
  store.watch(resource, store.revision, {
    onChange({ type, object }) {
      if (type !== 'DELETED' && selects(object)) cache.put(object);
      else cache.remove(object);
    },
  });
  store.list(resource, {
    ...(scope.namespace !== undefined && { namespace: scope.namespace }),
    visit(object) {
      if (selects(object)) cache.put(object);
      return true;
    },
  });
  return {
    synced: Promise.resolve(),
    get revision() {
      return store.revision;
    },
    get: cache.get,
    list: cache.list,
    by: cache.by,
    subscribe: cache.subscribe,
  };
}
