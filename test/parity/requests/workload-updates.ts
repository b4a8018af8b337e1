// What an update of a workload or of its status may say: statuses are held to their counts and conditions and written whole, selectors to
// be selectors, and what never changes is judged when it is made alone. One row for each class that a comparison of generated updates has found.
import type { Row } from '../exchange.ts';
import { patch, post, put, remove } from '../rows.ts';

const OWN = '{ns}-updates';
const APPS = `/apis/apps/v1/namespaces/${OWN}`;
const JOBS = `/apis/batch/v1/namespaces/${OWN}`;
const BUDGETS = `/apis/policy/v1/namespaces/${OWN}/poddisruptionbudgets`;
const SCALERS = `/apis/autoscaling/v2/namespaces/${OWN}/horizontalpodautoscalers`;
const PRIORITY = '/apis/scheduling.k8s.io/v1/priorityclasses';
const ROLES = '/apis/rbac.authorization.k8s.io/v1';

function object(apiVersion: string, kind: string, rest: object = {}, name = 'kept'): object {
  return { apiVersion, kind, metadata: { name }, ...rest };
}

const pod = { containers: [{ name: 'c', image: 'example.test/c' }] };
const template = (spec: object = {}): object => ({ metadata: { labels: { app: 'a' } }, spec: { ...pod, ...spec } });
const workload = (kind: string, spec: object = {}): object => object('apps/v1', kind, { spec: { selector: { matchLabels: { app: 'a' } }, template: template(), ...spec } });
const revision = (rest: object): object => object('apps/v1', 'ControllerRevision', rest);
const job = (spec: object): object => object('batch/v1', 'Job', { spec: { template: { spec: { ...pod, restartPolicy: 'Never' } }, ...spec } });
const autoscaler = object('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'kept' }, maxReplicas: 3 } });
const priority = (rest: object): object => object('scheduling.k8s.io/v1', 'PriorityClass', { value: 5, ...rest }, '{ns}-kept');

const SCENE: readonly Row[] = [
  post('namespace of updates', '/api/v1/namespaces', object('v1', 'Namespace', {}, OWN)),
  post('deployment of updates', `${APPS}/deployments`, workload('Deployment')),
  post('set of updates', `${APPS}/statefulsets`, workload('StatefulSet', { serviceName: 's' })),
  post('daemons of updates', `${APPS}/daemonsets`, workload('DaemonSet')),
  post('revision of updates', `${APPS}/controllerrevisions`, revision({ data: { a: 1 } })),
  post('job of updates', `${JOBS}/jobs`, job({})),
  post('budget of updates', BUDGETS, object('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1 } })),
  post('autoscaler of updates', SCALERS, autoscaler),
  post('priority of updates', PRIORITY, priority({})),
];

const said = (name: string, path: string, status: object): Row => patch(`said of ${name}`, `${path}/status`, { status }, 'merge');
const STATUSES: readonly Row[] = [
  put('a status that is gone', `${APPS}/daemonsets/kept/status`, workload('DaemonSet')),
  put('no status of an autoscaler', `${SCALERS}/kept/status`, autoscaler),
  said('a set: more than there are', `${APPS}/statefulsets/kept`, { replicas: null, currentReplicas: 5, readyReplicas: -1 }),
  said('a set: a condition of nothing', `${APPS}/statefulsets/kept`, { replicas: 1, conditions: [{}] }),
  said('a deployment: collisions below none', `${APPS}/deployments/kept`, { collisionCount: -2, readyReplicas: -1 }),
  said('a deployment: collisions', `${APPS}/deployments/kept`, { collisionCount: 2 }),
  said('a deployment: fewer collisions', `${APPS}/deployments/kept`, { collisionCount: null }),
  said('a budget: conditions', BUDGETS + '/kept', { conditions: [{ type: 'a b', status: 'ok', reason: 'ok-name' }], currentHealthy: -1 }),
  said('an autoscaler: metrics of nothing', `${SCALERS}/kept`, { currentMetrics: [{ type: 'Pods', pods: {} }], conditions: [{}] }),
];

const changed = (name: string, path: string, spec: object): Row => patch(`changed: ${name}`, path, { spec }, 'merge');
const CHANGES: readonly Row[] = [
  changed('a selector that is none', `${APPS}/deployments/kept`, { selector: { matchLabels: { app: '/x' } } }),
  changed('a selector of daemons that is none', `${APPS}/daemonsets/kept`, { selector: { matchLabels: { app: '/x' } } }),
  changed('a selector of daemons that is empty', `${APPS}/daemonsets/kept`, { selector: { matchLabels: null } }),
  changed('a selector of a set that is none', `${APPS}/statefulsets/kept`, { selector: { matchLabels: { app: '/x' } }, template: { spec: { restartPolicy: 'Never' } } }),
  changed('a service name that is none', `${APPS}/statefulsets/kept`, { serviceName: 'A b' }),
  changed('claims of nothing', `${APPS}/statefulsets/kept`, { volumeClaimTemplates: [{}] }),
  changed('a way of preemption', `${APPS}/deployments/kept`, { template: { spec: { preemptionPolicy: 'Odd', runtimeClassName: '' } } }),
  changed('a way of completion', `${JOBS}/jobs/kept`, { completionMode: 'Odd' }),
  changed('a job without its selector', `${JOBS}/jobs/kept`, { selector: null }),
  post('changed: a way of completion of scheduled jobs', `${JOBS}/cronjobs`, object('batch/v1', 'CronJob', { spec: { schedule: '* * * * *', jobTemplate: { spec: { completionMode: 'Odd', backoffLimitPerIndex: 1, template: { spec: { ...pod, restartPolicy: 'Never' } } } } } })),
  put('changed: data of a revision', `${APPS}/controllerrevisions/kept`, revision({ data: null })),
  put('changed: number of a revision', `${APPS}/controllerrevisions/kept`, revision({ data: { a: 1 } })),
  put('changed: way of a priority', `${PRIORITY}/{ns}-kept`, priority({ value: 2_000_000_000, preemptionPolicy: 'Odd' })),
];

const ROLE: readonly Row[] = [
  post('subject of no kind', `${ROLES}/namespaces/${OWN}/rolebindings`, object('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, subjects: [{}] })),
  post('gathered by no selector', `${ROLES}/clusterroles`, object('rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: [{}], aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Odd' }] }] } })),
];

const GONE: readonly Row[] = [
  remove('priority of updates gone', `${PRIORITY}/{ns}-kept`),
  remove('namespace of updates gone', `/api/v1/namespaces/${OWN}`),
];

export const WORKLOAD_UPDATES: readonly Row[] = [...SCENE, ...STATUSES, ...CHANGES, ...ROLE, ...GONE];
