// What the store has of each resource: what is visible, the writes in flight, what is in memory alone, and who watches.
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';
import type { Change, Watcher } from './store.ts';
import { createTable, type Table } from './table.ts';

/** A write that was accepted and is not visible yet. */
export interface Entry {
  readonly change: Change;
  readonly place: Place;
  readonly key: string;
  readonly durable: boolean;
  /** The write in flight that this one was checked against. */
  readonly base: Entry | undefined;
  /** Settles with the write; made when someone asks. */
  ended?: PromiseWithResolvers<void>;
  state: 'waiting' | 'sent' | 'acknowledged' | 'failed';
  resolve(object: KubeObject): void;
  reject(error: unknown): void;
}

/** All about one resource. */
export interface Place {
  readonly id: string;
  readonly table: Table;
  readonly watchers: Set<Live>;
  /** The newest write in flight of a key. */
  readonly pending: Map<string, Entry>;
  /** Keys whose newest state is in memory alone. */
  readonly dirty: Set<string>;
}

/** One watch. */
export interface Live {
  seen: number;
  readonly watcher: Watcher;
}

export interface Places {
  of(resource: GroupResource): Place;
  /** `group/resource`. */
  byId(id: string): Place;
  /** What is in memory alone is the caller's to write down now. */
  takeDirty(): [Place, string][];
}

export function createPlaces(): Places {
  const all = new Map<string, Place>();
  function byId(id: string): Place {
    let place = all.get(id);
    if (place === undefined) all.set(id, (place = { id, table: createTable(), watchers: new Set(), pending: new Map(), dirty: new Set() }));
    return place;
  }
  return {
    byId,
    of: ({ group, resource }) => byId(`${group}/${resource}`),
    takeDirty() {
      const taken: [Place, string][] = [];
      for (const place of all.values()) {
        for (const key of place.dirty) taken.push([place, key]);
        place.dirty.clear();
      }
      return taken;
    },
  };
}

/** With the writes in flight. */
export function newest(place: Place, key: ObjectKey): KubeObject | undefined {
  const entry = place.pending.size === 0 ? undefined : place.pending.get(textOf(key));
  if (entry === undefined) return place.table.get(key);
  return entry.change.type === 'DELETED' ? undefined : entry.change.object;
}

/** What it has seen is not told again. */
export function deliver(live: Live, change: Change): void {
  if (change.revision <= live.seen) return;
  live.seen = change.revision;
  live.watcher.onChange(change);
}

/** As the journal has it; without a namespace it begins with the slash. */
export function textOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

export function keyOfText(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
