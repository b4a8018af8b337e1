// Events (core/v1): what happened to an object, for people. The same event again counts up the one that is there; many alike with ever
// different messages become one; an object that makes too many is cut off for a while (upstream: client-go/tools/record, its figures).
// Nothing waits for an Event, and one that cannot be written is dropped.
import type { Clock } from '../base/clock.ts';
import { isReason, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { formatTime, type KubeObject } from '../api/meta.ts';
import { subdomainProblems } from '../api/names.ts';
import type { Client } from '../client/client.ts';
import { EVENTS } from '../kinds/generated/resources.ts';

export interface EventWords {
  fieldPath?: string;
  /** What was being done, and what else it concerned: told by series-recorder.ts only. */
  action?: string;
  related?: KubeObject;
}

export interface EventRecorder {
  event(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, options?: EventWords): void;
  /** Resolves when what was recorded so far is written or dropped. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  client: Client;
  clock: Clock;
  random: Random;
  log: Log;
  /** Who says it: 'deployment-controller', 'kubelet'. */
  component: string;
  /** The node it is said on, where that matters. */
  host?: string;
}

const REMEMBERED_MAX = 1024;
const WAITING_MAX = 1000;
/** More than so many alike within ten minutes are combined. */
const ALIKE_MAX = 10;
const ALIKE_MS = 10 * 60_000;
/** Per object: 25 at once, then one each five minutes. */
const BURST = 25;
const REFILL_MS = 5 * 60_000;
const MESSAGE_MAX = 1024;

interface Written {
  namespace: string;
  name: string;
  count: number;
}
interface Happening {
  about: KubeObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  fieldPath: string | undefined;
  /** Stands for many alike: counted as one whatever their messages. */
  combined: boolean;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, log } = options;
  const written = new Map<string, Written>();
  const alike = new Map<string, { messages: Set<string>; sinceMs: number }>();
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();

  return {
    event(about, type, reason, message, { fieldPath } = {}) {
      if (waiting >= WAITING_MAX || !admitted(buckets, `${about.kind}/${about.metadata.uid}`, clock.monotonicMs())) return;
      const happening = combined(alike, { about, type, reason, message: message.slice(0, MESSAGE_MAX), fieldPath, combined: false }, clock.monotonicMs());
      waiting++;
      last = last
        .then(() => write(options, written, happening))
        .catch((error: unknown) => log.debug('an Event was dropped', { reason, error: messageOf(error) }))
        .finally(() => waiting--);
    },
    flush: () => last,
  };
}

async function write(options: EventRecorderOptions, written: Map<string, Written>, happening: Happening): Promise<void> {
  const key = JSON.stringify([referenceKey(happening), happening.combined ? '' : happening.message]);
  const known = written.get(key);
  written.delete(key); // the oldest stand first
  if (known !== undefined && (await countUp(options, known, happening))) {
    written.set(key, { ...known, count: known.count + 1 });
    return;
  }
  const { namespace, name } = await create(options, happening);
  written.set(key, { namespace, name, count: 1 });
  trim(written);
}

/** false: it has expired meanwhile and must be made anew. */
async function countUp({ client, clock }: EventRecorderOptions, { namespace, name, count }: Written, { message }: Happening): Promise<boolean> {
  try {
    await client.patch(EVENTS, { namespace, name }, { type: 'merge', body: { count: count + 1, lastTimestamp: formatTime(clock.now()), message } });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    throw error;
  }
}

async function create({ client, clock, random, component, host }: EventRecorderOptions, { about, type, reason, message, fieldPath }: Happening): Promise<{ namespace: string; name: string }> {
  const { metadata, apiVersion, kind } = about;
  const namespace = metadata.namespace ?? 'default';
  const now = formatTime(clock.now());
  const name = nameFor(metadata.name, clock, random);
  await client.create(EVENTS, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name },
    involvedObject: {
      apiVersion, kind, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    type, reason, message,
    source: { component, ...(host !== undefined && { host }) },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    reportingComponent: component,
    reportingInstance: host ?? '',
  });
  return { namespace, name };
}

/** Not every object's name leaves room for more, or is one that an Event may have. */
export function nameFor(about: string, clock: Clock, random: Random): string {
  const name = `${about}.${(BigInt(clock.now()) * 1_000_000n + BigInt(Math.floor(random.fraction() * 1e6))).toString(16)}`;
  return subdomainProblems(name).length === 0 ? name : random.uuid();
}

function referenceKey({ about: { apiVersion, kind, metadata }, type, reason, fieldPath = '' }: Happening): string {
  return JSON.stringify([apiVersion, kind, metadata.namespace ?? '', metadata.name, metadata.uid, fieldPath, type, reason]);
}

function combined(alike: Map<string, { messages: Set<string>; sinceMs: number }>, happening: Happening, nowMs: number): Happening {
  const key = referenceKey(happening);
  let group = alike.get(key);
  if (group === undefined || nowMs - group.sinceMs > ALIKE_MS) group = { messages: new Set(), sinceMs: nowMs };
  group.messages.add(happening.message);
  alike.delete(key);
  alike.set(key, group);
  trim(alike);
  if (group.messages.size < ALIKE_MAX) return happening;
  const oldest = group.messages.values().next().value;
  if (oldest !== undefined) group.messages.delete(oldest); // only so many are remembered
  return { ...happening, message: `(combined from similar events): ${happening.message}`, combined: true };
}

function admitted(buckets: Map<string, { tokens: number; atMs: number }>, key: string, nowMs: number): boolean {
  const bucket = buckets.get(key) ?? { tokens: BURST, atMs: nowMs };
  const tokens = Math.min(BURST, bucket.tokens + (nowMs - bucket.atMs) / REFILL_MS);
  buckets.delete(key);
  buckets.set(key, { tokens: Math.max(0, tokens - 1), atMs: nowMs });
  trim(buckets);
  return tokens >= 1;
}

export function trim(map: Map<string, unknown>): void {
  if (map.size <= REMEMBERED_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
