// Good objects of many kinds to begin from, small enough to be accepted; with upstream's golden ones, whose every field is filled.
import { loadGolden } from './golden-objects.ts';

export interface Seed {
  path: string;
  object: { apiVersion: string; kind: string; metadata: Record<string, unknown> } & Record<string, unknown>;
  /** Would change what later requests get (webhooks, flows): sent with dryRun. */
  dry?: boolean;
}

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: 'b' }], resources: { requests: { cpu: '100m', memory: '1Gi' } }, volumeMounts: [{ name: 'v', mountPath: '/v' }] }], volumes: [{ name: 'v', emptyDir: {} }], tolerations: [{ operator: 'Exists' }] } };
const selector = { matchLabels: { app: 'web' } };
const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
const definition = {
  group: 'fuzz.dev', names: { plural: 'boats', singular: 'boat', kind: 'Boat' }, scope: 'Namespaced',
  versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer', maximum: 9, default: 1 }, tags: { 'type': 'array', 'items': { type: 'string' }, 'x-kubernetes-list-type': 'set' }, crew: { 'type': 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], 'items': { type: 'object', required: ['name'], properties: { name: { type: 'string' }, age: { type: 'integer' } } } }, any: { 'type': 'object', 'x-kubernetes-preserve-unknown-fields': true }, port: { 'x-kubernetes-int-or-string': true } }, 'x-kubernetes-validations': [{ rule: '!has(self.size) || self.size >= 0' }] } } } } }],
};

