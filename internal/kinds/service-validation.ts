// Validation of Services (upstream: ValidateService, ValidateServiceUpdate).
import type { FieldError } from '../api/field-error.ts';
import type { Service } from './generated/api-types.ts';

export function validateService(_service: Service): FieldError[] {
  return [];
}

export function validateServiceUpdate(_service: Service, _old: Service): FieldError[] {
  return [];
}
