// OpenAPI v3 and v2 documents from the schema table and the served resources, as upstream publishes them: kubectl's explain, its check for field
// validation, and clients' type discovery read them. Each call builds anew; nothing is kept here.
import { apiVersionOf } from './meta.ts';
import { operationsOf } from './openapi-paths.ts';
import type { PathContext } from './openapi-operations.ts';
import { resourcesPath, rootPaths } from './openapi-roots.ts';
import { schemaOf, type Dialect, type OpenApiSchema } from './openapi-schemas.ts';
import { NO_WORDS, type Words } from './openapi-words.ts';
import type { Definition, Schemas } from './schema.ts';
import type { ServedResource } from './served-resource.ts';

export interface OpenApiOptions {
  schemas: Schemas;
  resources: readonly ServedResource[];
  /** `1.36` */
  version: string;
  words?: Words;
}

const INFO_TITLE = 'Kubernetes';
const CUSTOM_INFO = { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' };
const SECURITY = { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' };
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

export interface OpenApiV3Document {
  openapi: string;
  info: object;
  paths: Record<string, object>;
  components: { schemas?: Record<string, OpenApiSchema>; securitySchemes?: object };
}

/** The names of all v3 documents: `api/v1`, `apis/apps`, `apis/apps/v1`, `version`. */
export function openApiV3Names(options: Pick<OpenApiOptions, 'resources'>): string[] {
  const resources = published(options.resources);
  const roots = rootPaths(builtInGroups(resources), contextOf({ schemas: NO_SCHEMAS, words: NO_WORDS }, 'v3'));
  return [...new Set([...roots.keys(), ...resources.map(({ group, version }) => documentName(group, version))])].sort();
}

/** undefined: there is no such document. */
export function openApiV3(name: string, options: OpenApiOptions): OpenApiV3Document | undefined {
  const context = contextOf(options, 'v3');
  const resources = published(options.resources);
  const served = resources.filter(({ group, version }) => documentName(group, version) === name);
  const paths = served.length > 0 ? pathsOf(served, context) : rootPaths(builtInGroups(resources), context).get(name);
  if (paths === undefined) return undefined;
  const [resource] = served;
  const schemas = collect(paths, served, { context, own: resource });
  return {
    openapi: '3.0.0',
    info: resource?.custom === undefined ? { title: INFO_TITLE, version: options.version } : CUSTOM_INFO,
    paths,
    components: { ...(Object.keys(schemas).length > 0 && { schemas }), ...(resource?.custom === undefined && { securitySchemes: { BearerToken: SECURITY } }) },
  };
}

/** A member of v2's document: `paths`, `/version/`, its value; or the document's own, without a name. */
export type V2Member = readonly [section: string, name: string, value: unknown];

/** v2 member by member, section after section: as a whole it is megabytes. */
export function* openApiV2Members(options: OpenApiOptions): Generator<V2Member> {
  const context = contextOf(options, 'v2');
  const { schemas } = options;
  const resources = published(options.resources);
  yield ['swagger', '', '2.0'];
  yield ['info', '', { title: INFO_TITLE, version: options.version }];
  for (const root of rootPaths(builtInGroups(resources), context).values()) yield* membersOf('paths', root);
  for (const group of groupedByVersion(resources)) yield* membersOf('paths', pathsOf(group, context));
  for (const id of schemas.ids()) {
    const definition = schemas.get(id);
    if (definition !== undefined) yield ['definitions', id, schemaOf(definition, context)];
  }
  for (const { custom, schema } of resources) {
    if (custom === undefined) continue;
    const { object, list } = custom.openApi('v2');
    yield ['definitions', schema, object];
    yield ['definitions', `${schema}List`, list];
  }
  yield* membersOf('parameters', sortKeys(Object.fromEntries(context.shared)));
  yield ['securityDefinitions', '', { BearerToken: SECURITY }];
  yield ['security', '', [{ BearerToken: [] }]];
}

/** The whole. */
export function documentOf(members: Iterable<V2Member>): object {
  const document: Record<string, unknown> = {};
  for (const [section, name, value] of members) {
    if (name === '') document[section] = value;
    else ((document[section] ??= {}) as Record<string, unknown>)[name] = value;
  }
  return document;
}

function membersOf(section: string, values: Record<string, unknown>): V2Member[] {
  return Object.entries(values).map(([name, value]) => [section, name, value]);
}

function groupedByVersion(resources: readonly ServedResource[]): Iterable<ServedResource[]> {
  return Map.groupBy(resources, ({ group, version }) => documentName(group, version)).values();
}

/** `apps`, `v1` → `apis/apps/v1` */
export function documentName(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${apiVersionOf(group, version)}`;
}

const NO_SCHEMAS = { get: () => undefined, byKind: () => undefined } as unknown as Schemas;

function contextOf({ schemas, words = NO_WORDS }: Pick<OpenApiOptions, 'schemas' | 'words'>, dialect: Dialect): PathContext {
  return { schemas, dialect, words, shared: new Map() };
}

function published(resources: readonly ServedResource[]): ServedResource[] {
  return resources.filter(({ schema }) => schema !== '');
}

function builtInGroups(resources: readonly ServedResource[]): Set<string> {
  return new Set(resources.filter(({ custom }) => custom === undefined).map(({ group }) => group));
}

function pathsOf(resources: readonly ServedResource[], context: PathContext): Record<string, object> {
  const paths: Record<string, object> = {};
  for (const resource of resources) {
    if (resource.custom === undefined) Object.assign(paths, resourcesPath(resource.group, resource.version, context));
    Object.assign(paths, operationsOf(resource, context));
  }
  return sortKeys(paths);
}

/** Every definition that paths and definitions refer to. `own`: one of the group and version that the document is of. */
function collect(paths: Record<string, object>, resources: readonly ServedResource[], { context, own }: { context: PathContext; own: ServedResource | undefined }): Record<string, OpenApiSchema> {
  const found: Record<string, OpenApiSchema> = {};
  const waiting = [...referencesIn(paths)];
  for (const { custom, schema } of resources) {
    if (custom === undefined) continue;
    const { object, list } = custom.openApi(context.dialect);
    found[schema] = object;
    found[`${schema}List`] = list;
    waiting.push(...referencesIn([object, list]));
  }
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id in found) continue;
    const definition = context.schemas.get(id);
    if (definition === undefined) continue;
    const schema = schemaOf(own === undefined ? definition : narrowed(definition, own), context);
    found[id] = schema;
    waiting.push(...referencesIn(schema));
  }
  return sortKeys(found);
}

/** What every group has of its own (options, events) is told of this group alone; or of all that the server of custom kinds knows. */
function narrowed(definition: Definition, { group, version, custom }: ServedResource): Definition {
  if (definition.id !== `${META}.DeleteOptions` && definition.id !== `${META}.WatchEvent`) return definition;
  return { ...definition, kinds: definition.kinds.filter((kind) => (custom === undefined ? (kind.group === '' && kind.version === 'v1') || (kind.group === group && kind.version === version) : !ELSEWHERE.has(kind.group))) };
}

const ELSEWHERE: ReadonlySet<string> = new Set(['admission.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'imagepolicy.k8s.io']);

/** The names that references in it end with. */
export function referencesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const key in value) {
    const inner: unknown = (value as Record<string, unknown>)[key];
    if (key === '$ref' && typeof inner === 'string') found.add(inner.slice(inner.lastIndexOf('/') + 1));
    else if (typeof inner === 'object') referencesIn(inner, found);
  }
  return found;
}

function sortKeys<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
