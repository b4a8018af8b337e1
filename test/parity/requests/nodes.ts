// What a kubelet may: the node authorizer, and what NodeRestriction says of nodes, mirror pods, statuses, tokens, leases and slices.
import type { Row } from '../exchange.ts';
import { get, patch, pod, post, remove } from '../rows.ts';

const NS = '/api/v1/namespaces/{ns}-nodes';
const NODE = '/api/v1/nodes/{ns}-n';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const CSINODES = '/apis/storage.k8s.io/v1/csinodes';
const SLICES = '/apis/resource.k8s.io/v1/resourceslices';
const kubelet = { as: 'system:node:{ns}-n', headers: { 'impersonate-group': 'system:nodes' } };
const nameless = { as: 'system:node:', headers: { 'impersonate-group': 'system:nodes' } };
const RESTRICTED = 'node-restriction.kubernetes.io/x';

const node = (name: string, { metadata = {}, ...more }: { metadata?: object; spec?: object } = {}): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, ...metadata }, ...more });
const small = (plural: string, kind: string, name: string): Row => post(`nodes: ${kind} ${name}`, `${NS}/${plural}`, { apiVersion: 'v1', kind, metadata: { name } });
const lease = (name: string): object => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: { holderIdentity: name } });
const csiNode = (name: string): object => ({ apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name }, spec: { drivers: [] } });
const slice = (name: string, spec: object): object => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name }, spec: { driver: 'a.example', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [], ...spec } });
const owner = (more: object = {}): object => ({ apiVersion: 'v1', kind: 'Node', name: '{ns}-n', uid: '{self.metadata.uid}', controller: true, ...more });
const mirror = (name: string, spec: object = {}, metadata: object = {}): Row => post(`nodes: mirror, ${name}`, `${NS}/pods?dryRun=All`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [owner()], ...metadata }, spec: { nodeName: '{ns}-n', containers: [{ name: 'c', image: 'x' }], ...spec } }, kubelet);
const volume = (source: object): object => ({ volumes: [{ name: 'x', ...source }] });
const change = (name: string, body: object): Row => patch(`nodes: node changed, ${name}`, `${NODE}?dryRun=All`, body, 'merge', kubelet);
const token = (name: string, spec: object, account = 'default'): Row => post(`nodes: token, ${name}`, `${NS}/serviceaccounts/${account}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }, kubelet);
const toPod = (name: string, uid?: string): object => ({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, ...(uid !== undefined && { uid }) } });
const status = (name: string, body: object, of = 'mine'): Row => patch(`nodes: status of ${of}, ${name}`, `${NS}/pods/${of}/status?dryRun=All`, body, 'strategic', kubelet);

const THINGS: Readonly<Record<string, string>> = {
  'its secret': `${NS}/secrets/mine`, 'a secret of variables': `${NS}/secrets/env`, 'another secret': `${NS}/secrets/other`, 'no secret': `${NS}/secrets/none`, 'its map': `${NS}/configmaps/mine`, 'another map': `${NS}/configmaps/other`, 'its account': `${NS}/serviceaccounts/default`, 'another account': `${NS}/serviceaccounts/other`,
  'itself': NODE, 'another node': '/api/v1/nodes/{ns}-o', 'its pod': `${NS}/pods/mine`, 'another pod': `${NS}/pods/other`, 'its lease': `${LEASES}/{ns}-n`, 'another lease': `${LEASES}/{ns}-o`, 'a lease elsewhere': '/apis/coordination.k8s.io/v1/namespaces/{ns}-nodes/leases/{ns}-n', 'its CSINode': `${CSINODES}/{ns}-n`, 'another CSINode': `${CSINODES}/{ns}-o`,
  'its slice': `${SLICES}/{ns}-n`, 'no claim': `${NS}/persistentvolumeclaims/none`, 'no volume': '/api/v1/persistentvolumes/none', 'no attachment': '/apis/storage.k8s.io/v1/volumeattachments/none', 'a Deployment': '/apis/apps/v1/namespaces/{ns}-nodes/deployments/x', 'its proxy': `${NODE}/proxy/`, 'a log': `${NS}/pods/mine/log`,
};
const LISTS: Readonly<Record<string, string>> = {
  'secrets': `${NS}/secrets`, 'its secret by name': `${NS}/secrets?fieldSelector=metadata.name%3Dmine`, 'another secret by name': `${NS}/secrets?fieldSelector=metadata.name%3Dother`, 'pods': `${NS}/pods`, 'its pods': '/api/v1/pods?fieldSelector=spec.nodeName%3D{ns}-n', 'another’s pods': '/api/v1/pods?fieldSelector=spec.nodeName%3D{ns}-o', 'nodes': '/api/v1/nodes', 'itself': '/api/v1/nodes?fieldSelector=metadata.name%3D{ns}-n', 'leases': LEASES, 'slices': SLICES, 'its slices': `${SLICES}?fieldSelector=spec.nodeName%3D{ns}-n`,
};

const NODES_MADE: readonly Row[] = [
  post('nodes: namespace', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{ns}-nodes' } }), small('serviceaccounts', 'ServiceAccount', 'default'), small('serviceaccounts', 'ServiceAccount', 'other'),
  post('nodes: made for another', '/api/v1/nodes', node('{ns}-o'), kubelet), post('nodes: made by no node', '/api/v1/nodes', node('{ns}-o'), nameless), post('nodes: made restricted', '/api/v1/nodes', node('{ns}-n', { metadata: { labels: { [RESTRICTED]: 'y' } } }), kubelet), post('nodes: made with labels of the system', '/api/v1/nodes', node('{ns}-n', { metadata: { labels: { 'kubernetes.io/odd': 'y', 'node-role.kubernetes.io/x': '', 'a.k8s.io/b': 'c' } } }), kubelet), post('nodes: made with a source', '/api/v1/nodes', node('{ns}-n', { spec: { configSource: { configMap: { name: 'a', namespace: 'b', kubeletConfigKey: 'c' } } } }), kubelet), post('nodes: made with a taint', '/api/v1/nodes?dryRun=All', node('{ns}-n', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }), kubelet),
  post('nodes: made', '/api/v1/nodes', node('{ns}-n', { metadata: { labels: { 'kubernetes.io/hostname': 'x', 'node.kubernetes.io/instance-type': 'a', 'kubelet.kubernetes.io/a': 'b', 'node.kubernetes.io/b': 'c', 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', 'beta.kubernetes.io/os': 'linux' } } }), { ...kubelet, save: 'self' }), post('nodes: another made', '/api/v1/nodes', node('{ns}-o')),
  small('secrets', 'Secret', 'mine'), small('secrets', 'Secret', 'env'), small('secrets', 'Secret', 'other'), small('configmaps', 'ConfigMap', 'mine'), small('configmaps', 'ConfigMap', 'other'),
  post('nodes: pod of its zone', `${NS}/pods`, pod('mine', { nodeName: '{ns}-n', volumes: [{ name: 's', secret: { secretName: 'mine' } }, { name: 'c', configMap: { name: 'mine' } }, { name: 'j', projected: { sources: [{ serviceAccountToken: { audience: 'vault', path: 'x' } }] } }], containers: [{ name: 'web', image: 'x', envFrom: [{ secretRef: { name: 'env' } }] }] }), { save: 'mine' }),
  post('nodes: pod elsewhere', `${NS}/pods`, pod('other', { nodeName: '{ns}-o', serviceAccountName: 'other' }), { save: 'other' }), post('nodes: pod of no node', `${NS}/pods`, pod('none')), post('nodes: pod bound', `${NS}/pods`, pod('bound')), post('nodes: binding', `${NS}/pods/bound/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bound' }, target: { kind: 'Node', name: '{ns}-n' } }), get('nodes: bound in its zone', `${NS}/pods/bound`),
];

