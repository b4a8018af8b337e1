// Server-side apply: conflicts, force, lists as maps and sets, who owns what per subresource, and what is given up.
import type { Row } from '../exchange.ts';
import { APPS, configMap, get, NS, patch, post, put, remove } from '../rows.ts';

const AT = `${APPS}/deployments/shared`;
const SERVICE = `${NS}/services/shared`;
const CM = `${NS}/configmaps`;

function apply(name: string, path: string, manager: string, body: object, query = ''): Row {
  return patch(name, `${path}?fieldManager=${manager}${query}`, body, 'apply', { managed: true });
}

function deployment(spec: object, metadata: object = {}): object {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shared', ...metadata }, spec };
}

const selector = { matchLabels: { app: 'shared' } };
const template = (containers: object[], spec: object = {}): object => ({ metadata: { labels: { app: 'shared' } }, spec: { containers, ...spec } });
const web = { name: 'web', image: 'example.test/web:1' };
const service = (ports: object[], spec: object = {}): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'shared' }, spec: { ports, ...spec } });
const applied = (data: object, metadata: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', ...metadata }, data });

export const APPLIES: readonly Row[] = [
  apply('apply a deployment', AT, 'one', deployment({ replicas: 1, selector, template: template([web]) })),
  apply('apply the same again', AT, 'one', deployment({ replicas: 1, selector, template: template([web]) })),
  apply('apply a second container by another', AT, 'two', deployment({ template: { spec: { containers: [{ name: 'side', image: 'example.test/side:1' }] } } })),
  apply('apply conflicts in a list item', AT, 'two', deployment({ template: { spec: { containers: [{ name: 'web', image: 'example.test/web:2' }] } } })),
  apply('apply conflicts in two fields', AT, 'three', deployment({ replicas: 3, template: { spec: { containers: [{ name: 'web', image: 'example.test/web:3' }] } } })),
  apply('apply by force', AT, 'two', deployment({ template: { spec: { containers: [{ name: 'side', image: 'example.test/side:1' }, { name: 'web', image: 'example.test/web:2' }] } } }), '&force=true'),
  apply('apply what one lost', AT, 'one', deployment({ replicas: 1, selector, template: template([web]) })),
  apply('apply without what one had', AT, 'one', deployment({ selector, template: template([{ name: 'web' }]) })),
  apply('apply shared values', AT, 'three', deployment({ template: { spec: { containers: [{ name: 'web', image: 'example.test/web:2' }] } } })),
  apply('apply env and ports of a container', AT, 'one', deployment({ selector, template: template([{ name: 'web', env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }], ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] }]) })),
  apply('apply env in another order', AT, 'one', deployment({ selector, template: template([{ name: 'web', env: [{ name: 'B', value: '2' }, { name: 'A', value: '3' }], ports: [{ containerPort: 80 }] }]) })),
  apply('apply a list key twice', AT, 'one', deployment({ selector, template: template([{ name: 'web', env: [{ name: 'A', value: '1' }, { name: 'A', value: '2' }] }]) })),
  apply('apply of an item without its key', AT, 'one', deployment({ selector, template: template([{ image: 'example.test/none:1' }]) })),
  apply('apply of an unknown field', AT, 'one', deployment({ selector, template: template([{ name: 'web' }]), nonsense: 1 })),
  apply('apply of a wrong type', AT, 'one', deployment({ selector, template: template([{ name: 'web' }]), replicas: 'many' })),
  apply('apply of another name', AT, 'one', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'other' } }),
  apply('apply of another namespace', AT, 'one', deployment({ selector }, { namespace: 'other' })),
  apply('apply with managed fields', AT, 'one', deployment({ selector }, { managedFields: [{ manager: 'x' }] })),
  apply('apply with a stale version', AT, 'one', deployment({ selector, template: template([{ name: 'web' }]) }, { resourceVersion: '1' })),
  apply('apply with another uid', AT, 'one', deployment({ selector, template: template([{ name: 'web' }]) }, { uid: 'mine' })),
  apply('apply of immutable', AT, 'one', deployment({ selector: { matchLabels: { app: 'other' } }, template: template([{ name: 'web' }]) }), '&force=true'),
  apply('apply, dry run', AT, 'four', deployment({ replicas: 9 }), '&force=true&dryRun=All'),
  apply('apply of status', `${AT}/status`, 'keeper', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shared' }, status: { replicas: 1, conditions: [{ type: 'Available', status: 'True' }] } }),
  apply('apply of status by another', `${AT}/status`, 'other', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shared' }, status: { replicas: 2 } }),
  apply('apply of scale', `${AT}/scale`, 'scaler', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'shared' }, spec: { replicas: 4 } }, '&force=true'),
  get('after scale', AT, { managed: true }),
  patch('update by merge after apply', `${AT}?fieldManager=hand`, { spec: { replicas: 5 } }, 'merge', { managed: true }),
  patch('update by strategic merge after apply', `${AT}?fieldManager=hand`, { spec: { template: { spec: { containers: [{ name: 'side', image: 'example.test/side:2' }] } } } }, 'strategic', { managed: true }),
  patch('update by json patch after apply', `${AT}?fieldManager=hand`, [{ op: 'replace', path: '/spec/minReadySeconds', value: 1 }], 'json', { managed: true }),
  patch('managed fields cleared', `${AT}?fieldManager=hand`, { metadata: { managedFields: [{}] } }, 'merge', { managed: true }),
  patch('managed fields of nonsense', `${AT}?fieldManager=hand`, { metadata: { managedFields: [{ manager: 'x', operation: 'Nonsense' }] } }, 'merge', { managed: true }),
  apply('apply after clearing', AT, 'one', deployment({ replicas: 1, selector, template: template([web]) })),
  apply('apply a service', SERVICE, 'one', service([{ name: 'a', port: 80 }, { name: 'b', port: 81 }])),
  apply('apply a port by another', SERVICE, 'two', service([{ name: 'c', port: 82 }])),
  apply('apply the same port with another name', SERVICE, 'two', service([{ name: 'z', port: 80, protocol: 'TCP' }])),
  apply('apply fewer ports', SERVICE, 'one', service([{ name: 'b', port: 81 }])),
  apply('apply finalizers', `${CM}/owned`, 'one', applied({ a: '1' }, { finalizers: ['example.test/a'] })),
  apply('apply more finalizers', `${CM}/owned`, 'two', applied({}, { finalizers: ['example.test/b'] })),
  apply('apply labels', `${CM}/owned`, 'two', applied({ b: '2' }, { labels: { x: 'y' }, finalizers: ['example.test/b'] })),
  apply('apply nothing', `${CM}/owned`, 'two', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' } }),
  apply('apply nothing of one', `${CM}/owned`, 'one', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' } }),
  put('update takes over', `${CM}/owned?fieldManager=hand`, configMap('owned', { a: '9' }), { managed: true }),
  apply('apply null', `${CM}/owned`, 'one', applied({ a: null })),
  apply('apply of another version', `${CM}/owned`, 'one', { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'owned' } }),
  apply('apply of nothing at all', `${CM}/owned`, 'one', {}),
  patch('apply as json', `${CM}/owned?fieldManager=one`, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned"},"data":{"j":"1"}}', 'apply', { managed: true }),
  patch('apply as yaml', `${CM}/owned?fieldManager=one`, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: owned\ndata:\n  y: "1"\n', 'apply', { managed: true }),
  patch('apply as an array', `${CM}/owned?fieldManager=one`, '[]', 'apply'),
  patch('apply with a long manager', `${CM}/owned?fieldManager=${'m'.repeat(129)}`, applied({}), 'apply'),
  post('managed at creation', `${CM}?fieldManager=maker`, configMap('made', { a: '1' }, { managedFields: [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {} } }] }), { managed: true }),
  remove('remove the shared', AT),
  remove('remove the owned', `${CM}/owned`),
  remove('remove the made', `${CM}/made`),
];
