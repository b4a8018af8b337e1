// One object of every kind that can be listed: created (so that defaults are compared), and shown as a Table and as metadata.
import type { Row } from '../exchange.ts';
import { get, METADATA_LIST, post, TABLE } from '../rows.ts';

interface Sample {
  /** `apps/v1/deployments`; the core group has none. */
  resource: string;
  kind: string;
  namespaced?: boolean;
  /** What the object has beside metadata; absent: it is only listed. */
  fields?: object;
  /** Where the name must be of a form. */
  name?: string;
}

const labels = { app: 'web' };
const selector = { matchLabels: labels };
const spec = { containers: [{ name: 'web', image: 'example.test/web:1' }] };
const template = { metadata: { labels }, spec };
const jobTemplate = { metadata: { labels }, spec: { ...spec, restartPolicy: 'Never' } };
const webhook = { name: 'a.example.test', clientConfig: { url: 'https://example.test' }, sideEffects: 'None', admissionReviewVersions: ['v1'], failurePolicy: 'Ignore', rules: [{ apiGroups: ['example.test'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothing'] }] };
const matchConstraints = { resourceRules: [{ apiGroups: ['example.test'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothing'] }] };
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const subjects = [{ kind: 'ServiceAccount', name: 'default', namespace: '{ns}' }];
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };

const SAMPLES: readonly Sample[] = [
  { resource: 'v1/configmaps', kind: 'ConfigMap', namespaced: true, fields: { data: { a: '1' }, binaryData: { b: 'AAAA' } } },
  { resource: 'v1/endpoints', kind: 'Endpoints', namespaced: true, fields: { subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }] } },
  { resource: 'v1/events', kind: 'Event', namespaced: true, fields: { involvedObject: { kind: 'Pod', namespace: '{ns}', name: 'web' }, reason: 'Started', message: 'it did', type: 'Normal', count: 2 } },
  { resource: 'v1/limitranges', kind: 'LimitRange', namespaced: true, fields: { spec: { limits: [{ type: 'PersistentVolumeClaim', min: { storage: '1' } }] } } },
  { resource: 'v1/namespaces', kind: 'Namespace' },
  { resource: 'v1/nodes', kind: 'Node', fields: { spec: { podCIDR: '10.42.9.0/24' } } },
  { resource: 'v1/persistentvolumeclaims', kind: 'PersistentVolumeClaim', namespaced: true, fields: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } },
  { resource: 'v1/persistentvolumes', kind: 'PersistentVolume', fields: { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/tmp/x' } } } },
  { resource: 'v1/pods', kind: 'Pod', namespaced: true, fields: { spec: { ...spec, schedulerName: 'nobody', nodeSelector: { a: 'b' } } } },
  { resource: 'v1/podtemplates', kind: 'PodTemplate', namespaced: true, fields: { template } },
  { resource: 'v1/replicationcontrollers', kind: 'ReplicationController', namespaced: true, fields: { spec: { replicas: 0, selector: labels, template } } },
  { resource: 'v1/resourcequotas', kind: 'ResourceQuota', namespaced: true, fields: { spec: { hard: { 'count/jobs.batch': '100' } } } },
  { resource: 'v1/secrets', kind: 'Secret', namespaced: true, fields: { data: { a: 'AAAA' } } },
  { resource: 'v1/serviceaccounts', kind: 'ServiceAccount', namespaced: true, fields: {} },
  { resource: 'v1/services', kind: 'Service', namespaced: true, fields: { spec: { type: 'LoadBalancer', selector: labels, ports: [{ name: 'http', port: 80 }, { name: 'dns', port: 53, protocol: 'UDP', targetPort: 'dns' }] } } },
  { resource: 'apiregistration.k8s.io/v1/apiservices', kind: 'APIService', name: 'v1.{ns}.example', fields: { spec: { group: '{ns}.example', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, service: { namespace: 'none', name: 'none' }, insecureSkipTLSVerify: true } } },
  { resource: 'apps/v1/controllerrevisions', kind: 'ControllerRevision', namespaced: true, fields: { revision: 1, data: { a: 1 } } },
  { resource: 'apps/v1/daemonsets', kind: 'DaemonSet', namespaced: true, fields: { spec: { selector, template } } },
  { resource: 'apps/v1/deployments', kind: 'Deployment', namespaced: true, fields: { spec: { selector, template } } },
  { resource: 'apps/v1/replicasets', kind: 'ReplicaSet', namespaced: true, fields: { spec: { selector, template } } },
  { resource: 'apps/v1/statefulsets', kind: 'StatefulSet', namespaced: true, fields: { spec: { serviceName: 'web', selector, template, volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] } } },
  { resource: 'events.k8s.io/v1/events', kind: 'Event', namespaced: true, fields: { eventTime: '2026-01-01T00:00:00.000000Z', reportingController: 'example.test/c', reportingInstance: 'i', action: 'Act', reason: 'Done', type: 'Normal', regarding: { kind: 'Pod', namespace: '{ns}', name: 'web' }, note: 'it did' } },
  { resource: 'autoscaling/v2/horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true, fields: { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } } } },
  { resource: 'autoscaling/v1/horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true, name: 'sample-v1', fields: { spec: { maxReplicas: 3, targetCPUUtilizationPercentage: 50, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } } } },
  { resource: 'batch/v1/cronjobs', kind: 'CronJob', namespaced: true, fields: { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: jobTemplate } } } } },
  { resource: 'batch/v1/jobs', kind: 'Job', namespaced: true, fields: { spec: { template: jobTemplate } } },
  { resource: 'certificates.k8s.io/v1/certificatesigningrequests', kind: 'CertificateSigningRequest' },
  { resource: 'networking.k8s.io/v1/ingressclasses', kind: 'IngressClass', fields: { spec: { controller: 'example.test/ingress' } } },
  { resource: 'networking.k8s.io/v1/ingresses', kind: 'Ingress', namespaced: true, fields: { spec: { rules: [{ host: 'example.test', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }], tls: [{ hosts: ['example.test'], secretName: 'tls' }] } } },
  { resource: 'networking.k8s.io/v1/ipaddresses', kind: 'IPAddress' },
  { resource: 'networking.k8s.io/v1/networkpolicies', kind: 'NetworkPolicy', namespaced: true, fields: { spec: { podSelector: selector, ingress: [{ ports: [{ port: 80 }] }] } } },
  { resource: 'networking.k8s.io/v1/servicecidrs', kind: 'ServiceCIDR', fields: { spec: { cidrs: ['10.44.0.0/16'] } } },
  { resource: 'policy/v1/poddisruptionbudgets', kind: 'PodDisruptionBudget', namespaced: true, fields: { spec: { maxUnavailable: '50%', selector } } },
  { resource: 'rbac.authorization.k8s.io/v1/clusterrolebindings', kind: 'ClusterRoleBinding', fields: { subjects, roleRef } },
  { resource: 'rbac.authorization.k8s.io/v1/clusterroles', kind: 'ClusterRole', fields: { rules } },
  { resource: 'rbac.authorization.k8s.io/v1/rolebindings', kind: 'RoleBinding', namespaced: true, fields: { subjects, roleRef } },
  { resource: 'rbac.authorization.k8s.io/v1/roles', kind: 'Role', namespaced: true, fields: { rules } },
  { resource: 'storage.k8s.io/v1/csidrivers', kind: 'CSIDriver', fields: { spec: {} } },
  { resource: 'storage.k8s.io/v1/csinodes', kind: 'CSINode', fields: { spec: { drivers: [] } } },
  { resource: 'storage.k8s.io/v1/csistoragecapacities', kind: 'CSIStorageCapacity', namespaced: true, fields: { storageClassName: 'local', capacity: '1Gi' } },
  { resource: 'storage.k8s.io/v1/storageclasses', kind: 'StorageClass', fields: { provisioner: 'example.test/disk' } },
  { resource: 'storage.k8s.io/v1/volumeattachments', kind: 'VolumeAttachment', fields: { spec: { attacher: 'example.test', nodeName: 'n', source: { persistentVolumeName: 'p' } } } },
  { resource: 'storage.k8s.io/v1/volumeattributesclasses', kind: 'VolumeAttributesClass', fields: { driverName: 'example.test', parameters: { a: 'b' } } },
  { resource: 'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', kind: 'MutatingWebhookConfiguration', fields: { webhooks: [webhook] } },
  { resource: 'admissionregistration.k8s.io/v1/validatingwebhookconfigurations', kind: 'ValidatingWebhookConfiguration', fields: { webhooks: [webhook] } },
  { resource: 'admissionregistration.k8s.io/v1/validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', fields: { spec: { matchConstraints, validations: [{ expression: 'true' }] } } },
  { resource: 'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding', fields: { spec: { policyName: 'sample-{ns}', validationActions: ['Deny'] } } },
  { resource: 'admissionregistration.k8s.io/v1/mutatingadmissionpolicies', kind: 'MutatingAdmissionPolicy' },
  { resource: 'admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings', kind: 'MutatingAdmissionPolicyBinding' },
  { resource: 'apiextensions.k8s.io/v1/customresourcedefinitions', kind: 'CustomResourceDefinition' },
  { resource: 'scheduling.k8s.io/v1/priorityclasses', kind: 'PriorityClass', fields: { value: 5 } },
  { resource: 'coordination.k8s.io/v1/leases', kind: 'Lease', namespaced: true, fields: { spec: { holderIdentity: 'me' } } },
  { resource: 'node.k8s.io/v1/runtimeclasses', kind: 'RuntimeClass', fields: { handler: 'runc' } },
  { resource: 'discovery.k8s.io/v1/endpointslices', kind: 'EndpointSlice', namespaced: true, fields: { addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }], ports: [{ port: 80 }] } },
  { resource: 'resource.k8s.io/v1/deviceclasses', kind: 'DeviceClass', fields: { spec: {} } },
  { resource: 'resource.k8s.io/v1/resourceclaims', kind: 'ResourceClaim', namespaced: true, fields: { spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'any' } }] } } } },
  { resource: 'resource.k8s.io/v1/resourceclaimtemplates', kind: 'ResourceClaimTemplate', namespaced: true, fields: { spec: { spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'any' } }] } } } } },
  { resource: 'resource.k8s.io/v1/resourceslices', kind: 'ResourceSlice', fields: { spec: { driver: 'example.test', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, nodeName: 'n' } } },
  { resource: 'flowcontrol.apiserver.k8s.io/v1/flowschemas', kind: 'FlowSchema', fields: { spec: { priorityLevelConfiguration: { name: 'none' } } } },
  { resource: 'flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations', kind: 'PriorityLevelConfiguration', fields: { spec: { type: 'Limited' } } },
];