const PODS_WRITTEN: readonly Row[] = [
  mirror('good'), mirror('none', {}, { annotations: {} }), mirror('elsewhere', { nodeName: '{ns}-o' }), mirror('with an account', { serviceAccountName: 'default' }), mirror('with a secret', volume({ secret: { secretName: 'a' } })), mirror('with variables', { containers: [{ name: 'c', image: 'x', envFrom: [{ configMapRef: { name: 'a' } }] }] }), mirror('with a claim', volume({ persistentVolumeClaim: { claimName: 'a' } })), mirror('with a token', volume({ projected: { sources: [{ serviceAccountToken: { path: 'a' } }] } })), mirror('with a driver', volume({ csi: { driver: 'd' } })), mirror('with a folder', volume({ emptyDir: {} })),
  mirror('of nobody', {}, { ownerReferences: [] }), mirror('of two', {}, { ownerReferences: [owner(), owner({ uid: 'u' })] }), mirror('of a pod', {}, { ownerReferences: [owner({ kind: 'Pod' })] }), mirror('of another', {}, { ownerReferences: [owner({ name: '{ns}-o' })] }), mirror('of another uid', {}, { ownerReferences: [owner({ uid: 'u' })] }), mirror('uncontrolled', {}, { ownerReferences: [owner({ controller: false })] }), mirror('blocking', {}, { ownerReferences: [owner({ blockOwnerDeletion: true })] }),
  status('runs', { status: { phase: 'Running' } }), status('labels', { metadata: { labels: { a: 'b' } } }), status('claims', { status: { resourceClaimStatuses: [{ name: 'r', resourceClaimName: 'x' }] } }), status('runs', { status: { phase: 'Running' } }, 'other'),
  ...['mine', 'other', 'nowhere'].map((name) => post(`nodes: eviction of ${name}`, `${NS}/pods/${name}/eviction?dryRun=All`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }, kubelet)), ...['mine', 'other', 'none'].map((name) => remove(`nodes: deletion of ${name}`, `${NS}/pods/${name}?dryRun=All`, undefined, kubelet)), patch('nodes: its pod changed', `${NS}/pods/mine`, {}, 'merge', kubelet), patch('nodes: its pod resized', `${NS}/pods/mine/resize`, {}, 'merge', kubelet),
];

