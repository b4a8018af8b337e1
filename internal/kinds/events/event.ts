// Event, events.k8s.io/v1: the same events as core/v1, under newer names of fields; both are stored as core events.
import type { KubeObject } from '../../api/meta.ts';
import type { Event, EventEventsV1 } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { event, eventCells, eventFields } from '../core/event.ts';
import { validateEvent, validateEventUpdate, validateNewEvent } from '../core/event-validation.ts';

/** core name → events.k8s.io name, where they differ. */
const RENAMED: readonly [core: string, newer: string][] = [
  ['involvedObject', 'regarding'], ['message', 'note'], ['source', 'deprecatedSource'], ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'], ['count', 'deprecatedCount'], ['reportingComponent', 'reportingController'],
];

export const eventsEvent: KindRules<EventEventsV1> = {
  ...(event as KindRules<never>),
  storage: { group: '', resource: 'events', encode: toCore, decode: fromCore },
  applyDefaults: () => undefined,
  validate: (object) => validateEvent(toCore(object), 'reportingController'),
  validateCreate: (object) => validateNewEvent(toCore(object)),
  validateUpdate: (object, old) => validateEventUpdate(toCore(object), toCore(old)),
  cells: (object, now) => eventCells(toCore(object), now),
  selectableFields: (object) => Object.fromEntries(Object.entries(eventFields(toCore(object))).map(([field, value]) => [newerField(field), value])),
};

/** `involvedObject.kind` is selected as `regarding.kind`. */
function newerField(field: string): string {
  const [head = '', ...rest] = field.split('.');
  return [RENAMED.find(([core]) => core === head)?.[1] ?? head, ...rest].join('.');
}

function toCore(object: EventEventsV1): Event {
  const { apiVersion: _version, ...rest } = rename(object, RENAMED.map(([core, newer]) => [newer, core]));
  return { involvedObject: {}, reportingComponent: '', reportingInstance: '', ...rest, apiVersion: 'v1' } as unknown as Event;
}

function fromCore(stored: KubeObject): EventEventsV1 {
  const { reportingController, reportingInstance, ...rest } = rename(stored, RENAMED);
  return { ...rest, ...(reportingController !== '' && { reportingController }), ...(reportingInstance !== '' && { reportingInstance }), apiVersion: 'events.k8s.io/v1' } as unknown as EventEventsV1;
}

function rename(object: object, names: readonly (readonly [from: string, to: string])[]): Record<string, unknown> {
  const map = new Map(names);
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [map.get(key) ?? key, value]));
}
