// Indexes over a view's objects, built when first asked for and kept up from then on. They hold references to the view's own objects.
import { keyOf, type KubeObject } from '../api/meta.ts';
import type { Index, ViewChange } from './view.ts';

export interface Indexes<T extends KubeObject> {
  by(index: Index<T>, value: string): T[];
  apply(change: ViewChange<T>): void;
}

/** `all` gives what is there when an index is first asked for; `onFirst` is called before that, once. */
export function createIndexes<T extends KubeObject>(all: () => Iterable<T>, onFirst: () => void = () => {}): Indexes<T> {
  const built = new Map<string, { index: Index<T>; entries: Map<string, Map<string, T>> }>();

  const add = (entries: Map<string, Map<string, T>>, index: Index<T>, object: T): void => {
    const key = keyOf(object);
    for (const value of index.values(object)) {
      let bucket = entries.get(value);
      if (bucket === undefined) entries.set(value, (bucket = new Map()));
      bucket.set(key, object);
    }
  };
  const remove = (entries: Map<string, Map<string, T>>, index: Index<T>, object: T): void => {
    const key = keyOf(object);
    for (const value of index.values(object)) {
      const bucket = entries.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) entries.delete(value);
    }
  };
  const build = (index: Index<T>): Map<string, Map<string, T>> => {
    if (built.size === 0) onFirst();
    const entries = new Map<string, Map<string, T>>();
    for (const object of all()) add(entries, index, object);
    built.set(index.name, { index, entries });
    return entries;
  };

  return {
    by(index, value) {
      const entries = built.get(index.name)?.entries ?? build(index);
      return [...(entries.get(value)?.values() ?? [])];
    },
    apply({ type, object, previous }) {
      for (const { index, entries } of built.values()) {
        if (previous !== undefined) remove(entries, index, previous);
        if (type !== 'DELETED') add(entries, index, object);
      }
    },
  };
}
