// Validation of Events (upstream: pkg/apis/core/validation/events.go, legacy rules for core/v1).
import { invalid, type FieldError } from '../api/field-error.ts';
import type { Event } from './generated/api-types.ts';

/** Of cluster-scoped objects, events stand in `default` (or kube-system for nodes' own sake). */
export function validateEvent({ metadata, involvedObject }: Event): FieldError[] {
  const namespace = metadata.namespace ?? '';
  const about = involvedObject.namespace ?? '';
  if (about === '') {
    return namespace === '' || namespace === 'default' || namespace === 'kube-system' ? [] : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
  }
  return namespace === about ? [] : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}
