// Validation of Events (upstream: pkg/apis/core/validation/events.go): lenient for events of old, strict for those of events.k8s.io.
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { labelKeyProblems, subdomainProblems } from '../../api/names.ts';
import type { Event } from '../generated/api-types.ts';

const TEXT_MAX = 128;
const MESSAGE_MAX = 1024;
const FIXED = ['involvedObject', 'reason', 'message', 'source', 'firstTimestamp', 'lastTimestamp', 'count', 'reason', 'type', 'eventTime', 'action', 'related', 'reportingComponent', 'reportingInstance'] as const;

/** `reporter`: what the version asked for calls the controller that reports. */
export function validateEvent(event: Event, reporter: 'reportingComponent' | 'reportingController'): FieldError[] {
  const { metadata: { namespace = '' }, involvedObject: { namespace: about = '' } } = event;
  const errors = isSet(event.eventTime) ? validateReported(event, reporter) : [];
  // Of cluster-scoped objects, events stand in `default`; those of today may also stand in kube-system.
  const homes = isSet(event.eventTime) ? ['default', 'kube-system'] : ['', 'default'];
  const isAtHome = about === '' ? homes.includes(namespace) : isSet(event.eventTime) || namespace === about;
  if (!isAtHome) errors.unshift(invalid('involvedObject.namespace', about, 'does not match event.namespace'));
  return [...errors, ...subdomainProblems(namespace).map((problem) => invalid('namespace', namespace, problem))];
}

/** What new events of events.k8s.io are held to besides. */
export function validateNewEvent(event: Event): FieldError[] {
  const { type = '', source = {} } = event;
  const errors = validateSeries(event);
  if (!isSet(event.eventTime)) errors.push(required('eventTime'));
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalid('type', '', `has invalid value: ${type}`));
  for (const field of ['firstTimestamp', 'lastTimestamp', 'count'] as const) if (event[field]) errors.push(invalid(field, '', 'needs to be unset'));
  return source.component || source.host ? [...errors, invalid('source', '', 'needs to be unset')] : errors;
}

export function validateEventUpdate(event: Event, old: Event): FieldError[] {
  const errors = sameSemantically(event.series, old.series) ? [] : validateSeries(event);
  return [...errors, ...FIXED.flatMap((field) => (sameSemantically(event[field], old[field]) ? [] : [invalid(field === 'reportingComponent' ? 'reportingController' : field, event[field] ?? null, 'field is immutable')]))];
}

function validateReported({ reportingComponent = '', reportingInstance = '', action = '', reason = '', message = '' }: Event, reporter: string): FieldError[] {
  const errors = reportingComponent === '' ? [required(reporter)] : [];
  errors.push(...labelKeyProblems(reportingComponent).map((problem) => invalid(reporter, reportingComponent, problem)));
  for (const [field, text] of [['reportingInstance', reportingInstance], ['action', action], ['reason', reason]] as const) {
    if (text === '') errors.push(required(field));
    if (text.length > TEXT_MAX) errors.push(invalid(field, '', `can have at most ${String(TEXT_MAX)} characters`));
  }
  return message.length > MESSAGE_MAX ? [...errors, invalid('message', '', `can have at most ${String(MESSAGE_MAX)} characters`)] : errors;
}

function validateSeries({ series }: Event): FieldError[] {
  if (series === undefined) return [];
  const errors = (series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : [];
  return isSet(series.lastObservedTime) ? errors : [...errors, required('series.lastObservedTime')];
}

function isSet(time: string | null | undefined): boolean {
  return time !== undefined && time !== null && time !== '';
}
