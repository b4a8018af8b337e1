// Forms of answers and of bodies: chains of Accept, weights, parameters, protobuf both ways, and what none of the forms is.
import { encodeProtobuf } from '../../../internal/api/protobuf.ts';
import { loadSchemas } from '../../../internal/api/schema.ts';
import type { Row } from '../exchange.ts';
import { APPS, configMap, get, NS, patch, post, put, remove } from '../rows.ts';

const CM = `${NS}/configmaps`;
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const as = (kind: string, { version = 'v1', group = 'meta.k8s.io', type = 'application/json' } = {}): string => `${type};as=${kind};v=${version};g=${group}`;

const ACCEPTS = [
  '', ' ', ',', 'json', 'application/json;q=0', 'application/json;q=0.1,application/yaml;q=0.9', 'application/yaml;q=0.1,application/json;q=0.1', 'application/json; q=x', 'application/json;q=2', 'APPLICATION/JSON', 'application/json;charset=utf-8', 'application/json;pretty=1',
  'application/json;pretty=x', 'application/json;export=1', 'application/json;odd=1', 'application/json;stream=watch', '*/json', 'text/*', 'text/*,*/*;q=0.1', '*', 'application/cbor', 'application/cbor,application/json', 'application/cbor;q=0.9,application/json;q=0.1', 'application/cbor-seq',
  'application/vnd.kubernetes.protobuf,application/json', 'application/json,application/vnd.kubernetes.protobuf', 'application/vnd.kubernetes.protobuf;stream=watch', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'text/yaml', 'application/x-yaml', 'text/x-yaml', 'application/json-patch+json',
  as('Table', { version: 'v1beta1' }), as('Table', { version: 'v1beta1', type: 'application/yaml' }), as('Table', { group: 'nonsense' }), as('Table', { version: 'v2' }), as('table'), as('Table', { type: PROTOBUF }), as('Table', { type: 'application/cbor' }), as('Table', { type: '*/*' }), as('Table', { type: 'application/*' }),
  'application/json;as=Table', 'application/json;as=Table;v=v1', 'application/json;as=Table;g=meta.k8s.io', 'application/json;v=v1;g=meta.k8s.io', 'application/json;as=;v=v1;g=meta.k8s.io', as('ConfigMap', { group: '' }), as('ConfigMap', { group: 'core' }), as('ConfigMapList', { group: '' }), as('Status'), as('APIResourceList'),
  as('PartialObjectMetadata', { version: 'v1beta1' }), as('PartialObjectMetadata', { type: 'application/yaml' }), as('PartialObjectMetadataList', { version: 'v1beta1' }), as('PartialObjectMetadata', { group: 'nonsense' }),
  `${as('Nonsense')},${as('Table')}`, `${as('Table')};q=0.1,application/json;q=0.9`, `${as('Table', { version: 'v9' })},${as('PartialObjectMetadata')},application/json`, `${as('PartialObjectMetadataList')},${as('Table')}`, `${as('Table')},text/plain`,
];

const TARGETS = { object: `${CM}/negotiated`, list: `${CM}?labelSelector=negotiated%3D{ns}`, missing: `${CM}/none`, scale: `${APPS}/deployments/web/scale`, version: '/version', group: '/apis/apps/v1' } as const;

const CONTENT = ['', 'application/json', 'application/json;charset=latin1', 'application/json; x', 'APPLICATION/JSON', 'application/yaml', 'text/yaml', 'application/x-yaml', 'application/*', '*/*', 'json', 'application/json,application/yaml', 'application/json;q=0.5', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;stream=watch', 'application/cbor', 'multipart/form-data', 'application/x-www-form-urlencoded', ';', 'application/apply-patch+yaml', 'application/strategic-merge-patch+json'];
const PATCH_TYPES = ['application/json-patch+json;charset=utf-8', 'application/merge-patch+json; x=y', 'Application/Merge-Patch+JSON', 'application/apply-patch+cbor', 'application/apply-patch+json', 'application/apply-patch', 'application/strategic-merge-patch', 'application/yaml', 'text/plain', '*/*', ';'];

const bytes = (object: object): Buffer => Buffer.from(encodeProtobuf(object, loadSchemas()));
const protobuf = { contentType: PROTOBUF };
const inProtobuf = (name: string, object: object, more: object = {}): Row => post(`negotiation: ${name}`, `${CM}?dryRun=All`, bytes(object).toString('base64'), { ...protobuf, base64: true, ...more });
const plain = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'encoded', labels: { a: 'b' } }, data: { a: '1' }, binaryData: { b: 'AAEC' } };

