// What watches see of changes. Those that select alike see alike, and there may be hundreds of them: each change is matched once for all,
// and all are given the same event, by which its bytes are made once too (http/object-bytes.ts).
import { freeze } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Change } from '../store/store.ts';
import { placeOf } from './place.ts';
import type { ReadOptions } from './registry.ts';
import type { Selection } from './selection.ts';

export interface EventView {
  /** Undefined: nothing. The event is shared: not to be changed. */
  see(change: Change): WatchEvent | undefined;
  leave(): void;
}

interface Shared {
  watches: number;
  /** The last change seen, of which the others will ask next. */
  last: Change | undefined;
  event: WatchEvent | undefined;
  readonly eventOf: (change: Change) => WatchEvent | undefined;
}

const views = new WeakMap<Kind, Map<string, Shared>>();

export function joinEventView(kind: Kind, { namespace, labelSelector = '', fieldSelector = '' }: ReadOptions, selection: Selection): EventView {
  const ofKind = views.get(kind) ?? new Map<string, Shared>();
  views.set(kind, ofKind);
  const key = JSON.stringify([namespace, labelSelector, fieldSelector]);
  const shared = ofKind.get(key) ?? { watches: 0, last: undefined, event: undefined, eventOf: eventOf(kind, selection) };
  ofKind.set(key, shared);
  shared.watches++;
  return {
    see(change) {
      if (shared.last === change) return shared.event;
      shared.event = shared.eventOf(change);
      shared.last = change;
      return shared.event;
    },
    leave() {
      if (--shared.watches === 0) ofKind.delete(key);
    },
  };
}

/** What a watcher with these selectors sees of a change: an object that enters them is ADDED, one that leaves them DELETED as it was. */
function eventOf(kind: Kind, { namespace, everything, matches }: Selection): (change: Change) => WatchEvent | undefined {
  const { decode } = placeOf(kind);
  return ({ type, object: stored, previous: storedBefore }) => {
    if (namespace !== '' && stored.metadata.namespace !== namespace) return undefined;
    const object = decode(stored);
    if (everything) return { type, object };
    const previous = storedBefore === undefined ? undefined : decode(storedBefore);
    const before = previous !== undefined && matches(previous);
    const now = type !== 'DELETED' && matches(object);
    if (now) return { type: before ? 'MODIFIED' : 'ADDED', object };
    if (!before || previous === undefined) return undefined;
    const { resourceVersion } = object.metadata;
    return { type: 'DELETED', object: freeze({ ...previous, metadata: { ...previous.metadata, resourceVersion } }) };
  };
}
