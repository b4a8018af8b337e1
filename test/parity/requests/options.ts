// Options of reads, writes and deletions that say too much, too little or nonsense; forms of answers; changes that change nothing.
import type { Row } from '../exchange.ts';
import { APPS, configMap, deployment, get, METADATA_LIST, NS, patch, pod, post, put, remove, TABLE } from '../rows.ts';

const CM = `${NS}/configmaps`;
const MINE = 'labelSelector=options%3D{ns}';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const mine = (name: string): object => configMap(name, { a: '1' }, { labels: { options: '{ns}' } });
const WEB = `${APPS}/deployments/options`;
const options = (fields: object): object => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...fields });

const unknown = (mode: string, type: 'merge' | 'strategic' | 'json' | 'apply'): Row => {
  const query = `?dryRun=All&fieldManager=m&force=${type === 'apply' ? 'true' : ''}&fieldValidation=${mode}`.replace('&force=&', '&');
  const body = type === 'json' ? '[{"op":"add","path":"/spec/odd","value":1},{"op":"add","path":"/spec/template/spec/containers/0/odd","value":{"a":1,"a":2}}]' : `{${type === 'apply' ? '"apiVersion":"apps/v1","kind":"Deployment",' : ''}"spec":{"odd":1,"paused":true,"paused":false${type === 'apply' ? '' : ',"template":{"metadata":{"odd":1}}'}}}`;
  return patch(`options: ${type} of unknown fields, ${mode}`, WEB + query, body, type);
};

