// Rows of Tables: what `kubectl get` shows of each kind in the states that an object goes through.
import type { Row } from '../exchange.ts';
import { get, patch, post, remove } from '../rows.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const SPACE = '{ns}-rows';

interface State {
  /** Of the object beside apiVersion and kind. */
  fields?: Readonly<Record<string, unknown>> & { metadata?: object };
  status?: object;
  /** Deleted before it is shown; what keeps it shows it going. */
  gone?: true;
}

interface Shown {
  /** `apps/v1/deployments` */
  resource: string;
  kind: string;
  cluster?: true;
  states: Readonly<Record<string, State>>;
}

const spec = (own: object, status?: object): State => ({ fields: { spec: own }, ...(status !== undefined && { status }) });

const [started, ended] = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:05Z'];
const containers = [{ name: 'c', image: 'i:1' }];
const both = [...containers, { name: 'd', image: 'j:2' }];
const running = { running: { startedAt: started } };
const over = (exitCode: number, more: object = {}): object => ({ terminated: { exitCode, startedAt: started, finishedAt: ended, containerID: 'x', ...more } });
const waiting = (reason?: string): object => ({ waiting: reason === undefined ? {} : { reason } });
const container = (name: string, state: object, more: object = {}): object => ({ name, image: 'i:1', imageID: 'x', ready: state === running, restartCount: 0, state, ...more });
const pod = (status: object | undefined, own: object = {}, more: { metadata?: object } = {}): State => ({ fields: { ...more, spec: { schedulerName: 'nobody', containers, ...own } }, ...(status !== undefined && { status }) });
const phase = (name: string, ...containerStatuses: object[]): object => ({ phase: name, containerStatuses });
const starting = (...initContainerStatuses: object[]): object => ({ phase: 'Pending', initContainerStatuses, containerStatuses: [container('c', waiting('PodInitializing'))] });
const begun = { conditions: [{ type: 'Initialized', status: 'True' }] };
const two = { containers: both };
const inits = { initContainers: [{ name: 'i1', image: 'i' }, { name: 'i2', image: 'i' }] };
const sidecar = { initContainers: [{ name: 'i1', image: 'i', restartPolicy: 'Always' }, { name: 'i2', image: 'i' }] };
const gates = { readinessGates: [{ conditionType: 'a/b' }, { conditionType: 'c/d' }] };
const done = container('i1', over(0, { reason: 'Completed' }), { ready: true });
const going = { metadata: { finalizers: ['a/b'] } };

