// Objects kept by key, with indexes and subscribers: what a replica view is, and a scoped view of the local store (which holds references,
// no copies). Changes come in through `apply` and `replace`.
import { formatKey, keyOf, type KubeObject } from '../api/meta.ts';
import { createIndexes } from './indexes.ts';
import type { View, ViewChange } from './view.ts';

export interface ObjectCache<T extends KubeObject> extends Pick<View<T>, 'get' | 'list' | 'by' | 'subscribe'> {
  /** Puts the object there. */
  put(object: T): void;
  remove(object: T): void;
  /** Makes the cache hold exactly these, telling subscribers the difference. */
  replace(objects: readonly T[]): void;
}

export function createObjectCache<T extends KubeObject>(): ObjectCache<T> {
  const objects = new Map<string, T>();
  const subscribers = new Set<(change: ViewChange<T>) => void>();
  const indexes = createIndexes<T>(() => objects.values());

  const tell = (change: ViewChange<T>): void => {
    indexes.apply(change);
    for (const subscriber of subscribers) subscriber(change);
  };
  const cache: ObjectCache<T> = {
    put(object) {
      const key = keyOf(object);
      const previous = objects.get(key);
      if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return;
      objects.set(key, object);
      tell(previous === undefined ? { type: 'ADDED', object } : { type: 'MODIFIED', object, previous });
    },
    remove(object) {
      const key = keyOf(object);
      const previous = objects.get(key);
      if (previous === undefined) return;
      objects.delete(key);
      tell({ type: 'DELETED', object, previous });
    },
    replace(next) {
      const kept = new Set(next.map(keyOf));
      for (const [key, object] of objects) if (!kept.has(key)) cache.remove(object);
      for (const object of next) cache.put(object);
    },
    get: (namespace, name) => objects.get(formatKey({ namespace, name })),
    list: (namespace = '') => inOrder(objects).filter((object) => namespace === '' || object.metadata.namespace === namespace),
    by: indexes.by,
    subscribe(onChange) {
      for (const object of inOrder(objects)) onChange({ type: 'ADDED', object });
      subscribers.add(onChange);
      return () => void subscribers.delete(onChange);
    },
  };
  return cache;
}

function inOrder<T extends KubeObject>(objects: ReadonlyMap<string, T>): T[] {
  return [...objects.values()].sort(byKey);
}

function byKey({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  return compare(a.namespace ?? '', b.namespace ?? '') || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
