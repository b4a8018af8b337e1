// CEL rules of a custom schema (x-kubernetes-validations) against an object.
import type { FieldError } from '../../api/field-error.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { CustomSchema } from './custom-schema.ts';

export function ruleProblems(_schema: CustomSchema, _object: KubeObject, _old: KubeObject | undefined, _now: number): FieldError[] {
  return [];
}