export const KINDS: readonly Row[] = SAMPLES.flatMap(rowsOf);

function rowsOf({ resource, kind, namespaced = false, fields, name }: Sample): Row[] {
  const parts = resource.split('/');
  const plural = parts.pop() ?? '';
  const groupVersion = parts.join('/');
  const path = `/${parts.length === 1 ? 'api' : 'apis'}/${groupVersion}${namespaced ? '/namespaces/{ns}' : ''}/${plural}`;
  const listed = `${path}?labelSelector=sample%3D{ns}`;
  const object = { apiVersion: groupVersion, kind, metadata: { name: name ?? (namespaced ? 'sample' : 'sample-{ns}'), labels: { sample: '{ns}', ...(namespaced && labels) } }, ...fields };
  const own = `${path}/${object.metadata.name}`;
  return [
    ...(fields === undefined ? [] : [post(`${resource}: create`, path, object)]),
    get(`${resource}: table`, listed, { accept: TABLE }),
    get(`${resource}: metadata`, listed, { accept: METADATA_LIST }),
    post(`${resource}: empty`, `${path}?dryRun=All`, { apiVersion: groupVersion, kind, metadata: { name: 'empty-sample', ...(namespaced && { namespace: '{ns}' }) } }),
    ...(fields === undefined ? [] : [{ name: `${resource}: delete`, method: 'DELETE', path: own }]),
  ];
}
