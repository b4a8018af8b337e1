// The paths and operations of a served resource, as upstream's OpenAPI names them: verbs, parameters, bodies, actions.
import { reference, type Dialect } from './openapi-schemas.ts';
import type { ServedResource } from './openapi.ts';
import type { Schemas } from './schema.ts';

interface Context { schemas: Schemas; dialect: Dialect }
interface Target { path: string; resource: ServedResource; gvk: { group: string; version: string; kind: string }; body: string; verbs: readonly string[]; subresource: string }

const WRITE = ['dryRun', 'fieldManager', 'fieldValidation'];
const LIST = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'shardSelector', 'timeoutSeconds', 'watch'];
const DELETE = ['dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy'];
const DELETE_COLLECTION = [...DELETE, ...LIST.filter((name) => name !== 'allowWatchBookmarks' && name !== 'watch')].sort();
const INTEGERS = new Set(['gracePeriodSeconds', 'limit', 'timeoutSeconds']);
const BOOLEANS = new Set(['allowWatchBookmarks', 'force', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'sendInitialEvents', 'watch']);
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];
const ANSWER_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const WATCH_TYPES = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
/** Custom objects have no protobuf form and no merge keys. */
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes('strategic'));
const CUSTOM_ANSWER_TYPES = ANSWER_TYPES.slice(0, 2);
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const ITEM: readonly [verb: string, method: string, action: string, word: string][] = [
  ['get', 'get', 'get', 'read'], ['update', 'put', 'put', 'replace'], ['delete', 'delete', 'delete', 'delete'], ['patch', 'patch', 'patch', 'patch'], ['create', 'post', 'post', 'create'],
];
const COLLECTION: readonly [verb: string, method: string, action: string, word: string][] = [
  ['list', 'get', 'list', 'list'], ['create', 'post', 'post', 'create'], ['deletecollection', 'delete', 'deletecollection', 'delete'],
];

export function operationsOf(resource: ServedResource, context: Context): Record<string, object> {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const base = `${root}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`;
  const gvk = { group: resource.group, version: resource.version, kind: resource.kind };
  const target: Target = { path: base, resource, gvk, body: resource.schema, verbs: resource.verbs, subresource: '' };
  const paths: Record<string, object> = { [base]: pathItem(target, COLLECTION, context) };
  if (resource.namespaced && resource.verbs.includes('list')) paths[`${root}/${resource.resource}`] = pathItem({ ...target, path: `${root}/${resource.resource}`, verbs: ['list'] }, COLLECTION, context);
  if (resource.verbs.includes('get')) paths[`${base}/{name}`] = pathItem({ ...target, path: `${base}/{name}` }, ITEM.slice(0, 4), context);
  for (const { name, group, version, kind, verbs } of resource.subresources) {
    const path = `${base}/{name}/${name}`;
    const body = context.schemas.byKind(group, version, kind)?.id ?? resource.schema;
    paths[path] = pathItem({ path, resource, gvk: { group, version, kind }, body, verbs, subresource: name }, ITEM, context);
  }
  return paths;
}