const PODS: Readonly<Record<string, State>> = {
  'new': pod(undefined), 'addressed': pod({ ...phase('Running', container('c', running)), podIP: '192.0.2.1' }), 'of two addresses': pod({ phase: 'Running', podIPs: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }] }),
  'restarted': pod(phase('Running', container('c', running, { restartCount: 3, lastState: over(1) }))), 'crashing': pod(phase('Running', container('c', waiting('CrashLoopBackOff'), { restartCount: 5, lastState: over(1) }))),
  'waiting': pod(phase('Pending', container('c', waiting('ImagePullBackOff')))), 'waiting for nothing': pod(phase('Pending', container('c', waiting()))),
  'ended': pod(phase('Succeeded', container('c', over(0, { reason: 'Completed' })))), 'failed': pod(phase('Failed', container('c', over(3)))), 'killed': pod(phase('Failed', container('c', over(137, { signal: 9 })))), 'evicted': pod({ phase: 'Failed', reason: 'Evicted' }), 'lost': pod({ phase: 'Unknown', reason: 'NodeLost' }),
  'half ended': pod({ ...phase('Running', container('c', over(0, { reason: 'Completed' })), container('d', running)), conditions: [{ type: 'Ready', status: 'True' }] }, two), 'half ended, not ready': pod(phase('Running', container('c', running), container('d', over(0, { reason: 'Completed' }))), two),
  'first init': pod(starting(container('i1', running, { ready: false }), container('i2', waiting('PodInitializing'))), inits), 'second init': pod(starting(done, container('i2', running, { ready: false })), inits), 'failed init': pod(starting(container('i1', over(1, { reason: 'Error' }), { restartCount: 2 }), container('i2', {})), inits), 'init of a code': pod(starting(container('i1', over(2)), container('i2', {})), inits), 'init of a signal': pod(starting(container('i1', over(2, { signal: 11 })), container('i2', {})), inits), 'crashing init': pod(starting(container('i1', waiting('CrashLoopBackOff'), { restartCount: 4, lastState: over(1) }), container('i2', {})), inits),
  'after inits': pod({ ...phase('Running', container('c', running, { restartCount: 1, lastState: over(1) })), ...begun, initContainerStatuses: [{ ...done, restartCount: 7 }, { ...done, name: 'i2' }] }, inits),
  'sidecar starts': pod(starting(container('i1', running, { ready: false, started: false }), container('i2', {})), sidecar), 'sidecar runs': pod(starting(container('i1', running, { started: true }), container('i2', running, { ready: false })), sidecar), 'all run': pod({ ...phase('Running', container('c', running)), ...begun, initContainerStatuses: [container('i1', running, { started: true, restartCount: 2, lastState: over(1) }), { ...done, name: 'i2' }] }, sidecar),
  'gated': pod(undefined, { schedulingGates: [{ name: 'a/b' }] }), 'unready': pod({ phase: 'Running', conditions: [{ type: 'c/d', status: 'True' }] }, gates), 'nominated': pod({ phase: 'Pending', nominatedNodeName: 'n1' }),
  'going': { ...pod(phase('Running', container('c', running)), { nodeName: 'n1' }), gone: true }, 'going from a lost node': { ...pod({ phase: 'Running', reason: 'NodeLost' }, { nodeName: 'n1' }), gone: true }, 'ended and going': { ...pod({ phase: 'Succeeded' }, {}, going), gone: true },
};

const ready = (status: string): object => ({ conditions: [{ type: 'Ready', status }] });
const NODES: Readonly<Record<string, State>> = {
  'new': {}, 'ready': { status: { ...ready('True'), addresses: [{ type: 'InternalIP', address: '192.0.2.1' }, { type: 'ExternalIP', address: '192.0.2.2' }, { type: 'Hostname', address: 'h' }], nodeInfo: { architecture: 'amd64', kernelVersion: '6.1', osImage: 'Debian', containerRuntimeVersion: 'containerd://2', kubeletVersion: 'v1.36.3', operatingSystem: 'linux' } } },
  'not ready': { status: ready('False') }, 'unknown': { status: ready('Unknown') }, 'cordoned': { fields: { spec: { unschedulable: true } }, status: ready('True') }, 'new and cordoned': spec({ unschedulable: true }),
  'of roles': { fields: { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '', 'node-role.kubernetes.io/worker': 'x', 'kubernetes.io/role': 'old', 'node-role.kubernetes.io/': 'e' } } } },
};

