// OpenAPI v3 and v2 documents from the schema table and the served resources, as upstream publishes them (prose left out): kubectl's
// explain, its check for field validation, and clients' type discovery read them. Each call builds anew; nothing is kept here.
import { createHash } from 'node:crypto';
import { apiVersionOf } from './meta.ts';
import { operationsOf } from './openapi-paths.ts';
import { schemaOf, type Dialect, type OpenApiSchema } from './openapi-schemas.ts';
import type { Schemas, TypeRef } from './schema.ts';

/** A served resource, as internal/kinds/generated/kinds.ts has it; custom kinds bring their schemas. */
export interface ServedResource {
  group: string;
  version: string;
  kind: string;
  resource: string;
  namespaced: boolean;
  verbs: readonly string[];
  subresources: readonly { name: string; group: string; version: string; kind: string; verbs: readonly string[] }[];
  /** Definition id in the table, or the name that a custom schema is published under. */
  schema: string;
  /** A custom kind's own schemas. */
  custom?: { openApi(dialect: Dialect): { object: OpenApiSchema; list: OpenApiSchema } };
}

export interface OpenApiOptions {
  schemas: Schemas;
  resources: readonly ServedResource[];
  /** `1.36` */
  version: string;
}

const INFO_TITLE = 'Kubernetes';

/** `{paths: {'apis/apps/v1': {serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=…'}}}` */
export function openApiV3Index(options: OpenApiOptions): { paths: Record<string, { serverRelativeURL: string }> } {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const groupVersion of groupVersionsOf(options.resources)) {
    const path = groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`;
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${documentHash(openApiV3(groupVersion, options))}` };
  }
  return { paths };
}

/** The document of `v1` or `apps/v1`: its resources' paths and every schema they reach. */
export function openApiV3(groupVersion: string, { schemas, resources, version }: OpenApiOptions): { openapi: string; info: object; paths: Record<string, object>; components: { schemas: Record<string, OpenApiSchema>; securitySchemes: object } } {
  const served = resources.filter((resource) => apiVersionOf(resource.group, resource.version) === groupVersion);
  const collected = collect(served, { schemas, dialect: 'v3' });
  return {
    openapi: '3.0.0',
    info: { title: INFO_TITLE, version },
    paths: pathsOf(served, { schemas, dialect: 'v3' }),
    components: { schemas: collected, securitySchemes: { BearerToken: SECURITY } },
  };
}

export function openApiV2({ schemas, resources, version }: OpenApiOptions): object {
  return {
    swagger: '2.0',
    info: { title: INFO_TITLE, version },
    paths: pathsOf(resources, { schemas, dialect: 'v2' }),
    definitions: collect(resources, { schemas, dialect: 'v2' }),
    securityDefinitions: { BearerToken: SECURITY },
    security: [{ BearerToken: [] }],
  };
}

/** What `?hash=` and ETag carry. */
function documentHash(document: object): string {
  return createHash('sha512').update(JSON.stringify(document)).digest('hex').toUpperCase();
}

const SECURITY = { type: 'apiKey', name: 'authorization', in: 'header' };

function pathsOf(resources: readonly ServedResource[], { schemas, dialect }: { schemas: Schemas; dialect: Dialect }): Record<string, object> {
  const paths: Record<string, object> = {};
  for (const resource of resources) Object.assign(paths, operationsOf(resource, { schemas, dialect }));
  return sortKeys(paths);
}

// Every definition the resources reach, with what all verbs need.
function collect(resources: readonly ServedResource[], { schemas, dialect }: { schemas: Schemas; dialect: Dialect }): Record<string, OpenApiSchema> {
  const found: Record<string, OpenApiSchema> = {};
  const visit = (id: string): void => {
    if (id in found) return;
    const definition = schemas.get(id);
    if (definition === undefined) return;
    found[id] = schemaOf(definition, { schemas, dialect });
    for (const field of definition.fields.values()) for (const inner of definitionsIn(field.type)) visit(inner);
  };
  for (const resource of resources) {
    if (resource.custom !== undefined) {
      const { object, list } = resource.custom.openApi(dialect);
      found[resource.schema] = object;
      found[`${resource.schema}List`] = list;
    } else {
      visit(resource.schema);
      visit(`${resource.schema}List`);
    }
    for (const { group, version, kind } of resource.subresources) if (group !== resource.group || resource.custom === undefined) visit(schemas.byKind(group, version, kind)?.id ?? '');
  }
  for (const id of META) visit(`io.k8s.apimachinery.pkg.apis.meta.v1.${id}`);
  return sortKeys(found);
}

const META = ['DeleteOptions', 'Patch', 'Status', 'WatchEvent', 'ObjectMeta', 'ListMeta'];
const SCALAR_IDS: Readonly<Record<string, string>> = {
  time: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time', microtime: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity', intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
};

function definitionsIn(type: TypeRef): string[] {
  if (type.type === 'object') return [type.definition];
  if (type.type === 'list') return definitionsIn(type.items);
  if (type.type === 'map') return definitionsIn(type.values);
  if (type.type === 'any') return [rawId(type.raw)];
  return [SCALAR_IDS[type.type] ?? ''];
}

function rawId(raw: string): string {
  if (raw === 'RawExtension') return 'io.k8s.apimachinery.pkg.runtime.RawExtension';
  if (raw === 'FieldsV1') return 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1';
  return raw === 'object' ? '' : `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${raw}`;
}

function groupVersionsOf(resources: readonly ServedResource[]): string[] {
  return [...new Set(resources.map(({ group, version }) => apiVersionOf(group, version)))];
}

function sortKeys<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