function pathItem(target: Target, operations: typeof ITEM, context: Context): object {
  const item: Record<string, unknown> = {};
  const served = operations.filter(([verb]) => target.verbs.includes(verb));
  // Upstream moves the parameters that all operations share up to the path.
  const shared = served.length === 1 ? namesOf(served[0]?.[0] ?? '') : [];
  for (const [verb, method, action, word] of served) item[method] = operation(target, { verb, action, word, names: shared.length > 0 ? [] : namesOf(verb) }, context);
  const placed = [...target.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort();
  item.parameters = [...placed.map((name) => parameter(name, 'path', context.dialect)), ...[...shared, 'pretty'].sort().map((name) => parameter(name, 'query', context.dialect))];
  return item;
}

function namesOf(verb: string): readonly string[] {
  if (verb === 'list') return LIST;
  if (verb === 'get') return [];
  if (verb === 'patch') return [...WRITE, 'force'];
  if (verb === 'delete') return DELETE;
  return verb === 'deletecollection' ? DELETE_COLLECTION : WRITE;
}

function operation(target: Target, { verb, action, word, names }: { verb: string; action: string; word: string; names: readonly string[] }, { dialect }: Context): object {
  const { resource, gvk } = target;
  const answer = verb === 'list' ? `${target.body}List` : verb === 'delete' || verb === 'deletecollection' ? `${META}.Status` : target.body;
  const body = bodyOf(verb, target.body);
  const parameters = names.map((name) => parameter(name, 'query', dialect));
  const [patches, answers, watches] = resource.custom === undefined ? [PATCH_TYPES, ANSWER_TYPES, WATCH_TYPES] : [CUSTOM_PATCH_TYPES, CUSTOM_ANSWER_TYPES, []];
  const shared = { operationId: operationId(target, word, verb), tags: [tagOf(resource)], 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': gvk };
  const schema = { $ref: reference(answer, dialect) };
  if (dialect === 'v2') {
    const bodyParameter = body === undefined ? [] : [{ in: 'body', name: 'body', ...(verb.startsWith('delete') ? {} : { required: true }), schema: { $ref: reference(body, dialect) } }];
    return { ...shared, consumes: verb === 'patch' ? patches : ['*/*'], produces: [...answers, ...(verb === 'list' ? watches : [])], schemes: ['https'], ...((bodyParameter.length + parameters.length > 0) && { parameters: [...bodyParameter, ...parameters] }), responses: responses(verb, { schema }) };
  }
  const types = verb === 'patch' ? patches : ['*/*'];
  return {
    ...shared, ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema: { $ref: reference(body, dialect) } }])), ...(!verb.startsWith('delete') && { required: true }) } }),
    responses: responses(verb, { content: Object.fromEntries([...answers, ...(verb === 'list' ? watches : [])].map((type) => [type, { schema }])) }),
  };
}

function responses(verb: string, answer: object): Record<string, object> {
  const also = verb === 'create' ? [201, 202] : verb === 'update' || verb === 'patch' ? [201] : verb === 'delete' ? [202] : [];
  return Object.fromEntries([[200, answer], ...also.map((code): [number, object] => [code, answer]), [401, {}]]);
}

function bodyOf(verb: string, own: string): string | undefined {
  if (verb === 'get' || verb === 'list') return undefined;
  if (verb === 'patch') return `${META}.Patch`;
  return verb.startsWith('delete') ? `${META}.DeleteOptions` : own;
}

function parameter(name: string, place: 'query' | 'path', dialect: Dialect): object {
  const type = INTEGERS.has(name) ? 'integer' : BOOLEANS.has(name) ? 'boolean' : 'string';
  const where = { in: place, name, ...(place === 'path' && { required: true }) };
  return dialect === 'v2' ? { ...where, type, uniqueItems: true } : { ...where, schema: { type, uniqueItems: true } };
}

// listAppsV1NamespacedDeployment, listCoreV1PodForAllNamespaces, patchCoreV1NamespacedPodStatus
function operationId({ path, resource, subresource }: Target, word: string, verb: string): string {
  const all = resource.namespaced && !path.includes('{namespace}');
  const scope = resource.namespaced && !all ? 'Namespaced' : '';
  const part = subresource === '' ? '' : capital(subresource);
  return `${word}${capital(groupWord(resource.group))}${capital(resource.version)}${verb === 'deletecollection' ? 'Collection' : ''}${scope}${resource.kind}${part}${all ? 'ForAllNamespaces' : ''}`;
}

function tagOf({ group, version }: ServedResource): string {
  const words = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.');
  return `${words.map((word, index) => (index === 0 ? word : capital(word))).join('')}_${version}`;
}

function groupWord(group: string): string {
  return group === '' ? 'core' : group.replace(/\.k8s\.io$/, '').split('.').map((word) => capital(word)).join('');
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
