// Defaults of a schema must hold to it: nothing the schema does not know, values that pass, rules that hold.
// Upstream: apiextensions-apiserver, pkg/apiserver/schema/defaulting/validation.go.
import { copy } from '../../api/meta.ts';
import { invalid, type FieldError } from '../../api/field-error.ts';
import type { Schemas } from '../../api/schema.ts';
import { OBJECT_FIELDS, type CustomSchema } from './custom-schema.ts';
import { embeddedProblems } from './embedded-resources.ts';
import { strayFieldsOfValue } from './pruning.ts';
import { hasRules, ruleProblems } from './rule-validation.ts';
import { validateValue } from './value-validation.ts';

export function defaultProblems(schema: CustomSchema, path: string, schemas: Schemas): FieldError[] {
  return defaultsBelow({ ...schema, 'x-kubernetes-embedded-resource': true }, path, schemas, false);
}

function defaultsBelow(schema: CustomSchema, path: string, schemas: Schemas, isInMetadata: boolean): FieldError[] {
  const inMetadata = isInMetadata && schema['x-kubernetes-embedded-resource'] !== true;
  const errors = schema.default === undefined || schema.default === null ? [] : problemsOf(schema, `${path}.default`, { schemas, inMetadata });
  if (schema.items !== undefined) errors.push(...defaultsBelow(schema.items, `${path}.items`, schemas, inMetadata));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = schema['x-kubernetes-embedded-resource'] === true && OBJECT_FIELDS.has(name);
    errors.push(...defaultsBelow(property, `${path}.properties[${name}]`, schemas, inMetadata || isMeta));
  }
  return errors;
}

function problemsOf(schema: CustomSchema, path: string, { schemas, inMetadata }: { schemas: Schemas; inMetadata: boolean }): FieldError[] {
  const value = copy(schema.default);
  const errors: FieldError[] = [];
  if (!inMetadata && strayFieldsOfValue(schema, value, schemas).strays.length > 0) errors.push(invalid(path, value, 'must not have unknown fields'));
  const embedded = inMetadata ? [] : embeddedProblems(schema, value, path);
  if (embedded.length > 0) return [...errors, ...embedded];
  // Upstream looks at the schema without the two types that int-or-string stands for.
  const found = validateValue({ ...schema, 'x-kubernetes-int-or-string': false }, value, { path });
  if (found.length > 0) return [...errors, ...found];
  if (!hasRules(schema)) return errors;
  const kept = ruleProblems(schema, { value, old: value, path, isRoot: false });
  return [...errors, ...(kept.length > 0 ? kept : ruleProblems(schema, { value, old: undefined, path, isRoot: false }))];
}
