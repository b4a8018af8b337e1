// Validation of a pod's spec, wherever it stands (upstream: ValidatePodSpec).
import type { ObjectMeta } from '../../api/meta.ts';
import type { FieldError } from '../../api/field-error.ts';
import type { PodSpec } from '../generated/api-types.ts';

export interface PodSpecPlace {
  /** `spec`, `spec.template.spec`, … */
  path: string;
  metadata?: ObjectMeta;
}

export function validatePodSpec(_spec: PodSpec, _place: PodSpecPlace): FieldError[] {
  return [];
}
