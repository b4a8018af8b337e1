// Watches: what is there already as ADDED where asked for, then changes in order as the selectors see them, bookmarks, and an end.
// A client that cannot keep up is cut off; it lists again.
import type { Clock, Timer } from '../base/clock.ts';
import { messageOf, StatusError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { apiVersionOf, type KubeObject } from '../api/meta.ts';
import type { WatchEvent } from '../api/request.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Change, Store } from '../store/store.ts';
import { createWatchBuffer, type WatchBuffer, type WatchSource } from '../watch/buffer.ts';
import { joinEventView } from './event-view.ts';
import { placeOf } from './place.ts';
import { checkWatchOptions, parseRevision, tooLargeRevision } from './read-options.ts';
import type { WatchOptions } from './registry.ts';
import { selectionOf, type Selection } from './selection.ts';
import { createTurns, type Turns } from './turns.ts';

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
export function watchObjects({ store, clock, random }: Context, kind: Kind, options: WatchOptions, signal: AbortSignal): WatchSource<WatchEvent> {
  checkWatchOptions(options);
  const { resource, ready } = placeOf(kind);
  const wanted = parseRevision(options.resourceVersion);
  if (options.sendInitialEvents === true && wanted > store.revision) throw tooLargeRevision(wanted, store.revision);
  const showsInitial = options.sendInitialEvents ?? wanted === 0;
  const from = showsInitial || wanted === 0 ? store.revision : wanted;
  const initial = showsInitial ? storedNow(store, kind, options) : [];
  const ending: (() => void)[] = [];
  const buffer = createWatchBuffer<WatchEvent>({
    itemsMax: 4096 + initial.length,
    onEnd: () => {
      for (const end of ending) end();
    },
  });
  const turns = createTurns((error) => {
    buffer.push({ type: 'ERROR', object: failure(error) });
    buffer.end();
  });
  const selection = selectionOf(kind, options);
  turns.take(ready(initial), () => pushInitial(buffer, { kind, options, initial, selection, from }));
  const view = joinEventView(kind, options, selection);
  ending.push(view.leave);
  const show = (change: Change): void => {
    const event = view.see(change);
    if (event !== undefined) buffer.push(event);
  };
  const waits = kind.rules.storage?.ready !== undefined;
  const onChange = waits ? (change: Change): void => turns.take(ready(change.previous === undefined ? [change.object] : [change.object, change.previous]), () => show(change)) : show;
  const subscription = subscribe(() => store.watch(resource, from, { onChange }), buffer);
  ending.push(() => subscription.close());
  if (buffer.ended) subscription.close();
  endWith(buffer, signal, ending);
  setTimers({ store, clock, random, kind, options, buffer, ending, turns });
  return buffer;
}

/** What cannot start leaves nothing behind. */
function subscribe(watch: () => { close(): void }, buffer: WatchBuffer<WatchEvent>): { close(): void } {
  try {
    return watch();
  } catch (error) {
    buffer.end();
    throw error;
  }
}

/** What may be selected, as it is stored. */
function storedNow(store: Store, kind: Kind, options: WatchOptions): KubeObject[] {
  const found: KubeObject[] = [];
  store.list(placeOf(kind).resource, { namespace: selectionOf(kind, options).namespace, visit: (stored) => found.push(stored) > 0 });
  return found;
}

function pushInitial(buffer: WatchBuffer<WatchEvent>, { kind, options, initial, selection, from }: { kind: Kind; options: WatchOptions; initial: readonly KubeObject[]; selection: Selection; from: number }): void {
  const { decode } = placeOf(kind);
  for (const stored of initial) {
    const object = decode(stored);
    if (selection.matches(object)) buffer.push({ type: 'ADDED', object });
  }
  if (options.sendInitialEvents === true && options.allowWatchBookmarks === true) buffer.push(bookmark(kind, from, { [INITIAL_EVENTS_END]: 'true' }));
}

function failure(error: unknown): KubeObject {
  const { code, reason } = error instanceof StatusError ? error : { code: 500, reason: 'InternalError' };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: messageOf(error), reason, code } as unknown as KubeObject;
}

function endWith(buffer: WatchBuffer<WatchEvent>, signal: AbortSignal, ending: (() => void)[]): void {
  if (signal.aborted) return buffer.end();
  signal.addEventListener('abort', buffer.end, { once: true });
  ending.push(() => signal.removeEventListener('abort', buffer.end));
}

function setTimers({ store, clock, random, kind, options, buffer, ending, turns }: Context & { kind: Kind; options: WatchOptions; buffer: WatchBuffer<WatchEvent>; ending: (() => void)[]; turns: Turns }): void {
  if (buffer.ended) return;
  // The revision of now, told when all that came before it has been.
  const send = (): void => {
    const { revision } = store;
    turns.take(undefined, () => buffer.push(bookmark(kind, revision)));
  };
  const timeoutMs = (options.timeoutSeconds || TIMEOUT_SECONDS * (1 + random.fraction())) * 1000;
  const timeout = clock.setTimer(timeoutMs, () => {
    if (options.allowWatchBookmarks === true) send(); // the next watch starts here rather than at the last change
    turns.take(undefined, buffer.end);
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