const SEEDS: readonly (readonly [path: string, apiVersion: string, kind: string, rest: object, dry?: boolean])[] = [
  ['/api/v1/namespaces/default/configmaps', 'v1', 'ConfigMap', { data: { a: '1' }, binaryData: { b: 'AAEC' } }],
  ['/api/v1/namespaces/default/secrets', 'v1', 'Secret', { data: { a: 'AQ==' }, stringData: { s: 't' } }],
  ['/api/v1/namespaces/default/services', 'v1', 'Service', { spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] } }],
  ['/api/v1/namespaces/default/pods', 'v1', 'Pod', { spec: template.spec }],
  ['/api/v1/namespaces/default/serviceaccounts', 'v1', 'ServiceAccount', { secrets: [{ name: 'a' }] }],
  ['/api/v1/namespaces/default/limitranges', 'v1', 'LimitRange', { spec: { limits: [{ type: 'PersistentVolumeClaim', max: { storage: '5Gi' } }] } }],
  ['/api/v1/namespaces/default/resourcequotas', 'v1', 'ResourceQuota', { spec: { hard: { 'count/leases.coordination.k8s.io': '100k' } } }],
  ['/api/v1/namespaces/default/replicationcontrollers', 'v1', 'ReplicationController', { spec: { replicas: 0, selector: { app: 'web' }, template } }],
  ['/api/v1/namespaces/default/persistentvolumeclaims', 'v1', 'PersistentVolumeClaim', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
  ['/api/v1/namespaces/default/events', 'v1', 'Event', { involvedObject: { namespace: 'default', name: 'x' }, reason: 'R', message: 'm', type: 'Normal' }],
  ['/api/v1/namespaces/default/endpoints', 'v1', 'Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  ['/api/v1/persistentvolumes', 'v1', 'PersistentVolume', { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } }],
  ['/api/v1/nodes', 'v1', 'Node', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }],
  ['/api/v1/namespaces', 'v1', 'Namespace', {}],
  ['/apis/apps/v1/namespaces/default/deployments', 'apps/v1', 'Deployment', { spec: { replicas: 1, selector, template } }],
  ['/apis/apps/v1/namespaces/default/statefulsets', 'apps/v1', 'StatefulSet', { spec: { serviceName: 's', selector, template } }],
  ['/apis/apps/v1/namespaces/default/daemonsets', 'apps/v1', 'DaemonSet', { spec: { selector, template } }],
  ['/apis/apps/v1/namespaces/default/replicasets', 'apps/v1', 'ReplicaSet', { spec: { selector, template } }],
  ['/apis/batch/v1/namespaces/default/jobs', 'batch/v1', 'Job', { spec: { template: once } }],
  ['/apis/batch/v1/namespaces/default/cronjobs', 'batch/v1', 'CronJob', { spec: { schedule: '*/5 * * * *', timeZone: 'Europe/Berlin', jobTemplate: { spec: { template: once } } } }],
  ['/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', 'autoscaling/v2', 'HorizontalPodAutoscaler', { spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'x' }, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 5 } } }] } }],
  ['/apis/policy/v1/namespaces/default/poddisruptionbudgets', 'policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: '50%', selector } }],
  ['/apis/networking.k8s.io/v1/namespaces/default/ingresses', 'networking.k8s.io/v1', 'Ingress', { spec: { rules: [{ host: 'a.b', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'x', port: { number: 80 } } } }] } }] } }],
  ['/apis/networking.k8s.io/v1/namespaces/default/networkpolicies', 'networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 80 }] }] } }],
  ['/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', 'discovery.k8s.io/v1', 'EndpointSlice', { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] }],
  ['/apis/coordination.k8s.io/v1/namespaces/default/leases', 'coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'x', renewTime: '2026-01-01T00:00:00.000000Z' } }],
  ['/apis/rbac.authorization.k8s.io/v1/clusterroles', 'rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
  ['/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', 'rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'x' }, subjects: [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }] }],
  ['/apis/storage.k8s.io/v1/storageclasses', 'storage.k8s.io/v1', 'StorageClass', { provisioner: 'a/b', parameters: { a: 'b' } }],
  ['/apis/scheduling.k8s.io/v1/priorityclasses', 'scheduling.k8s.io/v1', 'PriorityClass', { value: 5 }],
  ['/apis/certificates.k8s.io/v1/certificatesigningrequests', 'certificates.k8s.io/v1', 'CertificateSigningRequest', { spec: { request: 'AA==', signerName: 'a.b/c', usages: ['client auth'] } }],
  ['/apis/authorization.k8s.io/v1/subjectaccessreviews', 'authorization.k8s.io/v1', 'SubjectAccessReview', { spec: { user: 'x', resourceAttributes: { verb: 'get', resource: 'pods' } } }],
  ['/apis/authentication.k8s.io/v1/tokenreviews', 'authentication.k8s.io/v1', 'TokenReview', { spec: { token: 'x' } }],
  ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'apiextensions.k8s.io/v1', 'CustomResourceDefinition', { spec: definition }],
  ['/apis/fuzz.dev/v1/namespaces/default/boats', 'fuzz.dev/v1', 'Boat', { spec: { size: 1, tags: ['a'], crew: [{ name: 'x', age: 1 }], any: { x: [1] }, port: 'http' } }],
  ['/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', 'admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { webhooks: [{ name: 'a.b.c', clientConfig: { url: 'https://127.0.0.1:1/' }, sideEffects: 'None', admissionReviewVersions: ['v1'], matchConditions: [{ name: 'm', expression: 'object.x == 1' }] }] }, true],
  ['/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', 'admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', { spec: { matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['pods'] }] }, validations: [{ expression: 'object.spec.size() > 1' }] } }, true],
  ['/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', 'flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', { spec: { priorityLevelConfiguration: { name: 'x' } } }, true],
];

export function fuzzSeeds(): Seed[] {
  const small = SEEDS.map(([path, apiVersion, kind, rest, dry = false]): Seed => ({ path, dry, object: { apiVersion, kind, metadata: { name: kind === 'CustomResourceDefinition' ? 'boats.fuzz.dev' : 'seed', labels: { app: 'web' }, annotations: { a: 'b' } }, ...rest } }));
  const golden = loadGolden().flatMap(({ json }): Seed[] => {
    const seed = small.find(({ object }) => object.apiVersion === json.apiVersion && object.kind === json.kind);
    return seed === undefined ? [] : [{ ...seed, object: { ...(json as Seed['object']), metadata: { ...json.metadata, namespace: seed.path.includes('/default/') ? 'default' : '', resourceVersion: '', deletionTimestamp: undefined } } }];
  });
  return [...small, ...small, ...golden];
}
