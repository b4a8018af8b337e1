// What clients that take nothing but protobuf are given: metadata by itself, watches, discovery.
import type { Row } from '../exchange.ts';
import { configMap, get, NS, patch, post, remove } from '../rows.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = '{ns}.protobuf.example';
const CM = `${NS}/configmaps`;
const MINE = 'labelSelector=encoded%3D{ns}';
const THINGS = `/apis/${GROUP}/v1/things`;
const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const as = (kind: string, { version = 'v1', group = 'meta.k8s.io', type = PROTOBUF } = {}): string => `${type};as=${kind};g=${group};v=${version}`;
const ONE = as('PartialObjectMetadata');
const LIST = as('PartialObjectMetadataList');
const V2 = (type: string, version = 'v2'): string => as('APIGroupDiscoveryList', { type, version, group: 'apidiscovery.k8s.io' });
const FORMS = { plain: PROTOBUF, metadata: ONE, 'metadata list': LIST, 'metadata of v1beta1': as('PartialObjectMetadata', { version: 'v1beta1' }), 'metadata list of v1beta1': as('PartialObjectMetadataList', { version: 'v1beta1' }), table: as('Table'), nonsense: as('Nonsense') };
const encoded = (name: string, metadata: object = {}): object => configMap(name, { a: '1' }, { labels: { encoded: '{ns}' }, ...metadata });
const watch = (name: string, accept: string, { path = CM, query = `${MINE}&resourceVersion={encodedfirst.metadata.resourceVersion}` } = {}): Row => get(`protobuf: watch of ${name}`, `${path}?watch=1&timeoutSeconds=1&${query}`, { accept });

const ROOTS: readonly string[] = [PROTOBUF, V2(PROTOBUF), V2(PROTOBUF, 'v2beta1'), `${V2(PROTOBUF, 'v2beta1')},${PROTOBUF}`, `${V2(PROTOBUF)},${PROTOBUF}`, V2('application/yaml'), `${V2('application/yaml')},application/json`, 'application/yaml'];

export const PROTOBUFS: readonly Row[] = [
  post('protobuf: first', CM, encoded('encoded-first', { annotations: { a: 'é' }, finalizers: ['example.test/kept'] }), { save: 'encodedfirst' }),
  post('protobuf: second', CM, encoded('encoded-second')),
  patch('protobuf: second changed', `${CM}/encoded-second`, { data: { a: '2' } }, 'merge'),
  post('protobuf: a definition', CRDS, { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `things.${GROUP}` }, spec: { group: GROUP, scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] } }),
  get('protobuf: things are served', THINGS, { until: 200 }),
  post('protobuf: a thing', THINGS, { apiVersion: `${GROUP}/v1`, kind: 'Thing', metadata: { name: 'one', labels: { a: 'b' } } }),
  ...Object.entries(FORMS).flatMap(([name, accept]) => [
    get(`protobuf: object, ${name}`, `${CM}/encoded-first`, { accept, managed: true }),
    get(`protobuf: list, ${name}`, `${CM}?${MINE}`, { accept }),
    get(`protobuf: none, ${name}`, `${CM}/none`, { accept }),
    get(`protobuf: thing, ${name}`, `${THINGS}/one`, { accept }),
    get(`protobuf: things, ${name}`, THINGS, { accept }),
    post(`protobuf: created, ${name}`, `${CM}?dryRun=All`, encoded('encoded-third'), { accept }),
    post(`protobuf: thing created, ${name}`, `${THINGS}?dryRun=All`, { apiVersion: `${GROUP}/v1`, kind: 'Thing', metadata: { name: 'two' } }, { accept }),
    remove(`protobuf: removed, ${name}`, `${CM}/encoded-second?dryRun=All`, undefined, { accept }),
  ]),
  get('protobuf: a page of metadata', `${CM}?${MINE}&limit=1`, { accept: LIST }),
  watch('objects', PROTOBUF), watch('objects, streamed', `${PROTOBUF};stream=watch`), watch('metadata', ONE), watch('metadata of v1beta1', FORMS['metadata of v1beta1']), watch('a table', FORMS.table), watch('a table or metadata', `${FORMS.table},${ONE}`),
  watch('nothing at all', PROTOBUF, { query: 'labelSelector=encoded%3Dnone' }),
  watch('bookmarks', PROTOBUF, { query: `${MINE}&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan` }),
  watch('things', PROTOBUF, { path: THINGS, query: '' }), watch('metadata of things', ONE, { path: THINGS, query: '' }),
  ...['/api', '/apis'].flatMap((path) => ROOTS.map((accept) => get(`protobuf: ${path} as ${accept}`, path, { accept }))),
  ...['/api/v1', '/apis/apps', '/apis/autoscaling/v1', '/apis/nonsense', `/apis/${GROUP}`].map((path) => get(`protobuf: ${path}`, path, { accept: PROTOBUF })),
  patch('protobuf: first let go', `${CM}/encoded-first`, { metadata: { finalizers: [] } }, 'merge'),
  remove('protobuf: all removed', `${CM}?${MINE}`, undefined, { accept: LIST }),
  remove('protobuf: definition removed', `${CRDS}/things.${GROUP}`),
  get('protobuf: things are gone', THINGS, { until: 404 }),
];
