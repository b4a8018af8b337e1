// Defaults of a schema must hold to it: nothing the schema does not know, values that pass, rules that hold.
// Upstream: apiextensions-apiserver, pkg/apiserver/schema/defaulting/validation.go.
import { copy } from '../../api/meta.ts';
import { invalid, type FieldError } from '../../api/field-error.ts';
import type { Schemas } from '../../api/schema.ts';
import { OBJECT_FIELDS, type CustomSchema } from './custom-schema.ts';
import { strayFieldsOfValue } from './pruning.ts';
import { hasRules, ruleProblems } from './rule-validation.ts';
import { validateValue } from './value-validation.ts';

export function defaultProblems(schema: CustomSchema, path: string, schemas: Schemas, inMetadata = false): FieldError[] {
  const errors = schema.default === undefined || schema.default === null ? [] : problemsOf(schema, `${path}.default`, { schemas, inMetadata });
  if (schema.items !== undefined) errors.push(...defaultProblems(schema.items, `${path}.items`, schemas, inMetadata));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = schema['x-kubernetes-embedded-resource'] === true && OBJECT_FIELDS.has(name);
    errors.push(...defaultProblems(property, `${path}.properties[${name}]`, schemas, inMetadata || isMeta));
  }
  return errors;
}

function problemsOf(schema: CustomSchema, path: string, { schemas, inMetadata }: { schemas: Schemas; inMetadata: boolean }): FieldError[] {
  const value = copy(schema.default);
  const errors: FieldError[] = [];
  if (!inMetadata && strayFieldsOfValue(schema, value, schemas).strays.length > 0) errors.push(invalid(path, value, 'must not have unknown fields'));
  const found = validateValue(schema, value, { path });
  if (found.length > 0) return [...errors, ...found];
  if (!hasRules(schema)) return errors;
  const kept = ruleProblems(schema, { value, old: value, path, isRoot: false });
  return [...errors, ...(kept.length > 0 ? kept : ruleProblems(schema, { value, old: undefined, path, isRoot: false }))];
}