const NODES_CHANGED: readonly Row[] = [
  change('label', { metadata: { labels: { a: 'b' } } }), change('restricted', { metadata: { labels: { [RESTRICTED]: 'y' } } }), change('of the system', { metadata: { labels: { 'x.k8s.io/y': 'z', 'kubernetes.io/a': 'b', [RESTRICTED]: 'y' } } }), change('role', { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }), change('its own', { metadata: { labels: { 'a.kubelet.kubernetes.io/x': 'y', 'kubernetes.io/hostname': null } } }), change('owner', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'x', uid: 'u' }] } }), change('taint', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }), change('source', { spec: { configSource: { configMap: { name: 'a', namespace: 'b', kubeletConfigKey: 'c' } } } }), change('unschedulable', { spec: { unschedulable: true } }),
  patch('nodes: status with a label', `${NODE}/status?dryRun=All`, { metadata: { labels: { [RESTRICTED]: 'y' } } }, 'merge', kubelet), patch('nodes: another’s status', '/api/v1/nodes/{ns}-o/status', { status: {} }, 'merge', kubelet),
  token('unbound', {}), token('bound', toPod('mine', '{mine.metadata.uid}')), token('without uid', toPod('mine')), token('another uid', toPod('mine', 'x')), token('another pod', toPod('other', '{other.metadata.uid}'), 'other'), token('for vault', { audiences: ['vault'], ...toPod('mine', '{mine.metadata.uid}') }), token('for others', { audiences: ['other'], ...toPod('mine', '{mine.metadata.uid}') }), token('for two', { audiences: ['vault', 'x'], ...toPod('mine', '{mine.metadata.uid}') }),
  post('nodes: lease', LEASES, lease('{ns}-n'), kubelet), post('nodes: another’s lease', LEASES, lease('{ns}-o'), kubelet), patch('nodes: no lease changed', `${LEASES}/none`, {}, 'merge'), remove('nodes: lease gone', `${LEASES}/{ns}-n`, undefined, kubelet),
  post('nodes: CSINode', `${CSINODES}?dryRun=All`, csiNode('{ns}-n'), kubelet), post('nodes: another’s CSINode', CSINODES, csiNode('{ns}-o'), kubelet), patch('nodes: CSINode status', `${CSINODES}/{ns}-n/status`, {}, 'merge', kubelet),
  post('nodes: slice', SLICES, slice('{ns}-n', { nodeName: '{ns}-n' }), kubelet), post('nodes: another’s slice', SLICES, slice('{ns}-o', { nodeName: '{ns}-o' }), kubelet), post('nodes: slice of all', SLICES, slice('{ns}-o', { allNodes: true }), kubelet), patch('nodes: slice status', `${SLICES}/{ns}-n/status`, {}, 'merge', kubelet), remove('nodes: slices gone', `${SLICES}?fieldSelector=spec.nodeName%3D{ns}-n`, undefined, kubelet),
];

export const NODES: readonly Row[] = [
  ...NODES_MADE,
  ...Object.entries(THINGS).flatMap(([name, path]) => [get(`nodes: reads ${name}`, path, kubelet), get(`nodes: a nameless one reads ${name}`, path, nameless)]),
  ...Object.entries(LISTS).flatMap(([name, path]) => [get(`nodes: watches ${name}`, `${path}${path.includes('?') ? '&' : '?'}watch=1&timeoutSeconds=1`, nameless), remove(`nodes: deletes ${name} together`, `${path}${path.includes('?') ? '&' : '?'}dryRun=All`, undefined, kubelet)]), ...['secrets', 'another secret by name', 'pods', 'another’s pods', 'nodes', 'leases', 'slices', 'its slices'].map((name) => get(`nodes: lists ${name}`, LISTS[name] ?? '', kubelet)),
  ...PODS_WRITTEN, ...NODES_CHANGED,
  remove('nodes: deleted by itself', NODE, undefined, kubelet), ...['n', 'o'].map((name) => remove(`nodes: ${name} gone`, `/api/v1/nodes/{ns}-${name}`)), ...['mine', 'other', 'none', 'bound'].map((name) => remove(`nodes: pod ${name} gone`, `${NS}/pods/${name}?gracePeriodSeconds=0`)),
];
