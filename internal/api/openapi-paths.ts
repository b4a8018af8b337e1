// The paths and operations of a served resource, as upstream's OpenAPI names them: verbs, parameters, bodies, actions.
import type { GroupVersionKind } from './meta.ts';
import { connectOperations, logOperation } from './openapi-connect.ts';
import { pathItem, type Operation, type PathContext } from './openapi-operations.ts';
import { query, type Parameter } from './openapi-parameters.ts';
import { capital, groupWord, tagOf } from './openapi-names.ts';
import type { ServedResource } from './served-resource.ts';

interface Target {
  path: string;
  resource: ServedResource;
  kind: GroupVersionKind;
  /** Definition of what is read and written. */
  body: string;
  verbs: readonly string[];
  subresource: string;
}

const WRITE = ['dryRun', 'fieldManager', 'fieldValidation'];
const LIST = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'shardSelector', 'timeoutSeconds', 'watch'];
const DELETE = ['dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy'];
const DELETE_COLLECTION = [...DELETE, ...LIST.filter((name) => name !== 'allowWatchBookmarks' && name !== 'watch')].sort();
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];
const ANSWER_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const WATCH_TYPES = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
/** Custom objects have no protobuf form and no merge keys. */
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes('strategic'));
const CUSTOM_TYPES = ANSWER_TYPES.slice(0, 2);
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
/** Kinds whose deletion answers with the object. */
const DELETED_OBJECTS = new Set([
  'PersistentVolume', 'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ResourceQuota', 'Service', 'ServiceAccount', 'DeviceClass', 'ResourceClaim', 'ResourceClaimTemplate', 'ResourceSlice',
  'CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass',
]);

type Verb = 'get' | 'update' | 'delete' | 'patch' | 'create' | 'list' | 'deletecollection' | 'watch' | 'watchlist';
interface VerbFacts { method: Operation['method']; action: string; word: string }
const VERBS: Readonly<Record<Verb, VerbFacts>> = {
  get: { method: 'get', action: 'get', word: 'read' }, update: { method: 'put', action: 'put', word: 'replace' }, delete: { method: 'delete', action: 'delete', word: 'delete' },
  patch: { method: 'patch', action: 'patch', word: 'patch' }, create: { method: 'post', action: 'post', word: 'create' }, list: { method: 'get', action: 'list', word: 'list' },
  deletecollection: { method: 'delete', action: 'deletecollection', word: 'delete' }, watch: { method: 'get', action: 'watch', word: 'watch' }, watchlist: { method: 'get', action: 'watchlist', word: 'watch' },
};
const ITEM: readonly Verb[] = ['get', 'update', 'delete', 'patch'];
const COLLECTION: readonly Verb[] = ['list', 'create', 'deletecollection'];

export function operationsOf(resource: ServedResource, context: PathContext): Record<string, object> {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const place = `${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`;
  const { group, version, kind, verbs } = resource;
  const target = { resource, kind: { group, version, kind }, body: resource.schema, subresource: '' };
  const paths: Record<string, object> = {};
  const add = (path: string, served: readonly string[], candidates: readonly Verb[], more: Partial<Target> = {}): void => {
    paths[path] = item({ ...target, path, verbs: served, ...more }, candidates, context);
  };
  add(root + place, verbs, COLLECTION);
  if (resource.namespaced && verbs.includes('list')) add(`${root}/${resource.resource}`, ['list'], COLLECTION);
  if (verbs.includes('get')) add(`${root}${place}/{name}`, verbs, ITEM);
  if (verbs.includes('watch') && resource.custom === undefined) {
    add(`${root}/watch${place}`, ['watchlist'], ['watchlist']);
    if (resource.namespaced) add(`${root}/watch/${resource.resource}`, ['watchlist'], ['watchlist']);
    add(`${root}/watch${place}/{name}`, ['watch'], ['watch']);
  }
  for (const subresource of resource.subresources) Object.assign(paths, ofSubresource(`${root}${place}/{name}/${subresource.name}`, subresource, { resource, context }));
  return paths;
}

function ofSubresource(path: string, subresource: ServedResource['subresources'][number], { resource, context }: { resource: ServedResource; context: PathContext }): Record<string, object> {
  const { name, group, version, kind, verbs } = subresource;
  if (name === 'log') return { [path]: pathItem(path, [logOperation(resource)], { kind: resource.kind, context }) };
  // Those of exec, attach, port-forward and proxy are no objects, but options.
  if (kind.endsWith('Options')) {
    const paths = name === 'proxy' ? [path, `${path}/{path}`] : [path];
    return Object.fromEntries(paths.map((one) => [one, pathItem(one, connectOperations(one, subresource, resource), { kind, context })]));
  }
  const body = context.schemas.byKind(group, version, kind)?.id ?? resource.schema;
  const shown = resource.custom === undefined ? { group, version, kind } : { group: resource.group, version: resource.version, kind: resource.kind };
  return { [path]: item({ path, resource, kind: shown, body, verbs, subresource: name }, ['get', 'update', 'patch', 'create', 'delete'], context) };
}

