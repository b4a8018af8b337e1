// The store over a journal. A write is accepted (revision given, preconditions checked against the newest accepted state), journalled when
// durable, and published: applied, remembered, told to watchers, acknowledged. Publishing is in revision order, so a relaxed write waits for
// the durable ones before it.
//
//   accept ──durable──► batch ──journal──► acknowledged ─┐
//      └─────relaxed──► acknowledged ────────────────────┴─► publish (in order, under the durable ceiling) ──► visible
//
// The ceiling: revisions are reserved on disk in blocks, ridden on batches, so that after a crash no revision is given twice although
// relaxed writes used some that were never written.
import type { Clock, Timer } from '../base/clock.ts';
import { alreadyExists, conflict, messageOf, notFound, StatusError } from '../base/errors.ts';
import { readJson } from '../api/large-integers.ts';
import { freeze, objectKey, type GroupResource, type KubeObject, type ObjectKey } from '../api/meta.ts';
import { createHistory, undo, type History } from './history.ts';
import type { Batch, Journal, Recovered, Row } from './journal.ts';
import { createPlaces, deliver, keyOfText, newest, textOf, type Entry, type Live, type Place } from './places.ts';
import type { Change, Durability, ListOptions, Store, Watcher } from './store.ts';
import { createTable, type Table } from './table.ts';

const RESERVE_REVISIONS = 10_000;
const RELAXED_FLUSH_MS = 10 * 60_000;
const BATCH_ROWS = 512;

export interface EngineOptions {
  clock: Clock;
  /** Absent: memory only. */
  journal?: Journal;
  recovered?: Recovered;
  relaxedFlushMs?: number;
  historyMs?: number;
  historyBytes?: number;
}

export function createStore(options: EngineOptions): Store {
  return new Engine(options).store();
}

// A class, for once: the parts share a dozen fields, and closures would be one 300-line function.
class Engine {
  readonly #clock: Clock;
  readonly #journal: Journal | undefined;
  readonly #relaxedFlushMs: number;
  readonly #places = createPlaces();
  readonly #revisionWatchers = new Set<Live>();
  readonly #history: History;
  readonly #queue: Entry[] = [];
  /** Highest revision given out, visible to readers, and reserved on disk. */
  #accepted: number;
  #visible: number;
  #ceiling: number;
  #inFlight: Promise<void> | undefined;
  #scheduled = false;
  #publishing = false;
  #flushRelaxed = false;
  #relaxedTimer: Timer | undefined;
  #closed = false;

  constructor({ clock, journal, recovered, relaxedFlushMs, historyMs, historyBytes }: EngineOptions) {
    this.#clock = clock;
    this.#journal = journal;
    this.#relaxedFlushMs = relaxedFlushMs ?? RELAXED_FLUSH_MS;
    this.#accepted = recovered === undefined ? 0 : this.#recover(recovered);
    this.#visible = this.#accepted;
    this.#ceiling = journal === undefined ? Number.MAX_SAFE_INTEGER : this.#accepted;
    this.#history = createHistory(this.#accepted, { ...(historyMs !== undefined && { keepMs: historyMs }), ...(historyBytes !== undefined && { bytesMax: historyBytes }) });
  }

