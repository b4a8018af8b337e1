// Lists in pages and at revisions, and collections deleted with options.
import type { Row } from '../exchange.ts';
import { configMap, get, METADATA_LIST, NS, patch, post, remove, TABLE } from '../rows.ts';

const CM = `${NS}/configmaps`;
const MINE = 'labelSelector=page%3D{ns}';
const page = (name: string): object => configMap(name, { a: '1' }, { labels: { page: '{ns}' } });
const options = (fields: object): object => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...fields });

export const PAGES: readonly Row[] = [
  ...['a', 'b', 'c', 'd', 'e'].map((name) => post(`page ${name}`, CM, page(`page-${name}`), { save: `made${name}` })),
  get('two of five', `${CM}?${MINE}&limit=2`, { save: 'p1' }),
  patch('changed between pages', `${CM}/page-c`, { data: { a: '2' } }, 'merge', { save: 'changed' }),
  remove('removed between pages', `${CM}/page-d`),
  get('two more, as they were', `${CM}?${MINE}&limit=2&continue={p1.metadata.continue}`, { save: 'p2' }),
  get('the last', `${CM}?${MINE}&limit=2&continue={p2.metadata.continue}`),
  get('all that is left', `${CM}?${MINE}&continue={p1.metadata.continue}`),
  get('a page as table', `${CM}?${MINE}&limit=2&continue={p1.metadata.continue}`, { accept: TABLE }),
  get('a page as metadata', `${CM}?${MINE}&limit=2`, { accept: METADATA_LIST }),
  get('a page in another namespace', `/api/v1/namespaces/none/configmaps?limit=2&continue={p1.metadata.continue}`),
  get('a page with another selector', `${CM}?labelSelector=page&limit=1&continue={p1.metadata.continue}`),
  get('a page with version 0', `${CM}?${MINE}&limit=2&resourceVersion=0`),
  get('a page at a version', `${CM}?${MINE}&limit=2&resourceVersion={madeb.metadata.resourceVersion}`),
  get('exactly then', `${CM}?${MINE}&resourceVersion={madeb.metadata.resourceVersion}&resourceVersionMatch=Exact`),
  get('exactly then, a page', `${CM}?${MINE}&limit=1&resourceVersion={madeb.metadata.resourceVersion}&resourceVersionMatch=Exact`, { save: 'then' }),
  get('exactly then, the next page', `${CM}?${MINE}&limit=1&continue={then.metadata.continue}`),
  get('not older, a page', `${CM}?${MINE}&limit=1&resourceVersion={madeb.metadata.resourceVersion}&resourceVersionMatch=NotOlderThan`),
  get('not older than nothing', `${CM}?${MINE}&resourceVersion=0&resourceVersionMatch=NotOlderThan`),
  get('at a version to come', `${CM}?${MINE}&resourceVersion=999999999&resourceVersionMatch=Exact`),
  get('page and field', `${CM}?fieldSelector=metadata.name%3Dpage-a&limit=1`),
  get('page of one namespace by field', `/api/v1/configmaps?fieldSelector=metadata.namespace%3D{ns},metadata.name%3Dpage-a&limit=1`),
  get('limit of zero', `${CM}?${MINE}&limit=0`),
  remove('collection with a uid', `${CM}?${MINE}`, options({ preconditions: { uid: 'mine' } })),
  remove('collection with a version', `${CM}?${MINE}`, options({ preconditions: { resourceVersion: '1' } })),
  remove('collection with a policy of nonsense', `${CM}?${MINE}`, options({ propagationPolicy: 'Nonsense' })),
  remove('collection by field', `${CM}?fieldSelector=metadata.name%3Dpage-a`),
  remove('collection with a limit', `${CM}?${MINE}&limit=1`),
  remove('collection that orphans', `${CM}?${MINE}`, options({ propagationPolicy: 'Orphan' })),
  get('what orphans left', `${CM}?${MINE}`),
  remove('collection of nothing', `${CM}?labelSelector=page%3Dnone`),
  remove('collection as table', `${CM}?labelSelector=page%3Dnone`, undefined, { accept: TABLE }),
];