function item(target: Target, candidates: readonly Verb[], context: PathContext): object {
  const operations = candidates.filter((verb) => target.verbs.includes(verb)).map((verb) => operation(target, verb));
  const named = target.subresource !== '' && target.resource.custom === undefined ? target.kind.kind : target.resource.kind;
  return pathItem(target.path, operations, { kind: named, context });
}

function operation(target: Target, verb: Verb): Operation {
  const { resource, kind, subresource } = target;
  const isCustom = resource.custom !== undefined;
  const { method, action } = VERBS[verb];
  const body = bodyOf(verb, target);
  const watching = verb === 'list' || verb === 'watch' || verb === 'watchlist';
  return {
    method, action, kind, id: operationId(target, verb), tag: tagOf(resource), description: verb === 'list' && (isCustom || !resource.verbs.includes('watch')) ? `list objects of kind ${resource.kind}` : describe(verb, resource.kind, subresource),
    parameters: [...namesOf(verb, isCustom).map((name) => query(name, name === 'fieldManager' && verb === 'patch' ? 'patch' : undefined)), PRETTY],
    ...(body !== undefined && { body }),
    consumes: verb === 'patch' ? (isCustom ? CUSTOM_PATCH_TYPES : PATCH_TYPES) : isCustom ? CUSTOM_TYPES : ['*/*'],
    produces: isCustom ? CUSTOM_TYPES : watching ? [...ANSWER_TYPES, ...WATCH_TYPES] : ANSWER_TYPES,
    answer: answerOf(verb, target), codes: codesOf(verb, isCustom),
  };
}

const PRETTY: Parameter = query('pretty');

function namesOf(verb: Verb, isCustom: boolean): readonly string[] {
  switch (verb) {
    case 'list': case 'watch': case 'watchlist': return LIST;
    case 'get': return isCustom ? ['resourceVersion'] : [];
    case 'patch': return [...WRITE, 'force'];
    case 'delete': return DELETE;
    case 'deletecollection': return isCustom ? LIST : DELETE_COLLECTION;
    case 'update': case 'create': return WRITE;
  }
}

function bodyOf(verb: Verb, { body, resource }: Target): Operation['body'] {
  switch (verb) {
    case 'get': case 'list': case 'watch': case 'watchlist': return undefined;
    case 'patch': return { id: `${META}.Patch`, needed: true };
    case 'delete': return { id: `${META}.DeleteOptions`, needed: false };
    case 'deletecollection': return resource.custom === undefined ? { id: `${META}.DeleteOptions`, needed: false } : undefined;
    case 'update': case 'create': return { id: body, needed: true };
  }
}

function answerOf(verb: Verb, { body, resource }: Target): string {
  switch (verb) {
    case 'list': return `${body}List`;
    case 'watch': case 'watchlist': return `${META}.WatchEvent`;
    case 'delete': return resource.custom === undefined && DELETED_OBJECTS.has(resource.kind) ? body : `${META}.Status`;
    case 'deletecollection': return `${META}.Status`;
    case 'get': case 'update': case 'patch': case 'create': return body;
  }
}

function codesOf(verb: Verb, isCustom: boolean): readonly number[] {
  if (verb === 'create') return [200, 201, 202];
  if (verb === 'update' || (verb === 'patch' && !isCustom)) return [200, 201];
  return verb === 'delete' ? [200, 202] : [200];
}

// listAppsV1NamespacedDeployment, listCoreV1PodForAllNamespaces, patchCoreV1NamespacedPodStatus, watchCoreV1NamespacedPodList
function operationId({ path, resource, subresource }: Target, verb: Verb): string {
  const all = resource.namespaced && !path.includes('{namespace}');
  const collection = verb === 'deletecollection' ? 'Collection' : '';
  const scope = resource.namespaced && !all ? 'Namespaced' : '';
  return `${VERBS[verb].word}${capital(groupWord(resource.group))}${capital(resource.version)}${collection}${scope}${resource.kind}${capital(subresource)}${verb === 'watchlist' ? 'List' : ''}${all ? 'ForAllNamespaces' : ''}`;
}

function describe(verb: Verb, kind: string, subresource: string): string {
  const part = subresource === '' ? '' : `${subresource} of `;
  switch (verb) {
    case 'get': return `read ${part}the specified ${kind}`;
    case 'update': return `replace ${part}the specified ${kind}`;
    case 'patch': return `partially update ${part}the specified ${kind}`;
    case 'create': case 'delete': return `${verb} ${part}${withArticle(kind)}`;
    case 'list': return `list or watch objects of kind ${kind}`;
    case 'deletecollection': return `delete collection of ${part}${kind}`;
    case 'watch': return `watch changes to an object of kind ${kind}. ${OLD_WATCH}, filtered to a single item with the 'fieldSelector' parameter.`;
    case 'watchlist': return `watch individual changes to a list of ${kind}. ${OLD_WATCH}.`;
  }
}

const OLD_WATCH = "deprecated: use the 'watch' parameter with a list operation instead";

/** Plurals take none. */
function withArticle(noun: string): string {
  if (/[^s]s$/.test(noun)) return noun;
  return `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`;
}
