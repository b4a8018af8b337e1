// Good objects spoilt in one place each: what mutants.ts has found to be told otherwise, or not at all. Made and changed without being kept.
import type { Row } from '../exchange.ts';
import { post } from '../rows.ts';
import { SAMPLES, type Sample } from '../samples.ts';

const GONE = Symbol('gone');
const LONG = 'x'.repeat(64);

function sampleOf(kind: string, nth: number): Sample {
  const found = SAMPLES.filter(({ object }) => object.kind === kind)[nth];
  if (found === undefined) throw new Error(`no sample of ${kind}`);
  return found;
}

/** One row for all of a kind's mistakes that are told together: values by path, `spec.ports.0.port`. */
function spoilt(kind: string, mistakes: Readonly<Record<string, unknown>>, nth = 0): Row {
  const { path, object } = sampleOf(kind, nth);
  const copy = structuredClone(object);
  for (const [place, value] of Object.entries(mistakes)) {
    const steps = place.split('.');
    const last = steps.pop() ?? '';
    const parent = steps.reduce((at, step) => at[step] as Record<string, unknown>, copy as Record<string, unknown>);
    if (value === GONE) delete parent[last];
    else parent[last] = value;
  }
  return post(`mistakes: ${kind}${nth === 0 ? '' : ` ${String(nth + 1)}`}, ${Object.keys(mistakes).join(', ')}`, `${path}?dryRun=All`, copy);
}

const good = (kind: string, nth = 0): Row => spoilt(kind, {}, nth);
const each = (kind: string, places: Readonly<Record<string, readonly unknown[]>>): Row[] => Object.entries(places).flatMap(([place, values]) => values.map((value, index): Row => ({ ...spoilt(kind, { [place]: value }), name: `mistakes: ${kind}, ${place} ${String(index + 1)}` })));

const CONTAINER = 'spec.containers.0';

