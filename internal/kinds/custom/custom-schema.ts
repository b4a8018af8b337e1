// A custom resource's structural schema as its definition says it (apiextensions/v1 JSONSchemaProps), and the ways through it. It is read
// where it lies, in the stored CustomResourceDefinition: nothing is built from it until somebody asks.

export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

export interface CustomSchema {
  type?: string;
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  properties?: Record<string, CustomSchema>;
  additionalProperties?: CustomSchema | boolean;
  items?: CustomSchema;
  required?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: CustomSchema[];
  anyOf?: CustomSchema[];
  oneOf?: CustomSchema[];
  not?: CustomSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: ValidationRule[];
}

export type Members = Record<string, unknown>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of a member: its own, or that of all members without one. */
export function schemaOfMember(schema: CustomSchema | undefined, name: string): CustomSchema | undefined {
  const { properties } = schema ?? {};
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : schemaOfValues(schema);
}

export function schemaOfValues(schema: CustomSchema | undefined): CustomSchema | undefined {
  const values = schema?.additionalProperties;
  return typeof values === 'object' ? values : undefined;
}

export function hasMember(schema: CustomSchema | undefined, name: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
}

/** Whether members without a schema of their own are kept: `additionalProperties: {}`, or `true`. */
export function takesAnyMember(schema: CustomSchema | undefined): boolean {
  const values = schema?.additionalProperties;
  return values !== undefined && values !== false;
}

/** The fields that every object has, which schemas leave out. */
export const OBJECT_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);
