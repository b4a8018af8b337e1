// Watches replayed from a version that is still held: what leaves and enters a selector, in every form; initial events and bookmarks by every option;
// lists by every combination of version, match, limit and continue.
import type { Row } from '../exchange.ts';
import { configMap, get, METADATA, NS, patch, pod, post, remove } from '../rows.ts';

const CM = `${NS}/configmaps`;
const MINE = 'labelSelector=seen%3D{ns}';
const TABLE_ONLY = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const seen = (name: string, labels: object = {}): object => configMap(name, { a: '1' }, { labels: { seen: '{ns}', ...labels } });
const watch = (name: string, query: string, { path = CM, ...more }: { path?: string; accept?: string; as?: string } = {}): Row => get(`watches: ${name}`, `${path}?watch=1&timeoutSeconds=1&${query}`, more);
const since = '&resourceVersion={seenfirst.metadata.resourceVersion}';

const VERSIONS = ['', '0', '{seenfirst.metadata.resourceVersion}', '999999999'];
const MATCHES = ['', 'Exact', 'NotOlderThan', 'Nonsense'];
const named = (parts: Readonly<Record<string, string>>): string => Object.entries(parts).filter(([, value]) => value !== '').map(([name, value]) => `${name}=${value.startsWith('{') ? 'first' : value}`).join(' ') || 'plain';

const lists = VERSIONS.flatMap((version) => MATCHES.flatMap((match) => ['', '2'].flatMap((limit) => ['', '{seenpage.metadata.continue}'].map((token) => {
  const parts = { resourceVersion: version, resourceVersionMatch: match, limit, continue: token };
  const query = Object.entries(parts).filter(([, value]) => value !== '').map(([name, value]) => `&${name}=${value}`).join('');
  return get(`lists: ${named({ ...parts, continue: token === '' ? '' : 'token' })}`, `${CM}?${MINE}${query}`);
}))));

const initial = ['', 'true', 'false'].flatMap((events) => VERSIONS.filter((version) => version !== '999999999').flatMap((version) => MATCHES.flatMap((match) => ['', 'true'].map((bookmarks) => {
  const parts = { sendInitialEvents: events, resourceVersion: version, resourceVersionMatch: match, allowWatchBookmarks: bookmarks };
  const query = Object.entries(parts).filter(([, value]) => value !== '').map(([name, value]) => `&${name}=${value}`).join('');
  return watch(named(parts), `${MINE}${query}`);
}))));

export const WATCHES: readonly Row[] = [
  post('watches: first', CM, seen('seen-first'), { save: 'seenfirst' }),
  post('watches: second', CM, seen('seen-second', { tier: 'front' })),
  post('watches: third', CM, seen('seen-third', { tier: 'front' })),
  post('watches: a pod', `${NS}/pods`, pod('seen')),
  patch('watches: second leaves the front', `${CM}/seen-second`, { metadata: { labels: { tier: 'back' } } }, 'merge'),
  patch('watches: first enters the front', `${CM}/seen-first`, { metadata: { labels: { tier: 'front' } } }, 'merge'),
  patch('watches: third is changed', `${CM}/seen-third`, { data: { a: '2' } }, 'merge'),
  patch('watches: the pod runs', `${NS}/pods/seen/status`, { status: { phase: 'Running' } }, 'merge'),
  remove('watches: third is removed', `${CM}/seen-third`),
  post('watches: fourth', CM, seen('seen-fourth', { tier: 'back' })),
  get('watches: a page', `${CM}?${MINE}&limit=1`, { save: 'seenpage' }),
  watch('all since', `${MINE}${since}`),
  watch('the front since', `${MINE},tier%3Dfront${since}`),
  watch('not the front since', `${MINE},tier!%3Dfront${since}`),
  watch('no tier since', `${MINE},!tier${since}`),
  watch('a name since', `fieldSelector=metadata.name%3Dseen-third${since}`),
  watch('all but a name since', `${MINE}&fieldSelector=metadata.name!%3Dseen-third${since}`),
  watch('of all namespaces since', `${MINE}&fieldSelector=metadata.namespace%3D{ns}${since}`, { path: '/api/v1/configmaps' }),
  watch('pending pods since', `fieldSelector=status.phase%3DPending,metadata.name%3Dseen${since}`, { path: `${NS}/pods` }),
  watch('running pods since', `fieldSelector=status.phase%3DRunning,metadata.name%3Dseen${since}`, { path: `${NS}/pods` }),
  watch('the front since, as table', `${MINE},tier%3Dfront${since}`, { accept: TABLE_ONLY }),
  watch('the front since, as table without objects', `${MINE},tier%3Dfront${since}&includeObject=None`, { accept: TABLE_ONLY }),
  watch('the front since, as table with objects', `${MINE},tier%3Dfront${since}&includeObject=Object`, { accept: TABLE_ONLY }),
  watch('the front since, as metadata', `${MINE},tier%3Dfront${since}`, { accept: METADATA_ONLY }),
  watch('metadata or json', `${MINE},tier%3Dfront${since}`, { accept: METADATA }),
  watch('table of pods', `fieldSelector=metadata.name%3Dseen${since}`, { path: `${NS}/pods`, accept: TABLE_ONLY }),
  watch('nothing acceptable', MINE, { accept: 'text/plain' }),
  watch('streamed json', MINE, { accept: 'application/json;stream=watch' }),
  watch('pretty', `${MINE}&pretty=1`),
  watch('metadata list', MINE, { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }),
  watch('to come', `${MINE}&resourceVersion=999999999`),
  watch('what is too old', `${MINE}&resourceVersion=1`),
  watch('what is too old, as table', `${MINE}&resourceVersion=1`, { accept: TABLE_ONLY }),
  watch('what is too old, as metadata', `${MINE}&resourceVersion=1`, { accept: METADATA_ONLY }),
  watch('what is too old, in protobuf', `${MINE}&resourceVersion=1`, { accept: 'application/vnd.kubernetes.protobuf' }),
  watch('what is too old, with bookmarks', `${MINE}&resourceVersion=1&allowWatchBookmarks=true`),
  watch('what is too old, by a name', 'fieldSelector=metadata.name%3Dnone&resourceVersion=1'),
  watch('negative', `${MINE}&resourceVersion=-1`),
  watch('with continue', `${MINE}&continue={seenpage.metadata.continue}`),
  watch('with limit', `${MINE}&limit=1`),
  watch('nobody may', MINE, { as: 'nobody' }),
  watch('of an unknown kind', MINE, { path: `${NS}/nonsense` }),
  watch('of reviews', '', { path: '/apis/authorization.k8s.io/v1/subjectaccessreviews' }),
  watch('of one object', '', { path: `${CM}/seen-first` }),
  watch('of a namespace that is not there', '', { path: '/api/v1/namespaces/none/configmaps' }),
  get('watches: old path, all', `/api/v1/watch/configmaps?timeoutSeconds=1&${MINE}${since}`),
  get('watches: old path, not there', '/api/v1/watch/nonsense'),
  get('watches: old path, namespace', '/api/v1/watch/namespaces/{ns}?timeoutSeconds=1'),
  get('watches: old path, unnamed', '/api/v1/watch/'),
  get('watches: old path, false', `/api/v1/watch/namespaces/{ns}/configmaps?watch=false&timeoutSeconds=1&${MINE}${since}`),
  get('watches: old path, group', '/apis/apps/v1/watch/namespaces/{ns}/deployments?timeoutSeconds=1&fieldSelector=metadata.name%3Dnone'),
  ...initial,
  ...lists,
];