export const MISTAKES: readonly Row[] = [
  ...['Pod', 'Deployment', 'StatefulSet', 'Job', 'CronJob', 'PersistentVolumeClaim', 'Service', 'NetworkPolicy', 'ResourceClaim', 'ResourceSlice', 'HorizontalPodAutoscaler'].map((kind) => good(kind)),
  ...each('Pod', {
    [`${CONTAINER}.resizePolicy`]: [[{}], [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }, { resourceName: 'cpu', restartPolicy: 'Nonsense' }], [{ resourceName: 'disk', restartPolicy: 'RestartContainer' }]],
    [`${CONTAINER}.env.1.valueFrom.fieldRef.apiVersion`]: ['v2'], [`${CONTAINER}.env.2.valueFrom.resourceFieldRef.divisor`]: ['3', '0'], [`${CONTAINER}.volumeMounts.1.recursiveReadOnly`]: ['Nonsense', 'Enabled'],
    [`${CONTAINER}.livenessProbe.httpGet.httpHeaders.0`]: [{}], [`${CONTAINER}.livenessProbe.httpGet`]: [{}], [`${CONTAINER}.securityContext.procMount`]: ['Nonsense'], [`${CONTAINER}.resources`]: [{ limits: { 'requests.a.b/c': '1' } }, { limits: { 'a b': '1' } }, { limits: { disk: '1' } }, { requests: { 'a.b/c': '1' } }],
    [`${CONTAINER}.ports`]: [[{ containerPort: 80 }, { containerPort: 80 }], [{ containerPort: 80, hostIP: '1.2.3.4' }], [{ name: 'a', containerPort: 80 }]], [`${CONTAINER}.env`]: [[{ name: 'A', value: '1' }, { name: 'A', value: '2' }], [{ name: 'A', value: '1' }, { name: 'A', value: '$(A)2' }]],
    [`${CONTAINER}.image`]: ['A b', 'a:latest', 'a@sha256:0', '/x'], 'spec.volumes.7.ephemeral.volumeClaimTemplate': [{ spec: {} }, { metadata: { labels: { 'a b': 'c d' } }, spec: { accessModes: ['Nonsense'], resources: { requests: { storage: '0' } } } }],
    'spec.volumes.8.csi': [{}, { driver: 'A b', nodePublishSecretRef: {} }, { driver: LONG, nodePublishSecretRef: { name: 'A b' } }], 'spec.volumes.9.nfs': [{}, { server: 's', path: 'p' }], 'spec.volumes.10.iscsi': [{}, { targetPortal: 'p', iqn: 'x', lun: 256 }, { targetPortal: 'p', iqn: 'iqn.x', lun: -1 }], 'spec.volumes.11.image': [{}, { reference: 'a', pullPolicy: 'Nonsense' }],
    'spec.volumes.1.configMap.items': [[{ key: 'a', path: 'p' }, { key: 'b', path: 'p/q' }]], 'spec.volumes.5.downwardAPI.items.1.resourceFieldRef.divisor': [GONE, '3'],
    'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0': [{}, { topologyKey: 'A b', matchLabelKeys: ['x'] }, { topologyKey: 'a', labelSelector: { matchExpressions: [{}] }, mismatchLabelKeys: ['A b'] }],
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution': [{}, { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['A b'] }], matchExpressions: [{}] }] }], 'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution': [[{ weight: 0, preference: { matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'In', values: ['A b'] }] } }], [{ weight: 1, preference: { matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'In', values: ['A b'] }] } }]],
    'spec.topologySpreadConstraints.0': [{}, { maxSkew: 0, topologyKey: 'A b', whenUnsatisfiable: 'ScheduleAnyway', nodeAffinityPolicy: 'Nonsense', nodeTaintsPolicy: '', matchLabelKeys: ['A b'] }, { maxSkew: 1, topologyKey: 'failure-domain.beta.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' }],
    'spec.securityContext.fsGroupChangePolicy': ['Nonsense'], 'spec.securityContext.supplementalGroupsPolicy': [''], 'spec.terminationGracePeriodSeconds': [-1], 'spec.imagePullSecrets': [[{}], [{ name: 'a' }, { name: 'a' }]], 'spec.nodeSelector': [{ 'beta.kubernetes.io/arch': 'amd64' }],
    'spec.resourceClaims': [[{}], [{ name: 'rc', resourceClaimName: 'A b', resourceClaimTemplateName: 'a' }, { name: 'rc', resourceClaimName: 'a' }]], 'spec.hostAliases': [[{}], [{ ip: '1.2.3.4' }, { ip: '1.2.3.4' }]], 'spec.readinessGates': [[{}]], 'spec.schedulingGates': [[{}], []],
  }),
  ...each('Service', {
    'spec.internalTrafficPolicy': ['Nonsense'], 'spec.ipFamilyPolicy': ['Nonsense'], 'spec.trafficDistribution': ['Nonsense', 'PreferSameNode'], 'spec.ports.0': [{}], 'spec.externalIPs': [['2001:DB8::1'], []], 'spec.loadBalancerSourceRanges': [['10.0.0.1/8'], ['2001:DB8::/32']], 'spec.type': ['Nonsense'],
  }),
  ...each('LimitRange', { 'spec.limits.0': [{}, { type: 'Container', max: { cpu: '-1' }, min: { disk: '1' }, maxLimitRequestRatio: { cpu: '0.5' } }, { type: 'Nonsense', max: { storage: '1' } }], 'spec.limits.1': [{ type: 'Pod', default: { cpu: '1' }, max: { cpu: '1' }, min: { cpu: '2' } }, { type: 'Container' }], 'spec.limits.2': [{ type: 'PersistentVolumeClaim', max: { cpu: '1' } }] }),
  ...each('ResourceQuota', { 'spec.hard': [{ pods: '-1' }, { pods: '1.5' }, { disk: '1' }, { 'requests.a.b/c': '1' }, { 'services': '1', 'requests.storage': '1' }], 'spec.scopes': [['Nonsense'], ['BestEffort', 'NotBestEffort'], ['Terminating']], 'spec.scopeSelector.matchExpressions': [[{}], [{ scopeName: 'BestEffort', operator: 'In', values: ['a'] }], [{ scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] }]] }),
  ...each('PersistentVolume', { 'spec.csi': [{}, { driver: 'A b', volumeHandle: 'h', nodePublishSecretRef: {}, controllerExpandSecretRef: { name: 'A b', namespace: 'A b' } }], 'spec.nodeAffinity': [{}, { required: { nodeSelectorTerms: [] } }, { required: { nodeSelectorTerms: [{ matchExpressions: [{}], matchFields: [{}] }] } }], 'spec.volumeAttributesClassName': [''], 'spec.persistentVolumeReclaimPolicy': ['Recycle'] }),
  spoilt('PersistentVolume', { 'spec.nfs.path': 'p', 'spec.volumeAttributesClassName': 'a' }, 2),
  ...each('PersistentVolumeClaim', { 'spec.dataSource': [{}, GONE, { apiGroup: 'A b', kind: 'K', name: 'n' }], 'spec.dataSourceRef': [GONE, { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'y' }], 'spec.resources.requests.storage': ['0.5', '1500m'] }),
  ...each('StatefulSet', { 'spec.volumeClaimTemplates.0.spec': [{}, { accessModes: ['Nonsense'], resources: { requests: { storage: '0' } } }, { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1500m' } } }], 'spec.revisionHistoryLimit': [-1] }),
  ...each('Node', { 'spec.podCIDR': ['A b', '10.42.8.0/24'], 'spec.podCIDRs': [['10.42.9.0/24', '10.42.8.0/24'], GONE], 'status.capacity': [{ cpu: '-1' }] }),
  ...each('StorageClass', { allowedTopologies: [[{}], [{ matchLabelExpressions: [{}] }], [{ matchLabelExpressions: [{ key: 'k' }] }]] }),
  ...each('ResourceClaim', { 'spec.devices.constraints.0.matchAttribute': ['A b', '/x', 'a/'], 'spec.devices.constraints.0.requests': [['A b'], ['a/b/c']], 'spec.devices.config.0': [{}, { opaque: {} }, { opaque: { driver: 'A b', parameters: 'x' } }] }),
  ...each('DeviceClass', { 'spec.config.0': [{}, { opaque: {} }] }), ...each('ResourceClaimTemplate', { 'spec.metadata': [{ labels: { 'a b': 'c d' } }] }),
  ...each('ResourceSlice', { 'spec.devices.0.attributes': [{ a: { version: '1' } }, { a: { string: LONG + LONG } }] }),
  ...each('HorizontalPodAutoscaler', { 'spec.metrics.4.containerResource.name': ['A b', 'disk', 'a.b/c'] }), spoilt('HorizontalPodAutoscaler', { 'spec.targetCPUUtilizationPercentage': GONE }, 1),
  ...each('Job', { 'spec.podFailurePolicy.rules.1.onPodConditions.0.status': [GONE, 'Nonsense'], 'spec.template.spec.containers.0.env': [[{ name: 'A', value: '1' }, { name: 'A', value: '2' }]] }),
  ...each('ValidatingAdmissionPolicy', { 'spec.auditAnnotations.0': [{}], 'spec.variables.0': [{}, { name: 'a b', expression: '1' }] }), ...each('CustomResourceDefinition', { 'spec.names.shortNames': [['']] }), ...each('CSIDriver', { 'spec.tokenRequests': [[]] }),
  good('Secret', 1), good('Secret', 2), spoilt('Secret', { data: { '.dockerconfigjson': 'eA==' } }, 2), spoilt('Secret', { data: { 'tls.crt': 'eA==' } }, 1), spoilt('Deployment', { 'spec.template.spec.topologySpreadConstraints': [{ maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' }], 'spec.template.metadata.annotations': { 'scheduler.alpha.kubernetes.io/critical-pod': '' } }),
];