export const NEGOTIATION: readonly Row[] = [
  post('negotiation: object', CM, configMap('negotiated', { a: '1' }, { labels: { negotiated: '{ns}' } })),
  ...(['object', 'list'] as const).flatMap((target) => ACCEPTS.map((accept) => get(`negotiation: ${target} as ${accept || 'nothing'}`, TARGETS[target], { accept }))),
  ...(['missing', 'scale', 'version', 'group'] as const).flatMap((target) => ['', 'text/plain', 'application/yaml', PROTOBUF, as('Table'), as('PartialObjectMetadata'), 'application/json;q=0', '*/*;q=0.1', 'application/cbor'].map((accept) => get(`negotiation: ${target} as ${accept || 'nothing'}`, TARGETS[target], { accept }))),
  ...['text/plain', as('Table'), as('PartialObjectMetadata'), PROTOBUF, 'application/cbor'].flatMap((accept) => [
    post(`negotiation: created as ${accept}`, `${CM}?dryRun=All`, configMap('shown'), { accept }),
    patch(`negotiation: patched as ${accept}`, `${CM}/negotiated?dryRun=All`, { data: { b: '2' } }, 'merge', { accept }),
    remove(`negotiation: deleted as ${accept}`, `${CM}/negotiated?dryRun=All`, undefined, { accept }),
    remove(`negotiation: collection deleted as ${accept}`, `${CM}?dryRun=All&labelSelector=negotiated%3D{ns}`, undefined, { accept }),
    post(`negotiation: refused as ${accept}`, `${CM}?dryRun=All`, configMap('A b'), { accept }),
  ]),
  ...CONTENT.map((contentType) => post(`negotiation: body of ${contentType || 'nothing'}`, `${CM}?dryRun=All`, configMap('told'), { contentType })),
  ...CONTENT.map((contentType) => remove(`negotiation: options of ${contentType || 'nothing'}`, `${CM}/negotiated`, { apiVersion: 'v1', kind: 'DeleteOptions', dryRun: ['All'] }, { contentType })),
  ...PATCH_TYPES.map((contentType) => patch(`negotiation: patch of ${contentType}`, `${CM}/negotiated?dryRun=All&fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', data: { b: '2' } }, 'merge', { contentType })),
  inProtobuf('protobuf', plain), inProtobuf('protobuf, answered in protobuf', plain, { accept: PROTOBUF }), inProtobuf('protobuf of another kind', { ...plain, kind: 'Secret' }), inProtobuf('protobuf of another version', { ...plain, metadata: { name: 'A b' } }),
  inProtobuf('protobuf as json', plain, { contentType: 'application/json' }), inProtobuf('protobuf as yaml', plain, { contentType: 'application/yaml' }),
  post('negotiation: protobuf cut short', `${CM}?dryRun=All`, bytes(plain).subarray(0, 40).toString('base64'), { ...protobuf, base64: true }),
  post('negotiation: protobuf of the mark alone', `${CM}?dryRun=All`, bytes(plain).subarray(0, 4).toString('base64'), { ...protobuf, base64: true }),
  post('negotiation: protobuf of nothing', `${CM}?dryRun=All`, '', protobuf),
  post('negotiation: json as protobuf', `${CM}?dryRun=All`, plain, protobuf),
  put('negotiation: update in protobuf', `${CM}/negotiated?dryRun=All`, bytes({ ...plain, metadata: { name: 'negotiated' } }).toString('base64'), { ...protobuf, base64: true }),
  put('negotiation: update in protobuf of another name', `${CM}/negotiated?dryRun=All`, bytes(plain).toString('base64'), { ...protobuf, base64: true }),
  remove('negotiation: options in protobuf', `${CM}/negotiated`, bytes({ apiVersion: 'v1', kind: 'DeleteOptions', dryRun: ['All'], preconditions: { uid: 'mine' } }).toString('base64'), { ...protobuf, base64: true }),
  patch('negotiation: patch in protobuf', `${CM}/negotiated?dryRun=All`, bytes(plain).toString('base64'), 'merge', { ...protobuf, base64: true }),
  remove('negotiation: gone', `${CM}/negotiated`),
];