const once = { template: { spec: { restartPolicy: 'Never', containers: both } } };
const condition = (type: string): object => ({ type, status: 'True', lastTransitionTime: ended });
const JOBS: Readonly<Record<string, State>> = {
  'new': spec(once), 'running': spec({ ...once, parallelism: 3 }, { active: 1, startTime: started }), 'of five': spec({ ...once, completions: 5, parallelism: 2 }), 'suspended': spec({ ...once, suspend: true }), 'ended': spec(once, { startTime: started, completionTime: ended, succeeded: 1, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] }),
  'failing': spec(once, { startTime: started, failed: 1, conditions: [condition('FailureTarget')] }), 'failed': spec(once, { startTime: started, failed: 1, conditions: [condition('FailureTarget'), condition('Failed')] }), 'nearly ended': spec({ ...once, completions: 2, completionMode: 'Indexed', successPolicy: { rules: [{ succeededCount: 1 }] } }, { startTime: started, conditions: [condition('SuccessCriteriaMet')] }),
};
const CRONJOBS: Readonly<Record<string, State>> = {
  'new': spec({ schedule: '@daily', jobTemplate: { spec: once } }), 'elsewhere': spec({ schedule: '0 1 * * *', timeZone: 'Europe/Berlin', suspend: true, jobTemplate: { spec: once } }, { active: [{ kind: 'Job', name: 'a' }, { kind: 'Job', name: 'b' }], lastScheduleTime: started, lastSuccessfulTime: ended }),
};

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: both } };
const chosen = { selector: { matchLabels: { a: 'b' } }, template };
const port = (more: object = {}): object => ({ ports: [{ port: 80 }], ...more });
const balanced = (...ingress: object[]): object => ({ loadBalancer: { ingress } });
const SERVICES: Readonly<Record<string, State>> = {
  'selecting': spec({ selector: { c: 'd', a: 'b' }, ports: [{ name: 'a', port: 80 }, { name: 'b', port: 53, protocol: 'UDP' }] }), 'headless': spec({ clusterIP: 'None' }), 'external': spec({ type: 'ExternalName', externalName: 'a.example.test' }), 'of an address': spec(port({ externalIPs: ['198.51.100.1', '198.51.100.2'] })),
  'pending': spec(port({ type: 'LoadBalancer' })), 'balanced': spec(port({ type: 'LoadBalancer' }), balanced({ ip: '198.51.100.1' }, { hostname: 'h.example.test' })), 'balanced at a long name': spec(port({ type: 'LoadBalancer', externalIPs: ['198.51.100.1'] }), balanced({ hostname: 'a-name-that-is-longer-than-sixteen-letters.example.test' })),
};
const backend = { service: { name: 'w', port: { number: 80 } } };
const rule = (host?: string): object => ({ ...(host !== undefined && { host }), http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } });
const INGRESSES: Readonly<Record<string, State>> = {
  'of a backend': spec({ defaultBackend: backend }), 'of five hosts': spec({ ingressClassName: 'c', tls: [{ secretName: 's' }], rules: ['a.b', 'c.d', 'e.f', 'g.h', 'i.j'].map(rule) }, balanced({ ip: '198.51.100.1' }, { hostname: 'h' })), 'of any host': spec({ rules: [rule()] }), 'of one and any': spec({ rules: [rule('a.b'), rule()] }),
};
const subset = (addresses: readonly string[], notReady: readonly string[], ports?: readonly object[]): object => ({ ...(addresses.length > 0 && { addresses: addresses.map((ip) => ({ ip })) }), ...(notReady.length > 0 && { notReadyAddresses: notReady.map((ip) => ({ ip })) }), ...(ports !== undefined && { ports }) });
const ENDPOINTS: Readonly<Record<string, State>> = {
  'of none': {}, 'not ready': { fields: { subsets: [subset([], ['192.0.2.1'], [{ port: 90 }])] } }, 'without ports': { fields: { subsets: [subset(['192.0.2.1'], [])] } }, 'of many': { fields: { subsets: [subset(['192.0.2.1', '192.0.2.2'], [], [{ name: 'a', port: 80 }, { name: 'b', port: 81 }]), subset(['192.0.2.3'], ['192.0.2.4'], [{ port: 90 }])] } },
};
const volume = (more: object = {}): object => ({ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, ...more });
const VOLUMES: Readonly<Record<string, State>> = {
  'new': spec(volume()), 'of modes': spec(volume({ accessModes: ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce'], storageClassName: 'sc', volumeMode: 'Block', volumeAttributesClassName: 'vac' }), { phase: 'Bound' }), 'failed': spec(volume({ claimRef: { namespace: 'a', name: 'b' } }), { phase: 'Failed', reason: 'Why' }), 'going': { ...spec(volume(), { phase: 'Available' }), gone: true },
};
const claim = (more: object = {}): object => ({ storageClassName: 'sc', resources: { requests: { storage: '1Gi' } }, accessModes: ['ReadWriteOnce'], ...more });
const CLAIMS: Readonly<Record<string, State>> = {
  'new': spec(claim()), 'bound': spec(claim({ volumeName: 'v' }), { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }), 'lost': spec(claim({ volumeMode: 'Block', volumeAttributesClassName: 'vac' }), { phase: 'Lost' }), 'going': { ...spec(claim(), { phase: 'Bound' }), gone: true },
};

const metric = (type: string, member: string, own: object): object => ({ type, [member]: own });
const cpu = (target: object): object => metric('Resource', 'resource', { name: 'cpu', target });
const half = { type: 'Utilization', averageUtilization: 50 };
const amount = { type: 'AverageValue', averageValue: '100m' };
const scaler = (metrics: readonly object[], currentMetrics?: readonly object[]): State => spec({ maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' }, metrics }, currentMetrics && { currentReplicas: 2, desiredReplicas: 3, currentMetrics });
const service = { describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' }, metric: { name: 'o' } };
const AUTOSCALERS: Readonly<Record<string, State>> = {
  'unknown': scaler([cpu(half)]), 'of an amount, unknown': scaler([cpu(amount)]), 'measured': scaler([cpu(half)], [metric('Resource', 'resource', { name: 'cpu', current: { averageUtilization: 33, averageValue: '33m' } })]),
  'of four': scaler([cpu(half), cpu(amount), metric('ContainerResource', 'containerResource', { name: 'cpu', container: 'c', target: half }), metric('Pods', 'pods', { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } })], [metric('Resource', 'resource', { name: 'cpu', current: { averageUtilization: 33, averageValue: '33m' } })]),
  'of an object': scaler([metric('Object', 'object', { ...service, target: { type: 'Value', value: '7' } })], [metric('Object', 'object', { ...service, current: { value: '3' } })]), 'from outside': scaler([metric('External', 'external', { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '10' } })], [metric('External', 'external', { metric: { name: 'e' }, current: { averageValue: '5' } })]),
};
const about = { involvedObject: { kind: 'Pod', namespace: SPACE, name: 'p', fieldPath: 'spec.containers{c}' } };
const EVENTS: Readonly<Record<string, State>> = {
  'counted': { fields: { ...about, reason: 'R', message: ' m \n', type: 'Normal', count: 3, firstTimestamp: started, lastTimestamp: ended, source: { component: 'kubelet', host: 'n1' } } }, 'bare': { fields: { ...about, reason: 'R', message: 'm', type: 'Warning' } },
  'in series': { fields: { ...about, reason: 'R', message: 'm', type: 'Normal', eventTime: '2026-01-01T00:00:00.000001Z', action: 'A', reportingComponent: 'a/b', reportingInstance: 'i', series: { count: 5, lastObservedTime: '2026-01-01T00:00:01.000001Z' } } },
};
const OTHERS: readonly Shown[] = [
  { resource: 'apps/v1/deployments', kind: 'Deployment', states: { 'rolling': spec({ ...chosen, replicas: 3 }, { replicas: 3, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 1, unavailableReplicas: 2 }) } },
  { resource: 'apps/v1/replicasets', kind: 'ReplicaSet', states: { 'partly ready': spec({ ...chosen, replicas: 3 }, { replicas: 3, fullyLabeledReplicas: 2, readyReplicas: 1, availableReplicas: 1 }) } },
  { resource: 'apps/v1/statefulsets', kind: 'StatefulSet', states: { 'partly ready': spec({ ...chosen, serviceName: 'x', replicas: 3 }, { replicas: 3, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 2, availableReplicas: 1 }) } },
  { resource: 'apps/v1/daemonsets', kind: 'DaemonSet', states: { 'partly ready': spec({ ...chosen, template: { ...template, spec: { containers: both, nodeSelector: { z: '1', b: '2' } } } }, { desiredNumberScheduled: 4, currentNumberScheduled: 3, numberReady: 2, updatedNumberScheduled: 1, numberAvailable: 2, numberMisscheduled: 0 }) } },
  { resource: 'apps/v1/controllerrevisions', kind: 'ControllerRevision', states: { 'owned': { fields: { metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'x', uid: 'u', controller: true }] }, revision: 7 } }, 'of nobody': { fields: { revision: 7 } } } },
  { resource: 'policy/v1/poddisruptionbudgets', kind: 'PodDisruptionBudget', states: { 'counted': spec({ minAvailable: 1 }, { disruptionsAllowed: 2, currentHealthy: 3, desiredHealthy: 1, expectedPods: 3 }), 'in parts': spec({ maxUnavailable: '50%' }) } },
  { resource: 'networking.k8s.io/v1/networkpolicies', kind: 'NetworkPolicy', states: { 'selecting': spec({ podSelector: { matchLabels: { b: '1', a: '2' }, matchExpressions: [{ key: 'k', operator: 'NotIn', values: ['z', 'y'] }] } }) } },
  { resource: 'discovery.k8s.io/v1/endpointslices', kind: 'EndpointSlice', states: { 'of many': { fields: { addressType: 'IPv4', ports: ['a', 'b', 'c', 'd'].map((name, index) => ({ name, port: 80 + index })), endpoints: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map((address) => ({ addresses: [address] })) } }, 'of none': { fields: { addressType: 'IPv4', endpoints: [] } } } },
  { resource: 'resource.k8s.io/v1/resourceclaims', kind: 'ResourceClaim', states: { 'pending': spec({ devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } }) } },
  { resource: 'networking.k8s.io/v1/ipaddresses', kind: 'IPAddress', cluster: true, states: { '2001:db8::7': spec({ parentRef: { resource: 'services', namespace: 'a', name: 'b' } }), '2001:db8::8': spec({ parentRef: { group: 'x.y', resource: 'things', name: 'b' } }) } },
];

