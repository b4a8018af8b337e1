// Event, core/v1: what controllers tell about objects. May be lost with the power (upstream: registry/core/event, printEvent).
import { ageOf } from '../../api/age.ts';
import { pathSegmentProblems } from '../../api/names.ts';
import type { Event } from '../generated/api-types.ts';
import type { Cell, KindRules } from '../kind.ts';
import { validateEvent } from './event-validation.ts';

export const event: KindRules<Event> = {
  plainFinalizers: true,
  durability: 'relaxed',
  validateName: pathSegmentProblems,
  applyDefaults: (draft) => {
    draft.reportingComponent ??= '';
    draft.reportingInstance ??= '';
  },
  validate: (object) => validateEvent(object, 'reportingComponent'),
  cells: eventCells,
  selectableFields: eventFields,
  allowCreateOnUpdate: true,
};

export function eventCells(object: Event, now: number): Cell[] {
  const { involvedObject, source, series } = object;
  const first = object.firstTimestamp ? ageOf(object.firstTimestamp, now) : ageOf(object.eventTime, now);
  const last = series !== undefined ? ageOf(series.lastObservedTime, now) : object.lastTimestamp ? ageOf(object.lastTimestamp, now) : first;
  const kind = (involvedObject.kind ?? '').toLowerCase();
  const component = source?.component ? source.component : (object.reportingComponent ?? '');
  const host = source?.host ? source.host : (object.reportingInstance ?? '');
  return [
    last, object.type ?? '', object.reason ?? '', involvedObject.name ? `${kind}/${involvedObject.name}` : kind, involvedObject.fieldPath ?? '',
    host === '' ? component : `${component}, ${host}`, (object.message ?? '').trim(), first,
    series !== undefined ? (series.count ?? 0) : (object.count || 1), object.metadata.name,
  ];
}

export function eventFields({ involvedObject: about, ...object }: Event): Record<string, string> {
  return {
    'involvedObject.kind': about.kind ?? '', 'involvedObject.namespace': about.namespace ?? '', 'involvedObject.name': about.name ?? '',
    'involvedObject.uid': about.uid ?? '', 'involvedObject.apiVersion': about.apiVersion ?? '', 'involvedObject.resourceVersion': about.resourceVersion ?? '',
    'involvedObject.fieldPath': about.fieldPath ?? '', reason: object.reason ?? '', reportingComponent: object.reportingComponent ?? '',
    source: object.source?.component ? object.source.component : (object.reportingComponent ?? ''), type: object.type ?? '',
  };
}
