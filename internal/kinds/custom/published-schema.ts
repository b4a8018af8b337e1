// A custom kind's schema as OpenAPI publishes it: with what every object has, and for v2 without what v2 (and kubectl's reading of it) cannot say.
// Upstream: apiextensions-apiserver, pkg/controller/openapi/{builder,v2}.
import type { GroupVersionKind } from '../../api/meta.ts';
import type { CustomSchema } from './custom-schema.ts';

type Published = Record<string, unknown>;
type Dialect = 'v2' | 'v3';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const METADATA_WORDS = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const API_VERSION_WORDS = 'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const EMBEDDED_API_VERSION_WORDS = 'apiVersion defines the versioned schema of this representation of an object. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const EMBEDDED_KIND_WORDS = 'kind is a string value representing the type of this object. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';
const KIND_WORDS = 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';

export interface Publication {
  dialect: Dialect;
  gvk: GroupVersionKind;
  /** spec.preserveUnknownFields of old. */
  preserves: boolean;
  /** JSON paths that lists can be selected by. */
  selectable: readonly string[];
}

export function publishedSchema(schema: CustomSchema | undefined, publication: Publication): Published {
  return { ...root(schema, publication), ...extensions(publication.gvk, publication.selectable) };
}

export function publishedList(id: string, { dialect, gvk, selectable }: Publication, { plural, listKind }: { plural: string; listKind: string }): Published {
  const items = { description: `List of ${plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`, items: { $ref: pointer(id, dialect) }, type: 'array' };
  const metadata = described(reference(`${META}.ListMeta`, dialect), 'Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds');
  return { description: `${listKind} is a list of ${gvk.kind}`, type: 'object', required: ['items'], properties: { ...typeFields(), items, metadata }, ...extensions({ ...gvk, kind: listKind }, selectable) };
}

function extensions(gvk: GroupVersionKind, selectable: readonly string[]): Published {
  const { group, version, kind } = gvk;
  return { 'x-kubernetes-group-version-kind': [{ group, version, kind }], ...(selectable.length > 0 && { 'x-kubernetes-selectable-fields': selectable.map((path) => ({ fieldPath: path.replace(/^\./, '') })) }) };
}

function root(schema: CustomSchema | undefined, { dialect, preserves }: Publication): Published {
  const open = schema?.['x-kubernetes-preserve-unknown-fields'] === true || preserves;
  if (schema === undefined || (dialect === 'v2' && open)) return { type: 'object' };
  const published = publish(schema, dialect);
  return { ...published, properties: { ...(published['properties'] as Published | undefined), ...typeFields(), metadata: described(reference(`${META}.ObjectMeta`, dialect), METADATA_WORDS) } };
}

function typeFields(): Published {
  return { apiVersion: { description: API_VERSION_WORDS, type: 'string' }, kind: { description: KIND_WORDS, type: 'string' } };
}

// Nothing may stand beside a reference in v3.
function reference(id: string, dialect: Dialect): Published {
  return dialect === 'v2' ? { $ref: pointer(id, dialect) } : { allOf: [{ $ref: pointer(id, dialect) }] };
}

function pointer(id: string, dialect: Dialect): string {
  return dialect === 'v2' ? `#/definitions/${id}` : `#/components/schemas/${id}`;
}

function described(schema: Published, description: string): Published {
  return { description, ...schema };
}

function publish(schema: CustomSchema, dialect: Dialect): Published {
  const shown: CustomSchema = dialect === 'v2' ? sayable(schema) : unfolded(schema);
  const { properties, items, additionalProperties } = shown;
  const result: Published = {
    ...shown,
    ...(properties !== undefined && { properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, publish(property, dialect)])) }),
    ...(items !== undefined && { items: publish(items, dialect) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: publish(additionalProperties, dialect) }),
  };
  return schema['x-kubernetes-embedded-resource'] === true && !(dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields'] === true) ? withObjectFields(result, dialect) : result;
}

function withObjectFields(schema: Published, dialect: Dialect): Published {
  const needed = new Set([...((schema['required'] as string[] | undefined) ?? []), 'kind', 'apiVersion']);
  const metadata = described(reference(`${META}.ObjectMeta`, dialect), METADATA_WORDS);
  const types = { apiVersion: { description: EMBEDDED_API_VERSION_WORDS, type: 'string' }, kind: { description: EMBEDDED_KIND_WORDS, type: 'string' } };
  return { ...schema, required: [...needed], properties: { ...(schema['properties'] as Published | undefined), ...types, metadata } };
}

/** `x-kubernetes-int-or-string` in words that others know too. */
function unfolded(schema: CustomSchema): CustomSchema {
  if (schema['x-kubernetes-int-or-string'] !== true || isEither(schema.anyOf) || isEither(schema.allOf?.[0]?.anyOf)) return schema;
  if (schema.anyOf === undefined) return { ...schema, anyOf: EITHER };
  return { ...schema, allOf: [{ anyOf: EITHER }, ...(schema.allOf ?? [])] };
}

const EITHER: CustomSchema[] = [{ type: 'integer' }, { type: 'string' }];

function isEither(choices: readonly CustomSchema[] | undefined): boolean {
  return choices?.length === 2 && choices[0]?.type === 'integer' && choices[1]?.type === 'string';
}

/** What v2 can say of it. */
function sayable(schema: CustomSchema): CustomSchema {
  const { allOf: _all, anyOf: _any, oneOf: _one, not: _not, default: _default, nullable, ...rest } = schema;
  const result: CustomSchema = rest;
  const open = result['x-kubernetes-preserve-unknown-fields'] === true;
  if (nullable === true) delete result.type;
  if (nullable === true || open) {
    delete result.items;
    delete result.properties;
  }
  if ((result.items === undefined && result.type === 'array') || (open && result.type === 'object')) delete result.type;
  const properties = result.properties ?? {};
  const kept = result.required?.filter((name) => properties[name]?.nullable !== true) ?? [];
  const loose = typeof result.additionalProperties === 'object' && result.additionalProperties.nullable === true;
  if (kept.length === 0 || loose) delete result.required;
  else result.required = kept;
  return result;
}