const KINDS: readonly Shown[] = [
  { resource: 'v1/pods', kind: 'Pod', states: PODS }, { resource: 'v1/nodes', kind: 'Node', cluster: true, states: NODES }, { resource: 'batch/v1/jobs', kind: 'Job', states: JOBS }, { resource: 'batch/v1/cronjobs', kind: 'CronJob', states: CRONJOBS },
  { resource: 'v1/services', kind: 'Service', states: SERVICES }, { resource: 'networking.k8s.io/v1/ingresses', kind: 'Ingress', states: INGRESSES }, { resource: 'v1/endpoints', kind: 'Endpoints', states: ENDPOINTS }, { resource: 'v1/persistentvolumes', kind: 'PersistentVolume', cluster: true, states: VOLUMES }, { resource: 'v1/persistentvolumeclaims', kind: 'PersistentVolumeClaim', states: CLAIMS },
  { resource: 'autoscaling/v2/horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', states: AUTOSCALERS }, { resource: 'v1/events', kind: 'Event', states: EVENTS }, ...OTHERS,
];

export const TABLES: readonly Row[] = [
  post('tables: namespace', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SPACE } }),
  post('tables: service account', `/api/v1/namespaces/${SPACE}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }),
  ...KINDS.flatMap(rowsOf),
  get('tables: flow schemas as they are tried', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas?includeObject=None', { accept: TABLE }),
];

/** The object is made, told its state, and shown; of what its making and state are answered, kinds.ts and others have rows. */
function rowsOf({ resource, kind, cluster, states }: Shown): Row[] {
  const parts = resource.split('/');
  const plural = parts.pop() ?? '';
  const apiVersion = parts.join('/');
  const path = `/${parts.length === 1 ? 'api' : 'apis'}/${apiVersion}${cluster === true ? '' : `/namespaces/${SPACE}`}/${plural}`;
  return Object.entries(states).flatMap(([state, { fields: { metadata = {}, ...fields } = {}, status, gone }]) => {
    const name = state.includes(':') ? state : `${state.replaceAll(/[, ]+/g, '-')}${cluster === true ? '-{ns}' : ''}`;
    const told = `tables: ${plural}, ${state}`;
    return [
      post(`${told}: made`, path, { apiVersion, kind, metadata: { name, ...metadata }, ...fields }),
      ...(status === undefined ? [] : [patch(`${told}: told`, `${path}/${name}/status`, { status }, 'merge')]),
      ...(gone === undefined ? [] : [remove(`${told}: removed`, `${path}/${name}`, { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 30 })]),
      get(told, `${path}/${name}?includeObject=None`, { accept: TABLE }),
    ];
  });
}
