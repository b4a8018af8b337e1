// Events (events.k8s.io/v1) as upstream's newer recorder writes them (client-go/tools/events, its figures): at which moment, what was being done, and
// what else it concerned. The same of the same state of an object again makes the one that is there a series: written at its second time, then only
// every half hour and at its end. Nothing waits for an Event, and one that cannot be written is dropped.
import { isReason, messageOf } from '../base/errors.ts';
import { formatMicroTime, type Draft, type KubeObject } from '../api/meta.ts';
import type { EventEventsV1, ObjectReference } from '../kinds/generated/api-types.ts';
import { EVENTS_EVENTS_V1 } from '../kinds/generated/resources.ts';
import { nameFor, trim, type EventRecorder, type EventRecorderOptions } from './event-recorder.ts';

export interface SeriesRecorderOptions extends Omit<EventRecorderOptions, 'host'> {
  /** Which of those that go by the component's name: `default-scheduler-n1`. */
  instance: string;
}

const WAITING_MAX = 1000;
const TEXT_MAX = 128;
const NOTE_MAX = 1024;
const CUT = ' ...';
/** A series ends when it was not seen for so long. */
const FINISH_MS = 6 * 60_000;
const REFRESH_MS = 30 * 60_000;

interface Known {
  event: Draft<EventEventsV1>;
  count: number;
  seenMs: number;
  writtenMs: number;
}

export function createSeriesRecorder(options: SeriesRecorderOptions): EventRecorder {
  const { clock, log } = options;
  const events = new Map<string, Known>();
  let waiting = 0;
  let armed = false;
  let last: Promise<void> = Promise.resolve();

  function write(known: Known): void {
    if (waiting >= WAITING_MAX) return;
    waiting++;
    const { count } = known;
    known.writtenMs = clock.now();
    last = last
      .then(() => (count === 1 ? create(options, known.event) : tellSeries(options, known)))
      .catch((error: unknown) => log.debug('an Event was dropped', { reason: known.event.reason, error: messageOf(error) }))
      .finally(() => waiting--);
  }

  function look(): void {
    armed = false;
    const now = clock.now();
    for (const [key, known] of events) {
      const isOver = now - known.seenMs >= FINISH_MS;
      if (isOver) events.delete(key);
      if (known.count > 1 && (isOver || now - known.writtenMs >= REFRESH_MS)) write(known);
    }
    arm();
  }

  function arm(): void {
    if (armed || events.size === 0) return;
    armed = true;
    clock.setTimer(FINISH_MS, look);
  }

  return {
    event(about, type, reason, message, { action = '', related } = {}) {
      const [regarding, others] = [referenceTo(about), related === undefined ? undefined : referenceTo(related)];
      const key = JSON.stringify([type, action, reason, regarding, others]);
      const seenMs = clock.now();
      const known = events.get(key);
      if (known !== undefined) {
        known.count++;
        known.seenMs = seenMs;
        if (known.count === 2) write(known);
        return;
      }
      const event = eventOf(options, { about, regarding, type, reason, action, note: cut(message), ...(others !== undefined && { related: others }) });
      const made: Known = { event, count: 1, seenMs, writtenMs: seenMs };
      events.set(key, made);
      trim(events);
      write(made);
      arm();
    },
    flush: () => last,
  };
}

type Said = Pick<EventEventsV1, 'type' | 'reason' | 'action' | 'note' | 'related'> & { about: KubeObject; regarding: ObjectReference };

function eventOf({ clock, random, component, instance }: SeriesRecorderOptions, { about: { metadata }, ...said }: Said): Draft<EventEventsV1> {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace: metadata.namespace ?? 'default', name: nameFor(metadata.name, clock, random) },
    eventTime: formatMicroTime(clock.now()),
    ...said,
    reportingController: component,
    reportingInstance: instance.slice(0, TEXT_MAX),
  };
}

async function create({ client }: SeriesRecorderOptions, event: Draft<EventEventsV1>): Promise<void> {
  await client.create(EVENTS_EVENTS_V1, event);
}

async function tellSeries(options: SeriesRecorderOptions, { event, count, seenMs }: Known): Promise<void> {
  const series = { count, lastObservedTime: formatMicroTime(seenMs) };
  const { namespace = '', name = '' } = event.metadata;
  try {
    await options.client.patch(EVENTS_EVENTS_V1, { namespace, name }, { type: 'strategic', body: { series } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    await create(options, { ...event, series }); // it has expired meanwhile
  }
}

function referenceTo({ apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } }: KubeObject): ObjectReference {
  return { apiVersion, kind, name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) };
}

function cut(message: string): string {
  return message.length <= NOTE_MAX ? message : message.slice(0, NOTE_MAX - CUT.length) + CUT;
}
