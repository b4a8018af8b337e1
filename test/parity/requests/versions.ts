// Who owned fields in a version that is no more: of a definition that gave it up, and of built-in kinds that never had it.
import type { Row } from '../exchange.ts';
import { APPS, configMap, get, NS, patch, post, remove } from '../rows.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = '{ns}.versions.example';
const CM = `${NS}/configmaps`;

const version = (name: string, more: object = {}): object => ({ name, served: true, storage: false, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }, ...more });
const at = (of: string, name = ''): string => `/apis/${GROUP}/${of}/things${name && `/${name}`}`;
const owner = (apiVersion: string, field: string, more: object = {}): object => ({ manager: 'told', operation: 'Update', apiVersion, fieldsType: 'FieldsV1', fieldsV1: { [`f:${field}`]: {} }, ...more });

function merge(name: string, path: string, body: object, manager = 'hand'): Row {
  return patch(`versions: ${name}`, `${path}?fieldManager=${manager}`, body, 'merge', { managed: true });
}

function apply(name: string, { path, manager, object, query = '' }: { path: string; manager: string; object: object; query?: string }): Row {
  return patch(`versions: ${name}`, `${path}?fieldManager=${manager}${query}`, object, 'apply', { managed: true });
}

function applyThing(name: string, { of, to, manager, data, query = '' }: { of: string; to: string; manager: string; data: object; query?: string }): Row {
  return apply(name, { path: at(of, to), manager, object: { apiVersion: `${GROUP}/${of}`, kind: 'Thing', metadata: { name: to }, data }, query });
}

/** Owned in v1beta1 by an apply and an update, and in v1 by an update. */
const thing = (name: string): Row[] => [
  applyThing(`${name} applied in the old version`, { of: 'v1beta1', to: name, manager: 'one', data: { a: '1', x: '1' } }),
  merge(`${name} changed in the old version`, at('v1beta1', name), { data: { b: '1' } }),
  merge(`${name} changed in the new version`, at('v1', name), { data: { c: '1' } }, 'foot'),
];

const told = (apiVersion: string): Row[] => {
  const [name, path] = [`told-${apiVersion.replaceAll('/', '-')}`, `${CM}/told-${apiVersion.replaceAll('/', '-')}`];
  return [
    post(`versions: for ${apiVersion}`, `${CM}?fieldManager=maker`, configMap(name, { a: '1', b: '1' })),
    merge(`owners of ${apiVersion} and v1 told`, path, { metadata: { managedFields: [owner(apiVersion, 'data', { fieldsV1: { 'f:data': { 'f:a': {} } } }), owner('v1', 'data', { manager: 'other', operation: 'Apply', fieldsV1: { 'f:data': { 'f:b': {} } } })] } }),
    apply(`applied to what an owner of ${apiVersion} had`, { path, manager: 'two', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '2' } } }),
    merge(`changed besides an owner of ${apiVersion}`, path, { data: { c: '1' }, metadata: { managedFields: [owner(apiVersion, 'data')] } }),
    remove(`versions: ${apiVersion} removed`, path),
  ];
};

export const VERSIONS: readonly Row[] = [
  post('versions: three', CRDS, { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `things.${GROUP}` }, spec: { group: GROUP, scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions: [version('v1', { storage: true }), version('v1beta1'), version('v1alpha1')] } }),
  get('versions: the old one is served', at('v1beta1'), { until: 200 }),
  get('versions: the new one is served', at('v1'), { until: 200 }),
  ...['merged', 'same', 'applied', 'given', 'lost', 'hidden'].flatMap(thing),
  merge('hidden changed in the one that will not be served', at('v1alpha1', 'hidden'), { data: { d: '1' } }, 'early'),
  patch('versions: the old one goes, another is not served', `${CRDS}/things.${GROUP}`, { spec: { versions: [version('v1', { storage: true }), version('v1alpha1', { served: false })] } }, 'merge'),
  get('versions: the old one is gone', at('v1beta1'), { until: 404 }),
  get('versions: read', at('v1', 'merged'), { managed: true }),
  merge('changed after', at('v1', 'merged'), { data: { d: '1' } }, 'other'),
  applyThing('applied after a change', { of: 'v1', to: 'merged', manager: 'two', data: { q: '2' } }),
  merge('nothing changed after', at('v1', 'same'), { data: { c: '1' } }, 'other'),
  applyThing('applied after', { of: 'v1', to: 'applied', manager: 'one', data: { a: '1' } }),
  merge('owners of the new one told', at('v1', 'given'), { metadata: { managedFields: [owner(`${GROUP}/v1`, 'data')] } }),
  merge('owners of one that is not served told', at('v1', 'given'), { metadata: { managedFields: [owner(`${GROUP}/v1alpha1`, 'data')] }, data: { e: '1' } }),
  applyThing('applied beside one that is not served', { of: 'v1', to: 'given', manager: 'two', data: { q: '2' } }),
  merge('owners of one that never was told', at('v1', 'lost'), { metadata: { managedFields: [owner(`${GROUP}/v7`, 'data')] } }),
  merge('owners of another group told', at('v1', 'given'), { metadata: { managedFields: [owner('v1', 'data')] } }),
  remove('versions: removed', `${CRDS}/things.${GROUP}`),
  ...['v9', 'foo/v1', 'a/b/c', 'extensions/v1beta1'].flatMap(told),
  post('versions: made with an owner of v9', `${CM}?fieldManager=maker`, configMap('made', { a: '1' }, { managedFields: [owner('v9', 'data')] }), { managed: true }),
  remove('versions: made removed', `${CM}/made`),
  post('versions: a revision', `${APPS}/controllerrevisions?fieldManager=maker`, { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'versions' }, data: { of: 'this' }, revision: 1 }, { managed: true }),
  merge('owners of apps/v1beta1 told', `${APPS}/controllerrevisions/versions`, { metadata: { managedFields: [owner('apps/v1beta1', 'revision')] } }),
  merge('owners of a former group told', `${APPS}/controllerrevisions/versions`, { revision: 2, metadata: { managedFields: [owner('extensions/v1beta1', 'revision'), owner('apps/v1', 'data')] } }),
  remove('versions: revision removed', `${APPS}/controllerrevisions/versions`),
];
