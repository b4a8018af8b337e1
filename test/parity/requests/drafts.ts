// What is wrong or unusual in what is written, one row for each class that a comparison of 100,000 generated writes has found: objects with
// parts that nobody fills in together, updates that say less or more than they should, patches that are no patches.
import type { Row } from '../exchange.ts';
import { get, patch, pod, post, put, remove } from '../rows.ts';

const OWN = '{ns}-drafts';
const CORE = `/api/v1/namespaces/${OWN}`;
const group = (name: string, resource: string, version = 'v1'): string => `/apis/${name}/${version}/namespaces/${OWN}/${resource}`;
const cluster = (name: string, resource: string): string => `/apis/${name}/v1/${resource}`;
const RBAC = 'rbac.authorization.k8s.io';

function object(apiVersion: string, kind: string, rest: object = {}, metadata: object = {}): { apiVersion: string; kind: string; metadata: { name: string } } & Record<string, unknown> {
  return { apiVersion, kind, metadata: { name: 'draft', ...metadata }, ...rest };
}

/** Tried, not made. */
const tried = (name: string, path: string, body: unknown): Row => post(`tried ${name}`, `${path}?dryRun=All`, body);
const volumes = (name: string, ...sources: object[]): Row => tried(`volumes: ${name}`, `${CORE}/pods`, pod('draft', { volumes: sources.map((source, index) => ({ name: `v${String(index)}`, ...source })) }));
const spec = (name: string, part: object): Row => tried(`pod: ${name}`, `${CORE}/pods`, pod('draft', part));
const container = (name: string, part: object, more: object = {}): Row => spec(name, { containers: [{ name: 'web', image: 'example.test/web:1', ...part }], ...more });
const service = (name: string, part: object): Row => tried(`service: ${name}`, `${CORE}/services`, object('v1', 'Service', { spec: { ports: [{ port: 80 }], ...part } }));
const volume = (name: string, part: object): Row => tried(`volume: ${name}`, '/api/v1/persistentvolumes', object('v1', 'PersistentVolume', { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...part } }, { name: '{ns}-draft' }));
const map = (name: string, metadata: object): Row => tried(`metadata: ${name}`, `${CORE}/configmaps`, object('v1', 'ConfigMap', {}, { name: 'other', ...metadata }));

const SCENE: readonly Row[] = [
  post('namespace of drafts', '/api/v1/namespaces', object('v1', 'Namespace', {}, { name: OWN })),
  post('account of drafts', `${CORE}/serviceaccounts`, object('v1', 'ServiceAccount', { secrets: [{ kind: 'Secret', name: 'a', namespace: 'b', uid: 'c' }] }, { name: 'default' })),
  post('map of drafts', `${CORE}/configmaps`, object('v1', 'ConfigMap', { data: { a: '1' } }), { managed: true }),
];

const CREATORS: readonly Row[] = [
  post('who may update only', group(RBAC, 'roles'), object(`${RBAC}/v1`, 'Role', { rules: [{ apiGroups: ['', 'coordination.k8s.io'], resources: ['configmaps', 'leases'], verbs: ['get', 'patch', 'update'] }] }, { name: 'updater' })),
  post('and is bound', group(RBAC, 'rolebindings'), object(`${RBAC}/v1`, 'RoleBinding', { roleRef: { apiGroup: RBAC, kind: 'Role', name: 'updater' }, subjects: [{ kind: 'User', name: '{ns}-updater', apiGroup: RBAC }] }, { name: 'updater' })),
  patch('updater updates', `${CORE}/configmaps/draft`, { data: { b: '2' } }, 'merge', { as: '{ns}-updater', until: 200 }),
  patch('updater applies what is not there', `${CORE}/configmaps/absent?fieldManager=x`, object('v1', 'ConfigMap', {}, { name: 'absent' }), 'apply', { as: '{ns}-updater' }),
  put('updater puts what is not there', group('coordination.k8s.io', 'leases/absent'), object('coordination.k8s.io/v1', 'Lease', {}, { name: 'absent' }), { as: '{ns}-updater' }),
  put('put makes a role', group(RBAC, 'roles/put'), object(`${RBAC}/v1`, 'Role', {}, { name: 'put' })),
  put('put makes a binding', group(RBAC, 'rolebindings/put'), object(`${RBAC}/v1`, 'RoleBinding', { roleRef: { apiGroup: RBAC, kind: 'Role', name: 'put' } }, { name: 'put' })),
  put('put makes a service', `${CORE}/services/put`, object('v1', 'Service', { spec: { ports: [{ port: 80 }] } }, { name: 'put' })),
  put('put makes a limit range', `${CORE}/limitranges/put`, object('v1', 'LimitRange', { spec: { limits: [{ type: 'PersistentVolumeClaim', max: { storage: '5Gi' } }] } }, { name: 'put' })),
  put('put makes a runtime class', cluster('node.k8s.io', 'runtimeclasses/{ns}-put'), object('node.k8s.io/v1', 'RuntimeClass', { handler: 'runc' }, { name: '{ns}-put' })),
  put('put makes no config map', `${CORE}/configmaps/put`, object('v1', 'ConfigMap', {}, { name: 'put' })),
];

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'example.test/web:1' }] } };
const deployment = object('apps/v1', 'Deployment', { spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, template } }, { labels: { l: '1' } });
const DEPLOYMENT = group('apps', 'deployments/draft');
const policy = (part: object): object => object('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {}, ...part } });
const driver = object('storage.k8s.io/v1', 'CSIDriver', { spec: { tokenRequests: [{ audience: 'a' }] } }, { name: '{ns}.example.test' });
const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };

