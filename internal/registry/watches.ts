// Watches: what is there already as ADDED where asked for, then changes in order as the selectors see them, bookmarks, and an end.
// A client that cannot keep up is cut off; it lists again.
import type { Clock, Timer } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { apiVersionOf, type KubeObject } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Change, Store } from '../store/store.ts';
import { createWatchBuffer, type WatchBuffer } from '../watch/buffer.ts';
import { placeOf } from './place.ts';
import { checkWatchOptions, parseRevision, tooLargeRevision } from './read-options.ts';
import type { WatchOptions } from './registry.ts';
import { selectionOf } from './selection.ts';

const BOOKMARK_MS = 60_000;
/** Without timeoutSeconds: 30 to 60 minutes, so that clients do not all come back at once. */
const TIMEOUT_SECONDS = 1800;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

interface Context {
  store: Store;
  clock: Clock;
  random: Random;
}

/** Starts at the call, not at the first `next`: nothing that happens in between is missed. StatusError Expired, Invalid, Timeout. */
export function watchObjects({ store, clock, random }: Context, kind: Kind, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent> {
  checkWatchOptions(options);
  const { resource } = placeOf(kind);
  const wanted = parseRevision(options.resourceVersion);
  if (options.sendInitialEvents === true && wanted > store.revision) throw tooLargeRevision(wanted, store.revision);
  const showsInitial = options.sendInitialEvents ?? wanted === 0;
  const from = showsInitial || wanted === 0 ? store.revision : wanted;
  const initial = showsInitial ? currentState(store, kind, options) : [];
  const ending: (() => void)[] = [];
  const buffer = createWatchBuffer<WatchEvent>({
    itemsMax: 4096 + initial.length,
    onEnd: () => {
      for (const end of ending) end();
    },
  });
  for (const object of initial) buffer.push({ type: 'ADDED', object });
  if (options.sendInitialEvents === true && options.allowWatchBookmarks === true) buffer.push(bookmark(kind, from, { [INITIAL_EVENTS_END]: 'true' }));
  const seen = eventOf(kind, options);
  const subscription = store.watch(resource, from, {
    onChange(change) {
      const event = seen(change);
      if (event !== undefined) buffer.push(event);
    },
  });
  ending.push(() => subscription.close());
  if (buffer.ended) subscription.close();
  endWith(buffer, signal, ending);
  setTimers({ store, clock, random, kind, options, buffer, ending });
  return buffer;
}

function currentState(store: Store, kind: Kind, options: WatchOptions): KubeObject[] {
  const { resource, decode } = placeOf(kind);
  const selection = selectionOf(kind, options);
  const found: KubeObject[] = [];
  store.list(resource, {
    namespace: selection.namespace,
    visit(stored) {
      const object = decode(stored);
      if (selection.matches(object)) found.push(object);
      return true;
    },
  });
  return found;
}

/** What a watcher with these selectors sees of a change: an object that enters them is ADDED, one that leaves them DELETED as it was. */
function eventOf(kind: Kind, options: WatchOptions): (change: Change) => WatchEvent | undefined {
  const { decode } = placeOf(kind);
  const { namespace, everything, matches } = selectionOf(kind, options);
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
    return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
  };
}

function endWith(buffer: WatchBuffer<WatchEvent>, signal: AbortSignal, ending: (() => void)[]): void {
  if (signal.aborted) return buffer.end();
  signal.addEventListener('abort', buffer.end, { once: true });
  ending.push(() => signal.removeEventListener('abort', buffer.end));
}

function setTimers({ store, clock, random, kind, options, buffer, ending }: Context & { kind: Kind; options: WatchOptions; buffer: WatchBuffer<WatchEvent>; ending: (() => void)[] }): void {
  if (buffer.ended) return;
  const send = (): void => buffer.push(bookmark(kind, store.revision));
  const timeoutMs = (options.timeoutSeconds || TIMEOUT_SECONDS * (1 + random.fraction())) * 1000;
  const timeout = clock.setTimer(timeoutMs, () => {
    if (options.allowWatchBookmarks === true) send(); // the next watch starts here rather than at the last change
    buffer.end();
  });
  ending.push(() => timeout.cancel());
  if (options.allowWatchBookmarks !== true) return;
  let next: Timer;
  const arm = (): void => {
    next = clock.setTimer(BOOKMARK_MS, () => {
      send();
      if (!buffer.ended) arm();
    });
  };
  arm();
  ending.push(() => next.cancel());
}

function bookmark({ group, version, kind }: Kind, revision: number, annotations?: Record<string, string>): WatchEvent {
  const metadata = { resourceVersion: String(revision), ...(annotations !== undefined && { annotations }) };
  return { type: 'BOOKMARK', object: { apiVersion: apiVersionOf(group, version), kind, metadata } as unknown as KubeObject };
}
