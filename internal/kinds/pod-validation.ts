// Validation of whole pods (upstream: ValidatePodCreate, ValidatePodUpdate, ValidatePodStatusUpdate).
import type { FieldError } from '../api/field-error.ts';
import type { Pod } from './generated/api-types.ts';

export function validatePod(_pod: Pod): FieldError[] {
  return [];
}

export function validatePodUpdate(_pod: Pod, _old: Pod): FieldError[] {
  return [];
}

export function validatePodStatusUpdate(_pod: Pod, _old: Pod): FieldError[] {
  return [];
}
