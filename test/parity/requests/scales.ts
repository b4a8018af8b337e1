// Scale subresources: who owns the replicas by way of them, of built-in kinds and of custom ones, and what a custom object without replicas says.
import type { Row } from '../exchange.ts';
import { APPS, get, NS, patch, post, put, remove } from '../rows.ts';

const AT = `${APPS}/deployments/wide`;
const GROUP = '{ns}.scales.example.com';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const FANS = `/apis/${GROUP}/v1/namespaces/{ns}/fans`;

const managed = { managed: true };
const scale = (replicas: unknown, metadata: object = {}, name = 'wide'): object => ({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name, ...metadata }, spec: { replicas } });
const template = { metadata: { labels: { app: 'wide' } }, spec: { containers: [{ name: 'web', image: 'example.test/web:1' }] } };
const workload = (kind: string, spec: object, apiVersion = 'apps/v1'): object => ({ apiVersion, kind, metadata: { name: 'wide' }, spec: { selector: { matchLabels: { app: 'wide' } }, template, ...spec } });
const apply = (name: string, path: string, manager: string, body: object, query = ''): Row => patch(name, `${path}?fieldManager=${manager}${query}`, body, 'apply', managed);
const deployment = (spec: object): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'wide' }, spec });

const replicas = { type: 'object', properties: { n: { type: 'integer' }, name: { type: 'string' } } };
const schema = { openAPIV3Schema: { type: 'object', properties: { spec: replicas, status: { type: 'object', properties: { n: { type: 'integer' }, selector: { type: 'string' } } } } } };
const subresources = { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n', labelSelectorPath: '.status.selector' } };
const fan = (name: string, spec: object, version = 'v1'): object => ({ apiVersion: `${GROUP}/${version}`, kind: 'Fan', metadata: { name }, spec });

export const SCALES: readonly Row[] = [
  apply('scales: applied deployment', AT, 'one', workload('Deployment', { replicas: 1 })),
  patch('scales: merge by another', `${AT}/scale?fieldManager=hand`, { spec: { replicas: 2 } }, 'merge'),
  get('scales: after merge', AT, managed),
  put('scales: put by a third', `${AT}/scale?fieldManager=third`, scale(3)),
  get('scales: after put', AT, managed),
  put('scales: put the same', `${AT}/scale?fieldManager=third`, scale(3)),
  get('scales: after the same', AT, managed),
  put('scales: put the same by another', `${AT}/scale?fieldManager=fourth`, scale(3)),
  get('scales: after the same by another', AT, managed),
  apply('scales: applied scale, conflict', `${AT}/scale`, 'scaler', scale(4)),
  apply('scales: applied scale, forced', `${AT}/scale`, 'scaler', scale(4), '&force=true'),
  get('scales: after applied', AT, managed),
  apply('scales: applied scale again', `${AT}/scale`, 'scaler', scale(4)),
  apply('scales: applied scale, shared', `${AT}/scale`, 'other', scale(4)),
  get('scales: after shared', AT, managed),
  apply('scales: applied scale, nothing', `${AT}/scale`, 'other', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'wide' } }),
  get('scales: after nothing', AT, managed),
  apply('scales: object applied, conflict', AT, 'one', deployment({ replicas: 1 })),
  apply('scales: object applied without replicas', AT, 'one', workload('Deployment', {})),
  apply('scales: object applied with the same', AT, 'two', deployment({ replicas: 4 })),
  patch('scales: strategic', `${AT}/scale?fieldManager=hand`, { spec: { replicas: 5 } }, 'strategic'),
  patch('scales: json', `${AT}/scale?fieldManager=hand`, [{ op: 'replace', path: '/spec/replicas', value: 6 }], 'json'),
  patch('scales: json test', `${AT}/scale`, [{ op: 'test', path: '/spec/replicas', value: 1 }], 'json'),
  patch('scales: merge unknown', `${AT}/scale`, { spec: { odd: 1 } }, 'merge'),
  patch('scales: merge unknown, strict', `${AT}/scale?fieldValidation=Strict`, { spec: { odd: 1 } }, 'merge'),
  patch('scales: merge of text', `${AT}/scale`, { spec: { replicas: 'two' } }, 'merge'),
  patch('scales: merge below zero', `${AT}/scale`, { spec: { replicas: -1 } }, 'merge'),
  patch('scales: merge null', `${AT}/scale?dryRun=All`, { spec: { replicas: null } }, 'merge'),
  patch('scales: merge of status', `${AT}/scale?dryRun=All`, { status: { replicas: 9 } }, 'merge'),
  patch('scales: merge of a label', `${AT}/scale?dryRun=All`, { metadata: { labels: { a: 'b' } } }, 'merge'),
  patch('scales: merge of a name', `${AT}/scale`, { metadata: { name: 'other' } }, 'merge'),
  patch('scales: merge of a uid', `${AT}/scale`, { metadata: { uid: 'other' } }, 'merge'),
  patch('scales: merge of a stale version', `${AT}/scale`, { metadata: { resourceVersion: '1' } }, 'merge'),
  patch('scales: apply of another kind', `${AT}/scale?fieldManager=one`, deployment({ replicas: 1 }), 'apply'),
  put('scales: put of a uid', `${AT}/scale`, scale(1, { uid: 'other' })),
  put('scales: put without spec', `${AT}/scale?dryRun=All`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'wide' } }),
  put('scales: put unknown, strict', `${AT}/scale?fieldValidation=Strict`, { ...scale(1), odd: 1 }),
  get('scales: scale has no owners', `${AT}/scale`, managed),
  remove('scales: delete the deployment', AT),
  ...['replicasets', 'statefulsets'].flatMap((resource): Row[] => [
    post(`scales: ${resource}`, `${APPS}/${resource}?fieldManager=maker`, workload(resource === 'replicasets' ? 'ReplicaSet' : 'StatefulSet', { replicas: 0, ...(resource === 'statefulsets' && { serviceName: 'wide' }) }), managed),
    patch(`scales: ${resource}, merge`, `${APPS}/${resource}/wide/scale?fieldManager=hand`, { spec: { replicas: 1 } }, 'merge'),
    get(`scales: ${resource}, after`, `${APPS}/${resource}/wide`, managed),
    get(`scales: ${resource}, scale`, `${APPS}/${resource}/wide/scale`),
    remove(`scales: ${resource}, delete`, `${APPS}/${resource}/wide`),
  ]),
  post('scales: controller', `${NS}/replicationcontrollers?fieldManager=maker`, workload('ReplicationController', { replicas: 0, selector: { app: 'wide' } }, 'v1'), managed),
  apply('scales: controller, applied', `${NS}/replicationcontrollers/wide/scale`, 'scaler', scale(2), '&force=true'),
  get('scales: controller, after', `${NS}/replicationcontrollers/wide`, managed),
  remove('scales: controller, delete', `${NS}/replicationcontrollers/wide`),
  post('scales: definition', CRDS, {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `fans.${GROUP}` },
    spec: { group: GROUP, scope: 'Namespaced', names: { plural: 'fans', kind: 'Fan' }, versions: [{ name: 'v1', served: true, storage: true, schema, subresources }, { name: 'v2', served: true, storage: false, schema, subresources }] },
  }),
  get('scales: definition served', FANS, { until: 200 }),
  post('scales: custom', `${FANS}?fieldManager=maker`, fan('one', { n: 1, name: 'x' }), managed),
  patch('scales: custom, merge', `${FANS}/one/scale?fieldManager=hand`, { spec: { replicas: 2 } }, 'merge'),
  get('scales: custom, after merge', `${FANS}/one`, managed),
  apply('scales: custom, conflict', `${FANS}/one/scale`, 'scaler', scale(4, {}, 'one')),
  apply('scales: custom, by another version', `/apis/${GROUP}/v2/namespaces/{ns}/fans/one`, 'second', fan('one', { n: 4 }, 'v2')),
  put('scales: custom, put', `/apis/${GROUP}/v2/namespaces/{ns}/fans/one/scale?fieldManager=hand`, scale(5, {}, 'one')),
  get('scales: custom, after put', `${FANS}/one`, managed),
  patch('scales: custom, below zero', `${FANS}/one/scale`, { spec: { replicas: -1 } }, 'merge'),
  patch('scales: custom, null', `${FANS}/one/scale?dryRun=All`, { spec: { replicas: null } }, 'merge'),
  put('scales: custom, another uid', `${FANS}/one/scale`, scale(1, { uid: 'other' }, 'one')),
  post('scales: custom without replicas', FANS, fan('bare', { name: 'x' })),
  get('scales: custom without replicas, scale', `${FANS}/bare/scale`),
  patch('scales: custom without replicas, nothing', `${FANS}/bare/scale`, {}, 'merge'),
  put('scales: custom without replicas, put none', `${FANS}/bare/scale?dryRun=All`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'bare' } }),
  patch('scales: custom without replicas, merge', `${FANS}/bare/scale`, { spec: { replicas: 1 } }, 'merge'),
  get('scales: custom without replicas, after', `${FANS}/bare`, managed),
  post('scales: custom, nothing at all', FANS, { apiVersion: `${GROUP}/v1`, kind: 'Fan', metadata: { name: 'none' } }),
  patch('scales: custom, nothing at all, merge', `${FANS}/none/scale?fieldManager=hand`, { spec: { replicas: 1 } }, 'merge'),
  get('scales: custom, nothing at all, after', `${FANS}/none`, managed),
  remove('scales: definition deleted', `${CRDS}/fans.${GROUP}`),
];
