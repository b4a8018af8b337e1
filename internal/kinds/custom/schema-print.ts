// A schema as upstream's internal type of it prints: every field by its name in Go, in Go's order. Upstream: JSONSchemaProps of
// apiextensions-apiserver, pkg/apis/apiextensions/types_jsonschema.go.
import type { CustomSchema, ValidationRule } from './custom-schema.ts';

type Given = CustomSchema & Readonly<Record<string, unknown>>;

/** What of the fields is text, or a flag: never nil in Go. */
const TEXTS = new Set(['id', '$schema', 'description', 'type', 'format', 'title', 'pattern']);
const FLAGS = new Set(['nullable', 'exclusiveMaximum', 'exclusiveMinimum', 'uniqueItems', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string']);
const FIELDS: Readonly<Record<string, string>> = {
  ID: 'id', Schema: '$schema', Ref: '$ref', Description: 'description', Type: 'type', Nullable: 'nullable', Format: 'format', Title: 'title', Default: 'default',
  Maximum: 'maximum', ExclusiveMaximum: 'exclusiveMaximum', Minimum: 'minimum', ExclusiveMinimum: 'exclusiveMinimum', MaxLength: 'maxLength', MinLength: 'minLength',
  Pattern: 'pattern', MaxItems: 'maxItems', MinItems: 'minItems', UniqueItems: 'uniqueItems', MultipleOf: 'multipleOf', Enum: 'enum', MaxProperties: 'maxProperties',
  MinProperties: 'minProperties', Required: 'required', Items: 'items', AllOf: 'allOf', OneOf: 'oneOf', AnyOf: 'anyOf', Not: 'not', Properties: 'properties',
  AdditionalProperties: 'additionalProperties', PatternProperties: 'patternProperties', Dependencies: 'dependencies', AdditionalItems: 'additionalItems',
  Definitions: 'definitions', ExternalDocs: 'externalDocs', Example: 'example', XPreserveUnknownFields: 'x-kubernetes-preserve-unknown-fields',
  XEmbeddedResource: 'x-kubernetes-embedded-resource', XIntOrString: 'x-kubernetes-int-or-string', XListMapKeys: 'x-kubernetes-list-map-keys',
  XListType: 'x-kubernetes-list-type', XMapType: 'x-kubernetes-map-type', XValidations: 'x-kubernetes-validations',
};

export function schemaAsGoPrints(schema: CustomSchema | undefined): object | null {
  if (schema === undefined) return null;
  return Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, fieldAsGoPrints(field, (schema as Given)[field])]));
}

function fieldAsGoPrints(field: string, value: unknown): unknown {
  if (value === undefined) return TEXTS.has(field) ? '' : FLAGS.has(field) ? false : null;
  const each = (schemas: unknown): unknown => Object.fromEntries(Object.entries(schemas as Record<string, CustomSchema>).map(([name, schema]) => [name, schemaAsGoPrints(schema)]));
  const list = (schemas: unknown): unknown => (schemas as CustomSchema[]).map(schemaAsGoPrints);
  switch (field) {
    case 'items': return Array.isArray(value) ? { Schema: null, JSONSchemas: list(value) } : { Schema: schemaAsGoPrints(value as CustomSchema), JSONSchemas: null };
    case 'allOf': case 'oneOf': case 'anyOf': return list(value);
    case 'not': return schemaAsGoPrints(value as CustomSchema);
    case 'properties': case 'patternProperties': case 'definitions': return each(value);
    case 'additionalProperties': case 'additionalItems': return typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: schemaAsGoPrints(value as CustomSchema) };
    case 'externalDocs': { const { description = '', url = '' } = value as Record<string, string>; return { Description: description, URL: url }; }
    case 'x-kubernetes-validations': return (value as Partial<ValidationRule>[]).map(ruleAsGoPrints);
    default: return value;
  }
}

export function ruleAsGoPrints({ rule = '', message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf }: Partial<ValidationRule>): object {
  return { Rule: rule, Message: message, MessageExpression: messageExpression, Reason: reason ?? null, FieldPath: fieldPath, OptionalOldSelf: optionalOldSelf ?? null };
}