const READS = ['limit=1.5', 'limit=99999999999999999999', 'timeoutSeconds=-1', 'timeoutSeconds=1.5', 'watch=2&timeoutSeconds=1', 'allowWatchBookmarks=x', 'sendInitialEvents=x', 'sendInitialEvents=true', 'resourceVersion=1.5', 'resourceVersion=99999999999999999999', 'resourceVersionMatch=', 'resourceVersionMatch=NotOlderThan', 'pretty=x', 'fieldSelector=metadata.name', 'fieldSelector=metadata.name%3D%3Da,metadata.name!%3Db', 'fieldSelector=metadata.name%3Da%5C', 'labelSelector=a%3D%3Db,', 'labelSelector=a%3E1', 'labelSelector=a%3Ex', 'labelSelector=!a,!', 'labelSelector=a%20notin%20(b,,c)', 'labelSelector=a%20in%20b', 'continue=%25', 'shardSelector=x'];
const WATCHES = ['resourceVersionMatch=Exact', 'resourceVersionMatch=NotOlderThan', 'sendInitialEvents=false', 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan', 'sendInitialEvents=false&resourceVersionMatch=NotOlderThan', 'sendInitialEvents=x', 'limit=x', 'resourceVersion=1&resourceVersionMatch=Nonsense'];
const WRITES = ['fieldValidation=Nonsense', 'fieldValidation=', 'dryRun=None', 'dryRun=All&dryRun=Nonsense', 'fieldManager=%7F', 'force=x', 'force=true'];
const REMOVALS = ['gracePeriodSeconds=-1', 'gracePeriodSeconds=1.5', 'orphanDependents=x', 'orphanDependents=true&propagationPolicy=Orphan', 'propagationPolicy=', 'dryRun=None', 'ignoreStoreReadErrorWithClusterBreakingPotential=x', 'ignoreStoreReadErrorWithClusterBreakingPotential=true'];

export const OPTIONS: readonly Row[] = [
  post('options: post to a watch', '/api/v1/watch/namespaces/{ns}/configmaps', configMap('x')), remove('options: delete of a watch', '/api/v1/watch/namespaces/{ns}/configmaps/none'),
  ...['a', 'b', 'c'].map((name) => post(`options: ${name}`, CM, mine(`options-${name}`), { save: `options${name}` })),
  post('options: deployment', `${APPS}/deployments`, deployment('options'), { save: 'web' }), post('options: pod', `${NS}/pods`, pod('options')),
  ...READS.map((query) => get(`options: list, ${query}`, `${CM}?${query}${query.includes('Selector') ? '' : `&${MINE}`}`)),
  ...WATCHES.map((query) => get(`options: watch, ${query}`, `${CM}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Doptions-a&${query}`)),
  ...WRITES.flatMap((query) => [post(`options: create, ${query}`, `${CM}?${query}`, mine(`options-${query.replace(/[^a-z]/gi, '').toLowerCase()}`)), put(`options: update, ${query}`, `${CM}/options-a?${query}`, mine('options-a')), patch(`options: patch, ${query}`, `${CM}/options-a?${query}`, { data: { a: '1' } }, 'merge'), patch(`options: apply, ${query}`, `${CM}/options-a?fieldManager=m&${query}`, { ...mine('options-a') }, 'apply')]),
  ...REMOVALS.map((query) => remove(`options: delete, ${query}`, `${CM}/none?${query}`)),
  ...(['Ignore', 'Warn', 'Strict'] as const).flatMap((mode) => (['merge', 'strategic', 'json', 'apply'] as const).map((type) => unknown(mode, type))),
  get('options: pod in protobuf', `${NS}/pods/options`, { accept: PROTOBUF }), get('options: list in protobuf', `${CM}?${MINE}`, { accept: PROTOBUF }), get('options: table in protobuf', `${CM}?${MINE}`, { accept: `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io` }),
  get('options: nothing in protobuf', `${CM}/none`, { accept: PROTOBUF }), post('options: refused in protobuf', CM, configMap('A b'), { accept: PROTOBUF }), remove('options: deleted in protobuf', `${CM}/options-c`, undefined, { accept: PROTOBUF }), get('options: nothing in yaml', `${CM}/none`, { accept: 'application/yaml' }),
  get('options: scale in protobuf', `${WEB}/scale`, { accept: PROTOBUF }), get('options: forbidden in protobuf', CM, { accept: PROTOBUF, as: 'nobody' }), get('options: metadata of pods', `${NS}/pods`, { accept: METADATA_LIST }), get('options: table of deployments', `${APPS}/deployments`, { accept: TABLE }),
  put('options: the same again', `${CM}/options-a`, mine('options-a')), patch('options: patch to the same', `${CM}/options-a`, { metadata: { labels: { options: '{ns}' } } }, 'merge'), patch('options: patch of nothing', `${CM}/options-a`, {}, 'strategic'), patch('options: patch of no operations', `${CM}/options-a`, [], 'json'),
  patch('options: still as it was', `${CM}/options-b`, [{ op: 'test', path: '/metadata/resourceVersion', value: '{optionsb.metadata.resourceVersion}' }], 'json'), put('options: the same deployment', WEB, deployment('options')), patch('options: deployment as it was', WEB, [{ op: 'test', path: '/metadata/generation', value: 1 }], 'json'),
  patch('options: metadata removed', `${CM}/options-a`, [{ op: 'remove', path: '/metadata' }], 'json'), patch('options: metadata null', `${CM}/options-a`, { metadata: null }, 'merge'), patch('options: status without metadata', `${WEB}/status`, [{ op: 'remove', path: '/metadata' }], 'json'), patch('options: null in a map', `${CM}/options-a`, { data: { a: null } }, 'merge'), put('options: put null in a map', `${CM}/options-a`, { ...mine('options-a'), data: { a: null } }),
  remove('options: collection, dry run in the body', `${CM}?${MINE}`, options({ dryRun: ['All'] })), remove('options: collection, uid', `${CM}?${MINE}`, options({ preconditions: { uid: '{optionsa.metadata.uid}' } })), remove('options: collection, both selectors', `${CM}?${MINE}&fieldSelector=metadata.name%3Doptions-b`), remove('options: collection, bad limit', `${CM}?${MINE}&limit=x`),
  remove('options: collection of pods at once', `${NS}/pods?fieldSelector=metadata.name%3Doptions`, options({ gracePeriodSeconds: 0 })), get('options: what is left', `${CM}?${MINE}`), remove('options: collection', `${CM}?${MINE}`), remove('options: deployment gone', WEB),
];
