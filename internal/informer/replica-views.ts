// Views on an agent: replicas kept by list and watch. Each is a machine of three states and one step:
//
//   listing ──ok──► watching(revision) ──ended──► watching       waiting comes in between after any other failure, longer each time
//      ▲               │ Expired
//      └───────────────┘
//
// While the server cannot be reached the view goes on showing what it last knew.
import { delay, type Clock } from '../base/clock.ts';
import { isReason, messageOf, StatusError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import type { Client } from '../client/client.ts';
import { createObjectCache, type ObjectCache } from './object-cache.ts';
import { scopeKey } from './scope.ts';
import type { View, ViewScope, Views } from './view.ts';

export interface ReplicaViewsOptions {
  clock: Clock;
  random: Random;
  log: Log;
  /** Ends every replica. */
  signal: AbortSignal;
}

const PAGE = 500;
const BACKOFF_MS = 800;
const BACKOFF_MAX_MS = 30_000;
const WATCH_SECONDS = 8 * 60;
/** The server sends a bookmark every minute: silence for longer means a connection that is dead without telling. */
const SILENCE_MS = 150_000;

type State = { is: 'listing' } | { is: 'watching'; revision: number } | { is: 'waiting'; failures: number; next: State };

export function createReplicaViews(client: Client, options: ReplicaViewsOptions): Views {
  const views = new Map<string, View>();
  return {
    of<T extends KubeObject>(resource: Resource<T>, scope: ViewScope = {}) {
      const id = `${resource.group}/${resource.resource}/${scopeKey(scope)}`;
      let view = views.get(id);
      if (view === undefined) views.set(id, (view = startReplica(client, resource as Resource, { ...options, scope })));
      return view as unknown as View<T>;
    },
  };
}

interface Replica {
  client: Client;
  resource: Resource;
  scope: ViewScope;
  cache: ObjectCache<KubeObject>;
  clock: Clock;
  random: Random;
  log: Log;
  signal: AbortSignal;
  /** The view shows this revision now. */
  show(revision: number): void;
}

function startReplica(client: Client, resource: Resource, { scope, ...options }: ReplicaViewsOptions & { scope: ViewScope }): View {
  const cache = createObjectCache<KubeObject>();
  const synced = Promise.withResolvers<void>();
  const waiting = new Set<{ revision: number; resolve(): void }>();
  let shown = 0;
  const replica: Replica = {
    client, resource, scope, cache, ...options,
    show(revision) {
      shown = Math.max(shown, revision);
      synced.resolve();
      for (const one of waiting) {
        if (one.revision > shown) continue;
        waiting.delete(one);
        one.resolve();
      }
    },
  };
  void keep(replica);
  return {
    synced: synced.promise,
    get revision() {
      return shown;
    },
    reached: (revision) => (shown >= revision ? Promise.resolve() : new Promise((resolve) => waiting.add({ revision, resolve }))),
    get: cache.get,
    list: cache.list,
    by: cache.by,
    subscribe: cache.subscribe,
  };
}

async function keep(replica: Replica): Promise<void> {
  let state: State = { is: 'listing' };
  let failures = 0;
  // Since when nothing has been seen but lists: a server whose every watch is Expired must not be listed in a tight loop.
  let relists = 0;
  while (!replica.signal.aborted) {
    try {
      const next: State = await step(replica, state);
      if (state.is !== 'waiting') failures = 0;
      if (state.is === 'watching') relists = 0;
      state = next;
    } catch (error) {
      if (replica.signal.aborted) return;
      const expired = isReason(error, 'Expired', 'Gone');
      if (expired) state = { is: 'listing' };
      if (expired && ++relists === 1) continue;
      failures = Math.max(failures + 1, relists - 1);
      replica.log.debug('a view could not be kept up', { resource: replica.resource.resource, failures, error: messageOf(error) });
      state = { is: 'waiting', failures, next: state };
    }
  }
}

async function step(replica: Replica, state: State): Promise<State> {
  switch (state.is) {
    case 'listing':
      return { is: 'watching', revision: await listAll(replica) };
    case 'watching':
      return { is: 'watching', revision: await watchOnce(replica, state.revision) };
    case 'waiting': {
      const { clock, random, signal } = replica;
      const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(10, state.failures - 1));
      await delay(clock, longest * (0.5 + random.fraction() / 2), signal);
      return state.next;
    }
  }
}

async function listAll({ client, resource, scope, cache, show }: Replica): Promise<number> {
  const objects: KubeObject[] = [];
  let token: string | undefined;
  let revision = 0;
  do {
    const page = await client.list(resource, { ...scope, limit: PAGE, ...(token !== undefined && { continue: token }) });
    for (const object of page.items) objects.push(object);
    revision = Number(page.metadata.resourceVersion);
    token = page.metadata.continue || undefined;
  } while (token !== undefined);
  cache.replace(objects);
  show(revision);
  return revision;
}

/** Follows one watch to its end; gives the revision to go on from. */
async function watchOnce(replica: Replica, from: number): Promise<number> {
  const { client, resource, scope, clock, signal, cache, show } = replica;
  let revision = from;
  const startedMs = clock.monotonicMs();
  const ending = new AbortController();
  const end = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  let silence = clock.setTimer(SILENCE_MS, end);
  try {
    const options = { ...scope, resourceVersion: String(from), allowWatchBookmarks: true, timeoutSeconds: Math.round(WATCH_SECONDS * (1 + replica.random.fraction())) };
    for await (const { type, object } of client.watch(resource, options, ending.signal)) {
      silence.cancel();
      silence = clock.setTimer(SILENCE_MS, end);
      if (type === 'DELETED') cache.remove(object);
      else if (type !== 'BOOKMARK') cache.put(object);
      revision = Number(object.metadata.resourceVersion);
      show(revision);
    }
  } catch (error) {
    // What came before the failure is shown: go on from there after the wait.
    if (revision === from || isReason(error, 'Expired', 'Gone')) throw error;
  } finally {
    silence.cancel();
    signal.removeEventListener('abort', end);
  }
  // A server (or a proxy) that ends every watch at once is not to be asked in a tight loop.
  if (revision === from && clock.monotonicMs() - startedMs < 1000) throw new StatusError('ServiceUnavailable', 'the watch ended as soon as it had begun');
  return revision;
}
