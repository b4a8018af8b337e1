// The runner of every loop (loop.ts): the queue, several keys at once and each by itself, backoff, delays, Events, metrics, a clean stop.
// One of the program's three exits for errors: what an action throws ends here, in a log line and a later try.
import type { Clock, Timer } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import { isReason, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from './event-recorder.ts';
import { createKeyQueue } from './key-queue.ts';
import type { Acting, LaterWakes, Loop, Wake } from './loop.ts';
import type { View, ViewChange, Views } from './view.ts';
import { createWriteTracker, type WriteTracker } from './write-tracker.ts';

export interface LoopMetrics {
  planned(loop: string, outcome: 'done' | 'failed', durationMs: number): void;
  depth(loop: string, waiting: number): void;
}

export interface RunLoopOptions {
  views: Views;
  client: Client;
  clock: Clock;
  random: Random;
  log: Log;
  recorder: EventRecorder;
  metrics?: LoopMetrics;
}

/** client-go's item backoff: 5 ms, doubling, to 1000 s. */
const BACKOFF_MS = 5;
const BACKOFF_MAX_MS = 1_000_000;
const CONCURRENCY = 4;
/** Keys begun in one go before other work of the process gets its turn. */
const TURN = 32;

export function runLoop<State, Action>(loop: Loop<State, Action>, options: RunLoopOptions): Component {
  const running = createRunner(loop as Loop, options);
  return { name: loop.name, start: running.start, stop: running.stop };
}

function createRunner(loop: Loop, options: RunLoopOptions): { start(): Promise<void>; stop(): Promise<void> } {
  const { views, clock, metrics } = options;
  const log = options.log.with({ loop: loop.name });
  const queue = createKeyQueue(clock, pump);
  const failures = new Map<string, number>();
  const trackers = new Map<string, WriteTracker>();
  const working = new Set<Promise<void>>();
  const endings: (() => void)[] = [];
  let stopped = false;
  let pumping = false;
  let resync: Timer | undefined;

  function pump(): void {
    if (pumping || stopped) return;
    pumping = true;
    queueMicrotask(turn); // so that what changes together wakes once
  }

  function turn(): void {
    metrics?.depth(loop.name, queue.depth);
    for (let begun = 0; working.size < (loop.concurrency ?? CONCURRENCY); begun++) {
      if (begun === TURN) return void clock.setTimer(0, turn);
      const key = stopped ? undefined : queue.take();
      if (key === undefined) break;
      begin(key);
    }
    pumping = false;
  }

  function begin(key: string): void {
    const work: Promise<void> = planAndAct(key).finally(() => {
      working.delete(work);
      queue.done(key);
      if (queue.depth > 0) pump();
    });
    working.add(work);
  }

  async function planAndAct(key: string): Promise<void> {
    const startedMs = clock.monotonicMs();
    try {
      await trackers.get(key)?.shown();
      trackers.delete(key);
      await pass(key);
      failures.delete(key);
      metrics?.planned(loop.name, 'done', clock.monotonicMs() - startedMs);
    } catch (error) {
      if (stopped) return;
      fail(key, error);
      metrics?.planned(loop.name, 'failed', clock.monotonicMs() - startedMs);
    }
  }

  async function pass(key: string): Promise<void> {
    const state = loop.observe(key, views);
    if (state === undefined) return;
    const { actions, againInMs } = loop.plan(state, clock.now());
    if (actions.length > 0) {
      const tracker = createWriteTracker(options.client, { clock, viewsOf: ({ group, resource }) => watched(loop, views, `${group}/${resource}`) });
      trackers.set(key, tracker);
      const acting: Acting = { client: tracker.client, event: options.recorder.event, clock, random: options.random, log };
      for (const action of actions) {
        if (stopped) return;
        await loop.act(action, acting);
      }
    }
    if (againInMs !== undefined && !stopped) queue.addIn(key, againInMs);
  }

  function fail(key: string, error: unknown): void {
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    const againMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(30, count - 1));
    // A lost race is everyday; anything else is told, ever more rarely.
    const told = !isReason(error, 'Conflict', 'AlreadyExists') && (count & (count - 1)) === 0;
    log[told && count > 1 ? 'warn' : 'debug']('failed, trying again', { key, failures: count, againMs, error: messageOf(error) });
    queue.addIn(key, againMs);
  }

  function listen(wake: Wake): () => void {
    return views.of(wake.resource, wake.scope).subscribe(({ object, previous }: ViewChange<KubeObject>) => {
      try {
        for (const key of wake.keys(object, views, previous)) queue.add(key);
      } catch (error) {
        log.error('could not tell which keys a change wakes', { resource: wake.resource.resource, name: object.metadata.name, error: messageOf(error) });
      }
    });
  }

  function armResync(): void {
    const { resync: again } = loop;
    if (again === undefined || stopped) return;
    for (const key of again.keys(views)) queue.add(key);
    resync = clock.setTimer(again.everyMs, armResync);
  }

  return {
    /** Resolves at once: an agent's loops begin when their views have synced, which may take until the server is back. */
    async start() {
      stopped = false;
      const whenSynced = Promise.all(loop.wakes.map((wake) => views.of(wake.resource, wake.scope).synced));
      void whenSynced.then(() => {
        if (stopped) return;
        for (const wake of loop.wakes) endings.push(listen(wake));
        if (loop.laterWakes !== undefined) endings.push(followWakes(loop.laterWakes, listen));
        armResync();
      });
      await Promise.resolve();
    },
    async stop() {
      stopped = true;
      resync?.cancel();
      for (const end of endings.splice(0)) end();
      queue.clear();
      await Promise.all(working);
      queue.clear();
    },
  };
}

/** Follows what is served: resources that come are listened to, those that go no more. */
function followWakes(later: LaterWakes, listen: (wake: Wake) => () => void): () => void {
  const listening = new Map<string, () => void>();
  const follow = (): void => {
    const wanted = new Map(later.wakes().map((wake) => [`${wake.resource.group}/${wake.resource.resource}`, wake]));
    for (const [id, end] of listening) {
      if (wanted.has(id)) continue;
      listening.delete(id);
      end();
    }
    for (const [id, wake] of wanted) if (!listening.has(id)) listening.set(id, listen(wake));
  };
  const end = later.onChange(follow);
  follow();
  return () => {
    end();
    for (const each of listening.values()) each();
  };
}

/** The loop's views of a resource. */
function watched(loop: Loop, views: Views, id: string): View[] {
  return [...loop.wakes, ...(loop.laterWakes?.wakes() ?? [])].filter(({ resource }) => `${resource.group}/${resource.resource}` === id).map(({ resource, scope }) => views.of(resource, scope));
}
