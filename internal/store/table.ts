// The objects of one resource, by namespace and name, in key order. One sorted array of names and one of objects a namespace: a lookup is
// a binary search, a page starts where the last one ended, and an object costs two words beside itself.
import type { KubeObject, ObjectKey } from '../api/meta.ts';

interface Shelf {
  names: string[];
  objects: KubeObject[];
}

export interface Table {
  get(key: ObjectKey): KubeObject | undefined;
  /** Puts the object there, or takes it away when undefined. */
  set(key: ObjectKey, object: KubeObject | undefined): void;
  count(namespace?: string): number;
  /** In order of namespace, then name, beginning after `after`; ends when `visit` gives false. '' or absent: all namespaces. */
  walk(range: { namespace?: string | undefined; after?: ObjectKey | undefined }, visit: (object: KubeObject) => boolean): void;
}

export function createTable(): Table {
  const shelves = new Map<string, Shelf>();
  let namespaces: string[] = [];

  const shelfFor = (namespace: string): Shelf => {
    const there = shelves.get(namespace);
    if (there !== undefined) return there;
    const made: Shelf = { names: [], objects: [] };
    shelves.set(namespace, made);
    namespaces.splice(lowerBound(namespaces, namespace), 0, namespace);
    return made;
  };

  return {
    get({ namespace, name }) {
      const shelf = shelves.get(namespace);
      if (shelf === undefined) return undefined;
      const at = lowerBound(shelf.names, name);
      return shelf.names[at] === name ? shelf.objects[at] : undefined;
    },
    set({ namespace, name }, object) {
      if (object !== undefined) return put(shelfFor(namespace), name, object);
      const shelf = shelves.get(namespace);
      if (shelf === undefined) return;
      remove(shelf, name);
      if (shelf.names.length > 0) return;
      shelves.delete(namespace);
      namespaces = namespaces.filter((other) => other !== namespace);
    },
    count(namespace = '') {
      if (namespace !== '') return shelves.get(namespace)?.names.length ?? 0;
      let total = 0;
      for (const shelf of shelves.values()) total += shelf.names.length;
      return total;
    },
    walk({ namespace = '', after }, visit) {
      const range = namespace === '' ? namespaces.slice(after === undefined ? 0 : lowerBound(namespaces, after.namespace)) : [namespace];
      for (const one of range) {
        const shelf = shelves.get(one);
        if (shelf !== undefined && !walkShelf(shelf, after?.namespace === one ? after.name : undefined, visit)) return;
      }
    },
  };
}

function walkShelf({ names, objects }: Shelf, after: string | undefined, visit: (object: KubeObject) => boolean): boolean {
  let at = after === undefined ? 0 : lowerBound(names, after);
  if (after !== undefined && names[at] === after) at++;
  for (; at < objects.length; at++) if (!visit(objects[at] as KubeObject)) return false;
  return true;
}

function put({ names, objects }: Shelf, name: string, object: KubeObject): void {
  const at = lowerBound(names, name);
  if (names[at] === name) {
    objects[at] = object;
  } else {
    names.splice(at, 0, name);
    objects.splice(at, 0, object);
  }
}

function remove({ names, objects }: Shelf, name: string): void {
  const at = lowerBound(names, name);
  if (names[at] !== name) return;
  names.splice(at, 1);
  objects.splice(at, 1);
}

/** The first index whose text is not before `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