  store(): Store {
    const visible = (): number => this.#visible;
    return {
      get revision() {
        return visible();
      },
      get: (resource, key) => this.#places.of(resource).table.get(key),
      newest: (resource, key) => newest(this.#places.of(resource), key),
      settled: (resource, key) => {
        const entry = this.#places.of(resource).pending.get(textOf(key));
        if (entry === undefined) return Promise.resolve();
        entry.ended ??= Promise.withResolvers<void>();
        return entry.ended.promise;
      },
      count: (resource, namespace) => this.#places.of(resource).table.count(namespace),
      list: (resource, options) => this.#list(this.#places.of(resource), options),
      create: async (resource, object, durability) => {
        const key = objectKey(object);
        if (newest(this.#places.of(resource), key) !== undefined) throw alreadyExists(resource, key.name);
        return this.#accept(this.#places.of(resource), { key, object, durability });
      },
      update: async (resource, object, expected, durability) => {
        const key = objectKey(object);
        const previous = this.#check(resource, key, expected);
        return this.#accept(this.#places.of(resource), { key, object, previous, durability });
      },
      delete: async (resource, key, expected, durability) => {
        const previous = this.#check(resource, key, expected);
        return this.#accept(this.#places.of(resource), { key, previous, durability });
      },
      watch: (resource, from, watcher) => this.#watch(this.#places.of(resource), from, watcher),
      close: () => this.#close(),
    };
  }

  #recover({ ceiling, rows }: Recovered): number {
    let highest = ceiling;
    for (const { resource, key, value } of rows) {
      const object = freeze(readJson(value) as KubeObject);
      this.#places.byId(resource).table.set(keyOfText(key), object);
      highest = Math.max(highest, Number(object.metadata.resourceVersion));
    }
    return highest;
  }

  #check(resource: GroupResource, key: ObjectKey, expected: string): KubeObject {
    const current = newest(this.#places.of(resource), key);
    if (current === undefined) throw notFound(resource, key.name);
    if (current.metadata.resourceVersion !== expected) throw conflict(resource, key.name);
    return current;
  }

  #list(place: Place, { namespace, revision, after, visit }: ListOptions): number {
    if (revision === undefined || revision === this.#visible) {
      place.table.walk({ namespace, after }, visit);
      return this.#visible;
    }
    this.#history.prune(this.#clock.monotonicMs());
    if (revision < this.#history.floor) throw new StatusError('Expired', LIST_EXPIRED);
    const then = undo(this.#history.after(place.id, revision));
    if (then.size === 0) place.table.walk({ namespace, after }, visit);
    else stateThen(place.table, then, namespace).walk({ namespace, after }, visit);
    return revision;
  }

  #watch(place: Place, from: number, watcher: Watcher): { close(): void } {
    this.#history.prune(this.#clock.monotonicMs());
    if (from < this.#history.floor) throw new StatusError('Expired', `too old resource version: ${String(from)} (${String(this.#history.floor)})`);
    const live: Live = { seen: from, watcher };
    place.watchers.add(live);
    if (watcher.onRevision !== undefined) this.#revisionWatchers.add(live);
    for (const change of this.#history.after(place.id, from)) {
      if (!place.watchers.has(live)) break;
      deliver(live, change);
    }
    return {
      close: () => {
        place.watchers.delete(live);
        this.#revisionWatchers.delete(live);
      },
    };
  }

  // ── accept ──

  #accept(place: Place, write: { key: ObjectKey; object?: KubeObject; previous?: KubeObject; durability: Durability }): Promise<KubeObject> {
    if (this.#closed) throw new StatusError('ServiceUnavailable', 'the data store is closed: the server is stopping');
    const revision = ++this.#accepted;
    const object = atRevision(write.object ?? (write.previous as KubeObject), revision);
    const type = write.object === undefined ? 'DELETED' : write.previous === undefined ? 'ADDED' : 'MODIFIED';
    const change: Change = { type, revision, object, ...(write.previous !== undefined && { previous: write.previous }) };
    const key = textOf(write.key);
    return new Promise((resolve, reject) => {
      const durable = write.durability === 'durable' && this.#journal !== undefined;
      const entry: Entry = { change, place, key, durable, base: place.pending.get(key), state: durable ? 'waiting' : 'acknowledged', resolve, reject };
      place.pending.set(key, entry);
      this.#queue.push(entry);
      if (durable || revision > this.#ceiling - RESERVE_REVISIONS / 4) this.#schedule();
      if (!durable) this.#publish();
    });
  }

  // ── journal ──

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== undefined || this.#journal === undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#inFlight !== undefined) return;
      const { batch, entries, relaxed } = this.#nextBatch();
      if (batch.rows.length === 0 && batch.ceiling === undefined) return;
      this.#inFlight = this.#send(batch, entries, relaxed);
    });
  }

  #nextBatch(): { batch: Batch; entries: Entry[]; relaxed: [Place, string][] } {
    const relaxed = this.#flushRelaxed ? this.#places.takeDirty() : [];
    this.#flushRelaxed = false;
    // Relaxed rows first: a durable write of the same key is newer.
    const rows: Row[] = relaxed.map(rowOf);
    const entries: Entry[] = [];
    for (const entry of this.#queue) {
      if (entry.state !== 'waiting') continue;
      if (entries.length === BATCH_ROWS) break;
      entry.state = 'sent';
      entries.push(entry);
      rows.push({ resource: entry.place.id, key: entry.key, value: entry.change.type === 'DELETED' ? undefined : JSON.stringify(entry.change.object) });
    }
    const reserve = this.#accepted > this.#ceiling - RESERVE_REVISIONS / 4;
    return { batch: { rows, ...(reserve && { ceiling: this.#accepted + RESERVE_REVISIONS }) }, entries, relaxed };
  }

  async #send(batch: Batch, entries: Entry[], relaxed: [Place, string][]): Promise<void> {
    try {
      await (this.#journal as Journal).write(batch);
      if (batch.ceiling !== undefined) this.#ceiling = batch.ceiling;
      for (const entry of entries) entry.state = 'acknowledged';
    } catch (error) {
      for (const [place, key] of relaxed) place.dirty.add(key);
      if (relaxed.length > 0) this.#armRelaxedFlush();
      this.#fail(entries, error);
    }
    this.#inFlight = undefined;
    this.#publish();
    if (this.#flushRelaxed || this.#queue.some((entry) => entry.state === 'waiting')) this.#schedule();
  }

  /** Refuses the entries, and those that were checked against them; and those above the ceiling, which nothing else would wake. */
  #fail(entries: readonly Entry[], error: unknown): void {
    for (const entry of entries) entry.state = 'failed';
    for (const entry of this.#queue) {
      if (entry.base?.state === 'failed' || entry.change.revision > this.#ceiling) entry.state = 'failed';
    }
    const failed = this.#queue.filter((entry) => entry.state === 'failed');
    const rest = this.#queue.filter((entry) => entry.state !== 'failed');
    this.#queue.length = 0;
    this.#queue.push(...rest);
    for (const { place, key } of failed) place.pending.delete(key);
    for (const entry of rest) entry.place.pending.set(entry.key, entry);
    const refusal = error instanceof StatusError ? error : new StatusError('InternalError', `the data store failed: ${messageOf(error)}`, { cause: error });
    for (const entry of failed) {
      entry.reject(refusal);
      entry.ended?.resolve();
    }
  }

  #armRelaxedFlush(): void {
    if (this.#journal === undefined || this.#closed) return;
    this.#relaxedTimer ??= this.#clock.setTimer(this.#relaxedFlushMs, () => {
      this.#relaxedTimer = undefined;
      this.#flushRelaxed = true;
      this.#schedule();
    });
  }

  // ── publish ──

  #publish(): void {
    if (this.#publishing) return; // a watcher wrote: the loop below takes it up
    this.#publishing = true;
    for (let first = this.#queue[0]; first !== undefined && first.state === 'acknowledged' && first.change.revision <= this.#ceiling; first = this.#queue[0]) {
      this.#queue.shift();
      this.#show(first);
    }
    this.#publishing = false;
  }

  #show(entry: Entry): void {
    const { change, place, key } = entry;
    place.table.set(keyOfText(key), change.type === 'DELETED' ? undefined : change.object);
    if (place.pending.get(key) === entry) place.pending.delete(key);
    if (entry.durable) {
      place.dirty.delete(key);
    } else if (this.#journal !== undefined) {
      place.dirty.add(key);
      this.#armRelaxedFlush();
    }
    this.#visible = change.revision;
    this.#history.push(place.id, change, this.#clock.monotonicMs());
    for (const live of place.watchers) deliver(live, change);
    for (const live of this.#revisionWatchers) if (live.seen < change.revision) live.watcher.onRevision?.(change.revision);
    entry.resolve(change.object);
    entry.ended?.resolve();
  }

  // ── close ──

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#relaxedTimer?.cancel();
    while (this.#queue.length > 0 || this.#inFlight !== undefined || this.#scheduled) {
      this.#schedule();
      await (this.#inFlight ?? Promise.resolve());
    }
    if (this.#journal === undefined) return;
    const relaxed = this.#places.takeDirty();
    try {
      await this.#journal.write({ rows: relaxed.map(rowOf), ceiling: this.#accepted });
    } finally {
      await this.#journal.close();
    }
  }
}

const LIST_EXPIRED = 'The resourceVersion for the provided list is too old.';

function stateThen(now: Table, then: ReadonlyMap<string, KubeObject | undefined>, namespace: string | undefined): Table {
  const past = createTable();
  now.walk({ namespace }, (object) => {
    past.set(objectKey(object), object);
    return true;
  });
  for (const [key, object] of then) past.set(keyOfText(key), object);
  return past;
}

function atRevision(object: KubeObject, revision: number): KubeObject {
  return freeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
}

function rowOf([place, key]: [Place, string]): Row {
  const object = place.table.get(keyOfText(key));
  return { resource: place.id, key, value: object === undefined ? undefined : JSON.stringify(object) };
}
