// One definition of the schema table as an OpenAPI v2 or v3 schema, with upstream's x-kubernetes extensions.
import { described, type Words } from './openapi-words.ts';
import type { Definition, Field, Schemas, TypeRef } from './schema.ts';

export type Dialect = 'v2' | 'v3';
export interface OpenApiSchema { [key: string]: unknown }

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const REFERENCES: Readonly<Record<string, string>> = {
  time: `${META}.Time`, microtime: `${META}.MicroTime`, quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity', intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  RawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension', FieldsV1: `${META}.FieldsV1`,
};
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

interface Context { schemas: Schemas; dialect: Dialect; words: Words }

export function schemaOf(definition: Definition, context: Context): OpenApiSchema {
  const scalar = context.schemas.scalar(definition.id);
  const { dialect, words } = context;
  if (scalar !== undefined) return described(scalarSchema(scalar, dialect), words.of(definition.id));
  const properties = Object.fromEntries([...definition.fields.values()].map((field) => [field.name, described(propertyOf(field, { dialect, beside: !isBare(definition.id, field.name) }), words.of(definition.id, field.name))]));
  return described({
    ...(definition.fields.size > 0 && { properties }),
    ...(definition.required.length > 0 && { required: [...definition.required] }),
    type: 'object',
    ...(definition.kinds.length > 0 && { 'x-kubernetes-group-version-kind': definition.kinds.map(({ group, kind, version }) => ({ group, kind, version })) }),
    ...(definition.mapType !== undefined && { 'x-kubernetes-map-type': definition.mapType }),
    ...(definition.unions !== undefined && { 'x-kubernetes-unions': definition.unions }),
  }, words.of(definition.id));
}

export function reference(id: string, dialect: Dialect): string {
  return dialect === 'v2' ? `#/definitions/${id}` : `#/components/schemas/${id}`;
}

/** Upstream says nothing of these: their references stand alone. */
function isBare(id: string, field: string): boolean {
  return (id === `${EXTENSIONS}.JSONSchemaProps` && field !== 'default') || (field === 'http' && id === 'io.k8s.api.networking.v1.IngressRule');
}

function propertyOf(field: Field, { dialect, beside }: { dialect: Dialect; beside: boolean }): OpenApiSchema {
  const { type } = field;
  const zero = field.zeroDefault ? { default: zeroOf(type) } : {};
  return {
    ...typeSchema(type, { dialect, beside }),
    ...(dialect === 'v3' && (field.default === undefined ? zero : { default: field.default })),
    ...(type.type === 'list' && type.listMapKeys !== undefined && { 'x-kubernetes-list-map-keys': [...type.listMapKeys] }),
    ...(type.type === 'list' && type.listType !== undefined && { 'x-kubernetes-list-type': type.listType }),
    ...(field.listType !== undefined && { 'x-kubernetes-list-type': field.listType }),
    ...(field.mapType !== undefined && { 'x-kubernetes-map-type': field.mapType }),
    ...(field.mergeKey !== undefined && { 'x-kubernetes-patch-merge-key': field.mergeKey }),
    ...(field.patchStrategy !== undefined && { 'x-kubernetes-patch-strategy': field.patchStrategy }),
  };
}

// v3 wraps a reference in allOf where a default or (upstream's) prose stands beside it: beside $ref nothing may.
function typeSchema(type: TypeRef, { dialect, beside }: { dialect: Dialect; beside: boolean }): OpenApiSchema {
  const id = referenceOf(type);
  if (id !== undefined) {
    const $ref = reference(id, dialect);
    return dialect === 'v3' && beside ? { allOf: [{ $ref }] } : { $ref };
  }
  switch (type.type) {
    case 'string': return { ...(type.enum !== undefined && { enum: [...type.enum] }), type: 'string' };
    case 'bytes': return { format: 'byte', type: 'string' };
    case 'integer': return { format: type.format, type: 'integer' };
    case 'number': return { format: 'double', type: 'number' };
    case 'boolean': return { type: 'boolean' };
    case 'list': return { items: nested(type.items, { dialect, zero: type.zeroItems }), type: 'array' };
    case 'map': return { additionalProperties: nested(type.values, { dialect, zero: type.zeroItems }), type: 'object' };
    case 'object': case 'any': case 'time': case 'microtime': case 'quantity': case 'intOrString': return { type: 'object' };
  }
}

function nested(type: TypeRef, { dialect, zero }: { dialect: Dialect; zero: boolean }): OpenApiSchema {
  const withDefault = zero && dialect === 'v3';
  return { ...typeSchema(type, { dialect, beside: withDefault }), ...(withDefault && { default: zeroOf(type) }) };
}

function referenceOf(type: TypeRef): string | undefined {
  if (type.type === 'object') return type.definition;
  if (type.type !== 'any') return REFERENCES[type.type];
  if (type.raw === 'object') return undefined;
  return REFERENCES[type.raw] ?? `${EXTENSIONS}.${type.raw}`;
}

function scalarSchema(type: TypeRef, dialect: Dialect): OpenApiSchema {
  switch (type.type) {
    case 'time': case 'microtime': return { format: 'date-time', type: 'string' };
    case 'quantity': return dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'intOrString': return dialect === 'v2' ? { format: 'int-or-string', type: 'string' } : { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'any': return type.raw.startsWith('JSON') ? {} : { type: 'object' };
    case 'string': case 'bytes': case 'integer': case 'number': case 'boolean': case 'list': case 'map': case 'object': return { type: 'object' };
  }
}

function zeroOf(type: TypeRef): unknown {
  if (type.type === 'string' || type.type === 'bytes') return '';
  if (type.type === 'integer' || type.type === 'number') return 0;
  return type.type === 'boolean' ? false : {};
}