const GENERATIONS: readonly Row[] = [
  post('deployment of drafts', group('apps', 'deployments'), deployment),
  patch('annotated is a new generation', DEPLOYMENT, { metadata: { annotations: { a: 'b' } } }, 'merge'),
  put('status without namespace', `${DEPLOYMENT}/status`, object('apps/v1', 'Deployment', { status: { replicas: 1 } }), { managed: true }),
  put('status under another name', `${DEPLOYMENT}/status`, object('apps/v1', 'Deployment', {}, { name: 'other' })),
  patch('status annotated is none', `${DEPLOYMENT}/status`, { metadata: { annotations: { a: 'c' }, labels: { l: '2' } } }, 'merge'),
  post('priority class of drafts', cluster('scheduling.k8s.io', 'priorityclasses'), object('scheduling.k8s.io/v1', 'PriorityClass', { value: 5 }, { name: '{ns}-draft' })),
  patch('a priority class has one generation', cluster('scheduling.k8s.io', 'priorityclasses/{ns}-draft'), { description: 'd' }, 'merge'),
  remove('priority class gone', cluster('scheduling.k8s.io', 'priorityclasses/{ns}-draft')),
  post('driver of drafts', cluster('storage.k8s.io', 'csidrivers'), driver),
  patch('a driver is warned of once', cluster('storage.k8s.io', 'csidrivers/{ns}.example.test'), { spec: { requiresRepublish: true } }, 'merge'),
  remove('driver gone', cluster('storage.k8s.io', 'csidrivers/{ns}.example.test')),
  post('network policy of drafts', group('networking.k8s.io', 'networkpolicies'), policy({}), { managed: true }),
  post('event of drafts', `${CORE}/events`, object('v1', 'Event', { involvedObject: { kind: 'Pod', namespace: OWN, name: 'x' } }, { name: 'Any name_goes' }), { managed: true }),
  patch('no owners any more', `${CORE}/configmaps/draft`, { metadata: { managedFields: [] } }, 'merge', { managed: true }),
  tried('job with the labels of its pods', group('batch', 'jobs'), object('batch/v1', 'Job', { spec: { template: once } })),
  tried('job with labels of its own', group('batch', 'jobs'), object('batch/v1', 'Job', { spec: { template: once } }, { labels: { own: '1' } })),
];

