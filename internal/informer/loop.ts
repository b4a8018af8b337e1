// The shape of every loop: controllers, scheduler, kubelet, proxy, DNS.
//
//   view change ──wakes──► queue(key) ──► observe(key) ──► plan(state, now) ──► act(action)… ──► done | again in | backoff
//
// `observe` reads views only; `plan` is pure (values in, actions out); `act` makes the only writes. The runner (run-loop.ts) owns queue,
// concurrency (one key at a time, several keys at once), exponential backoff, Events, metrics, and the guard that a key is not planned
// again until the views show what it last wrote. A loop has no timer, no try/catch and no logger of its own.
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Resource } from '../api/request.ts';
import type { Client } from '../client/client.ts';
import type { EventWords } from './event-recorder.ts';
import type { ViewScope, Views } from './view.ts';

/** Which objects wake which keys. `previous` is there when an object changed, so that what it left behind is woken as well. */
export interface Wake<T extends KubeObject = KubeObject> {
  resource: Resource<T>;
  scope?: ViewScope;
  keys(object: T, views: Views, previous?: T): string[];
}

export function wake<T extends KubeObject>(resource: Resource<T>, keys: Wake<T>['keys'], scope?: ViewScope): Wake {
  return { resource, keys, ...(scope !== undefined && { scope }) } as unknown as Wake;
}

/** Wakes that come and go while the loop runs. */
export interface LaterWakes {
  wakes(): readonly Wake[];
  /** Calls when `wakes` may give others. Returns the end of it. */
  onChange(listener: () => void): () => void;
}

export interface Plan<Action> {
  actions: Action[];
  /** Plan this key again after so long even if nothing changes (deadlines, grace periods). */
  againInMs?: number;
}

export interface Acting {
  client: Client;
  /** Posts an Event about an object (deduplicated and counted by the recorder). */
  event(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, words?: EventWords): void;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Loop<State = unknown, Action = unknown> {
  readonly name: string;
  readonly wakes: readonly Wake[];
  readonly laterWakes?: LaterWakes;
  /** Keys that are planned at start and then every so often although nothing woke them. */
  readonly resync?: { everyMs: number; keys(views: Views): string[] };
  /** Keys planned at once; default 4. */
  readonly concurrency?: number;
  /** From the views only. undefined: nothing to do for this key. */
  observe(key: string, views: Views): State | undefined;
  plan(state: State, now: number): Plan<Action>;
  /** Actions run in order; a throw stops the rest and the key is planned again with backoff. */
  act(action: Action, acting: Acting): Promise<void>;
}
