// What can be asked at all: the roots of discovery by every Accept, paths by methods that they have not, health by its options, the fields that each kind
// selects by, options where they are none.
import { KINDS_JSON } from '../../../internal/kinds/generated/kinds.ts';
import type { Row } from '../exchange.ts';
import { get, NS } from '../rows.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const JSON_TYPE = 'application/json';
const whole = (type: string, version = 'v2'): string => `${type};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
const ALL = whole(JSON_TYPE);

const ROOT_ACCEPTS = [
  '', '*/*', ALL, `${JSON_TYPE},${ALL}`, `${PROTOBUF},${ALL}`, `application/yaml,${ALL}`, `${whole(PROTOBUF)},${ALL}`, `${ALL},${whole(PROTOBUF)}`, `${JSON_TYPE},${whole(PROTOBUF)}`, `${PROTOBUF},${JSON_TYPE},${whole(PROTOBUF)}`, `*/*,${ALL}`, `${ALL};q=0.1,${JSON_TYPE}`, `${JSON_TYPE};q=0.1,${ALL}`, `text/html,${ALL}`,
  `${JSON_TYPE};as=Table;g=meta.k8s.io;v=v1,${ALL}`, `${whole(JSON_TYPE, 'v2beta1')},${ALL}`, `${ALL};profile=nopeer`, `${JSON_TYPE};profile=nopeer`, `${JSON_TYPE};g=apidiscovery.k8s.io;v=v2`, `${JSON_TYPE};v=v2`, 'application/*', 'application/cbor', `application/cbor,${JSON_TYPE}`, whole('application/cbor'), 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  `${JSON_TYPE};stream=x`, `application/yaml;stream=watch`, `${JSON_TYPE};sv=v1`, `*/*;q=1,application/yaml;q=0.1`, `${JSON_TYPE};q=x,application/yaml`,
];
const OTHER_METHODS: readonly (readonly [method: string, path: string])[] = [
  ...['/api', '/api/v1', '/apis/apps', '/apis/apps/v1', '/version'].flatMap((path) => ['POST', 'DELETE', 'OPTIONS'].map((method) => [method, path] as const)),
  ...['log', 'exec', 'status', 'binding', 'eviction', 'nonsense'].flatMap((part) => ['OPTIONS', 'PROPFIND', ...(part === 'log' ? ['POST', 'PUT', 'DELETE'] : [])].map((method) => [method, `${NS}/pods/none/${part}`] as const)),
  ['OPTIONS', `${NS}/configmaps/one/status`], ['PROPFIND', `${NS}/services/none/proxy`], ['OPTIONS', `${NS}/configmaps`],
];
const PATHS = ['/healthz/', '/livez/', '/readyz/', '/metrics/', '/api/v1//pods', '/api/v1/namespaces//configmaps?labelSelector=none', '/api/v1/namespaces//configmaps?labelSelector=none&limit=1', '/statusz/', '/flagz', '/configz', '/debug', '/livez/ping?verbose', '/readyz/ping?exclude=ping', '/healthz?exclude=ping'];

const FIELDS = ['metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.host', 'status.phase', 'status.podIPs', 'status.replicas', 'status.successful', 'type', 'reason', 'source', 'involvedObject.name', 'regarding.name', 'spec.clusterIP', 'spec.driver', 'spec.signerName', 'spec.unschedulable', 'name', ''];
const OPTIONS = ['timeoutSeconds=x', 'limit=', 'limit=x', 'dryRun=x', 'fieldValidation=x', 'watch=False', 'includeObject=x', 'sendInitialEvents=x', 'allowWatchBookmarks=x'];

/** All groups with fields of their own, and one without. */
const LOOKED_AT: ReadonlySet<string> = new Set(['', 'apps', 'batch', 'certificates.k8s.io', 'events.k8s.io', 'resource.k8s.io']);

interface Listed { group: string; version: string; resource: string; namespaced: boolean; verbs: readonly string[] }

function fieldRows({ group, version, resource, namespaced }: Listed): Row[] {
  const path = `${group === '' ? '/api' : `/apis/${group}`}/${version}${namespaced ? '/namespaces/{ns}' : ''}/${resource}`;
  return FIELDS.map((field) => get(`surface: ${group}/${version}/${resource} by ${field || 'nothing'}`, `${path}?fieldSelector=${field}%3Dnone-such`));
}

export const SURFACE: readonly Row[] = [
  ...ROOT_ACCEPTS.map((accept) => get(`surface: /api as ${accept || 'nothing'}`, '/api', { accept })),
  // The same of the other roots, where the answer is short.
  ...['/apis', '/api/', '/apis/'].flatMap((path) => [`${JSON_TYPE};v=v2`, 'application/*', 'application/cbor', whole('application/cbor'), `${JSON_TYPE};stream=x`].map((accept) => get(`surface: ${path} as ${accept}`, path, { accept }))),
  get('surface: /apis whole, asked for last', '/apis', { accept: `*/*,${ALL};q=0.1` }),
  get('surface: /apis/ whole', '/apis/', { accept: ALL }),
  ...['/apis/apps', '/apis/apps/v1', '/openid/v1/jwks'].flatMap((path) => ['text/html', 'application/*', 'application/cbor', ALL].map((accept) => get(`surface: ${path} as ${accept}`, path, { accept }))),
  ...OTHER_METHODS.map(([method, path]) => ({ name: `surface: ${method} ${path}`, method, path })),
  ...PATHS.map((path) => get(`surface: ${path}`, path)),
  ...(JSON.parse(KINDS_JSON) as Listed[]).filter(({ verbs, group }) => verbs.includes('list') && LOOKED_AT.has(group)).flatMap(fieldRows),
  ...OPTIONS.flatMap((option) => [get(`surface: list with ${option}`, `${NS}/configmaps?labelSelector=none&${option}`), get(`surface: get with ${option}`, `${NS}/configmaps/none-such?${option}`)]),
];