const METADATA: readonly Row[] = [
  map('a generation that nobody counts', { generation: 5 }),
  map('a generation below zero', { generation: -1 }),
  map('an empty finalizer', { finalizers: [''] }),
  map('one owner twice', { ownerReferences: [1, 2].map(() => ({ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' })) }),
  map('owner of no version', { ownerReferences: [{ apiVersion: 'a/b/c', kind: 'Pod', name: 'a', uid: 'b' }] }),
  patch('deleted by a patch', `${CORE}/configmaps/draft`, { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }, 'merge'),
  patch('owner twice by a patch', `${CORE}/configmaps/draft`, { metadata: { ownerReferences: [1, 2].map(() => ({ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' })) } }, 'merge'),
  tried('plain finalizer of a lease', group('coordination.k8s.io', 'leases'), object('coordination.k8s.io/v1', 'Lease', {}, { finalizers: ['plain'] })),
  post('created with a version', `${CORE}/configmaps`, object('v1', 'ConfigMap', {}, { name: 'versioned', resourceVersion: '5' })),
  post('keys twice in YAML', `${CORE}/configmaps?dryRun=All&fieldValidation=Strict`, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\nkind: ConfigMap\n', { contentType: 'application/yaml' }),
  remove('collection with a policy of nonsense', `${CORE}/configmaps?labelSelector=no=such&propagationPolicy=Foo`),
  ...['null', '5', '"x"'].flatMap((text) => (['merge', 'strategic'] as const).map((type) => patch(`${type} patch ${text}`, `${CORE}/configmaps/draft`, text, type))),
  patch('json patch null', `${CORE}/configmaps/draft`, 'null', 'json'),
  patch('strategic patch of the kind', `${CORE}/configmaps/draft`, { kind: 'Foo', apiVersion: 'v9' }, 'strategic'),
  patch('nameless apply of what is not there', `${CORE}/configmaps/nameless?fieldManager=x`, { apiVersion: 'v1', kind: 'ConfigMap' }, 'apply'),
];

const own = { metadata: { name: 'x', finalizers: ['a/b'], creationTimestamp: '2026-01-01T00:00:00Z', labels: { 'a b': 'c' } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
const VOLUMES: readonly Row[] = [
  volumes('several in one', { secret: {}, downwardAPI: {}, cephfs: {}, nfs: {}, hostPath: {} }),
  volumes('the first counts', { gcePersistentDisk: { partition: 300 }, azureFile: {} }, { cephfs: {}, quobyte: {} }),
  volumes('of clouds', { awsElasticBlockStore: { partition: -1 } }, { azureDisk: { diskName: 'd', diskURI: 'x', cachingMode: 'y' } }, { azureDisk: { diskName: 'd', diskURI: 'x', kind: 'Managed' } }, { azureFile: {} }, { gcePersistentDisk: {} }, { vsphereVolume: {} }, { cinder: { secretRef: {} } }),
  volumes('of arrays', { fc: { targetWWNs: ['a'], wwids: ['b'] } }, { fc: {} }, { fc: { targetWWNs: ['a'], lun: 300 } }, { iscsi: { targetPortal: 'p', iqn: 'x', lun: 300, chapAuthSession: true, initiatorName: 'y' } }, { flexVolume: { options: { 'a.kubernetes.io/b': 'c' } } }),
  volumes('of networks', { glusterfs: {} }, { quobyte: { registry: 'x,y:1' } }, { flocker: { datasetName: 'a/b', datasetUUID: 'c' } }, { flocker: {} }, { rbd: {} }, { scaleIO: {} }, { storageos: { volumeNamespace: 'A' } }, { portworxVolume: {} }, { photonPersistentDisk: {} }, { gitRepo: { directory: '../x' } }),
  volumes('claims made for the pod', { ephemeral: { volumeClaimTemplate: own } }),
  volume('two sources', { nfs: { server: 's', path: 'p' }, csi: { driver: 'd', volumeHandle: 'h' } }),
  volume('flexible beside another', { nfs: { server: 's', path: '/p' }, flexVolume: { driver: 'd' } }),
  volume('clouds', { azureFile: { secretNamespace: '' } }),
  volume('arrays', { iscsi: { targetPortal: 'p', iqn: 'x', lun: 0, secretRef: {}, initiatorName: 'x'.repeat(64) } }),
  volume('networks', { glusterfs: { endpoints: 'e', path: '/p', endpointsNamespace: '' } }),
  volume('secrets in namespaces', { storageos: { volumeName: 'v', secretRef: {} } }),
];

const PODS: readonly Row[] = [
  container('restart rules', { restartPolicyRules: [{ action: 'Foo' }, { action: 'Restart', exitCodes: { operator: 'Foo' } }] }),
  container('claims that are not there', { resources: { claims: [{ name: 'a' }, { name: 'a' }, { name: 'b', request: 'R' }] } }),
  container('keys of files', { env: [{ name: 'A', valueFrom: { fileKeyRef: { path: '../x' } } }] }),
  container('device and mount of one volume', { volumeMounts: [{ name: 'v', mountPath: '/x' }], volumeDevices: [{ name: 'v', devicePath: '/x' }] }, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }),
  container('a stop signal is dropped', { lifecycle: { stopSignal: 'SIGUSR1' } }, { os: { name: 'linux' } }),
  spec('a scheduling group is dropped', { schedulingGroup: { podGroupName: 'g' } }),
  spec('host names of its own', { hostnameOverride: 'A', setHostnameAsFQDN: true, hostNetwork: true }),
  spec('sysctls of the host', { hostIPC: true, hostNetwork: true, securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }, { name: 'net.core.somaxconn', value: '1' }] } }),
  spec('a way of labelling', { securityContext: { seLinuxChangePolicy: 'Foo', seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'x' } } }),
  spec('overhead of nonsense', { overhead: { a: '-1' } }),
  spec('search paths', { dnsConfig: { searches: ['a/b', '_ok.x'] } }),
  spec('processes shared with the host', { shareProcessNamespace: true, hostPID: true }),
  spec('resources of the whole: names', { resources: { claims: [{ name: 'x' }], requests: { 'example.test/x': '1', 'cpu': '-1' } } }),
  spec('resources of the whole: less than its containers', { resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } }, containers: [{ name: 'a', image: 'a', resources: { requests: { cpu: '2' }, limits: { memory: '2Gi' } } }] }),
  spec('resources of the whole: of its containers', { resources: { limits: { cpu: '4' } }, containers: [{ name: 'a', image: 'a', resources: { requests: { cpu: '1500m' } } }, { name: 'b', image: 'a', resources: { requests: { cpu: '1' } } }] }),
  tried('a source in another namespace', `${CORE}/persistentvolumeclaims`, object('v1', 'PersistentVolumeClaim', { spec: { storageClassName: 'x', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, dataSourceRef: { apiGroup: 'a.b', kind: 'K', name: 'n', namespace: 'other' } } })),
  tried('metadata of a claim template', group('resource.k8s.io', 'resourceclaimtemplates'), object('resource.k8s.io/v1', 'ResourceClaimTemplate', { spec: { metadata: { name: 'x', uid: 'y', annotations: { 'a b': 'c' } }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } } })),
  post('pod of drafts', `${CORE}/pods`, pod('draft')),
  patch('podIPs say podIP', `${CORE}/pods/draft/status`, { status: { podIPs: [{ ip: '10.1.1.1' }] } }, 'merge', { managed: true }),
  put('podIP says podIPs', `${CORE}/pods/draft/status`, object('v1', 'Pod', { status: { phase: 'Running', podIP: '10.1.1.2' } }), { managed: true }),
];

const SERVICES: readonly Row[] = [
  service('address of nonsense', { clusterIP: 'A b' }),
  service('addresses without the first', { clusterIPs: ['10.43.9.9'] }),
  service('families of nonsense', { ipFamilies: ['Foo', 'Foo'], clusterIPs: ['x', 'y'] }),
  service('a name outside with an address', { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.43.9.9' }),
  service('a name outside with a policy', { type: 'ExternalName', externalName: 'a.b', internalTrafficPolicy: 'Local' }),
  post('balancer of drafts', `${CORE}/services`, object('v1', 'Service', { spec: { type: 'NodePort', ports: [{ port: 80, name: 'a' }, { port: 81, name: 'b' }] } })),
  patch('ingress of what balances nothing', `${CORE}/services/draft/status`, { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'VIP' }] } } }, 'merge'),
  patch('another type and other ports at once', `${CORE}/services/draft`, { spec: { type: 'ClusterIP', ports: [{ port: 80, name: 'a' }] } }, 'merge'),
  patch('a name outside instead of the address', `${CORE}/services/draft`, { spec: { type: 'ExternalName', externalName: 'a.b', clusterIP: null, clusterIPs: null } }, 'merge'),
];

const NODES: readonly Row[] = [
  tried('taints of a node', '/api/v1/nodes', object('v1', 'Node', { spec: { taints: [{ key: 'a', effect: 'NoSchedule', value: 'v' }, { key: 'a', effect: 'NoSchedule' }, { effect: 'Foo' }], configSource: { configMap: { name: 'c' } } } }, { name: '{ns}-draft' })),
  patch('schedule of a runtime class', cluster('node.k8s.io', 'runtimeclasses/{ns}-put'), { scheduling: { nodeSelector: { a: 'A b' }, tolerations: [{}] } }, 'merge'),
  remove('runtime class gone', cluster('node.k8s.io', 'runtimeclasses/{ns}-put')),
  get('what is left of the map', `${CORE}/configmaps/draft`, { managed: true }),
  remove('namespace of drafts gone', `/api/v1/namespaces/${OWN}`),
];

export const DRAFTS: readonly Row[] = [...SCENE, ...CREATORS, ...GENERATIONS, ...METADATA, ...VOLUMES, ...PODS, ...SERVICES, ...NODES];
