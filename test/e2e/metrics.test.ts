// What nodes and pods use, as kubectl top shows it, and workloads scaled by it.
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const cluster = await createSuppliedCluster('w', '10.97.7');
const { kubectl, tryKubectl, apply } = cluster;
t.teardown(() => cluster.remove());
await t.test('a server comes up', () => cluster.start());

const deployment = (name: string, command: string): object => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', command], resources: { requests: { cpu: '20m', memory: '10Mi' }, limits: { cpu: '100m' } } }] } },
  },
});

await t.test('kubectl top shows nodes, pods and containers', async (t) => {
  apply(deployment('busy', 'while :; do :; done'), deployment('idle', 'exec sleep 1000000'));
  kubectl('rollout', 'status', 'deployment/busy', 'deployment/idle', '--timeout=60s');
  t.match(kubectl('top', 'nodes'), /NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\) *\nn1 +\d+m +\d+% +\d+Mi +\d+%/);
  await until(() => /busy-\S+ +\d\d+m /.test(tryKubectl(['top', 'pods']).stdout), 'the busy one to show');
  t.match(kubectl('top', 'pods', '-l', 'app=busy', '--containers'), /^POD +NAME +CPU\(cores\) +MEMORY\(bytes\) *\nbusy-\S+ +c +\d+m +\d+Mi *\n$/);
  t.match(kubectl('top', 'pods', '-A', '--sort-by=cpu'), /NAMESPACE +NAME .*\ndefault +busy-/);
});

await t.test('the API is there for others too', (t) => {
  t.match(kubectl('get', '--raw', '/apis/metrics.k8s.io/v1beta1'), /"name":"nodes".*"kind":"NodeMetrics".*"verbs":\["get","list"\]/);
  t.match(kubectl('get', 'apiservice', 'v1beta1.metrics.k8s.io'), /Local +True/);
  t.match(kubectl('get', 'pods.metrics.k8s.io'), /NAME +CPU +MEMORY +WINDOW\nbusy-\S+ +\d+n +\d+Ki +/i);
  t.match(JSON.parse(kubectl('get', 'nodes.metrics.k8s.io', 'n1', '-o', 'json')), { kind: 'NodeMetrics', usage: { cpu: /^\d+n$/, memory: /^\d+Ki$/ }, window: /s$/ });
  t.match(tryKubectl(['get', 'pods.metrics.k8s.io', 'none']).stderr, /pods.metrics.k8s.io "none" not found/);
  t.match(tryKubectl(['delete', 'pods.metrics.k8s.io', 'none']).stderr, /MethodNotAllowed|does not allow this method/);
  t.equal(tryKubectl(['auth', 'can-i', 'list', 'pods.metrics.k8s.io', '--as=someone']).stdout.trim(), 'no', 'who may not, may not');
  for (const path of ['/openapi/v2', '/openapi/v3', '/apis', '/api/v1/namespaces/default/pods/none/log']) t.notMatch(tryKubectl(['get', '--raw', path]).stderr, /InternalError|Internal/, path);
  t.notMatch(kubectl('get', '--raw', '/openapi/v3'), /metrics\.k8s\.io/, 'kinds without a schema publish none');
  t.end();
});

await t.test('an autoscaler scales up by use of requests, within its bounds, and down by bytes', async (t) => {
  kubectl('scale', 'deployment/idle', '--replicas=3');
  const autoscaler = (name: string, minReplicas: number, metric: object): object => ({
    apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, minReplicas, maxReplicas: 3, metrics: [{ type: 'Resource', resource: metric }], behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
  });
  apply(autoscaler('busy', 1, { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } }), autoscaler('idle', 1, { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } }), autoscaler('none', 1, { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } }));
  const conditions = (name: string): string => kubectl('get', 'hpa', name, '-o', 'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}');
  await until(() => kubectl('get', 'deployment', 'busy', '-o', 'jsonpath={.spec.replicas}') === '3', 'the busy one to grow', 150_000);
  // Until the next look, when it says that it is ready for a new scale.
  await until(() => /AbleToScale=True (SucceededRescale: the HPA controller was able to update the target scale to 3|ReadyForNewScale)/.test(conditions('busy')), 'the condition');
  await until(() => kubectl('get', 'deployment', 'idle', '-o', 'jsonpath={.spec.replicas}') === '1', 'the idle one to shrink', 150_000);
  t.match(conditions('busy'), /ScalingActive=True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization \(percentage of request\)\n/);
  t.match(conditions('busy'), /ScalingLimited=True TooManyReplicas: the desired replica count is more than the maximum replica count/);
  t.match(kubectl('get', 'events', '--field-selector', 'involvedObject.name=busy,reason=SuccessfulRescale', '-o', 'jsonpath={.items[0].message}'), 'New size: 3; reason: cpu resource utilization (percentage of request) above target');
  t.match(conditions('none'), /AbleToScale=False FailedGetScale: the HPA controller was unable to get the target's current scale: deployments.apps "none" not found/);
  t.match(kubectl('get', 'hpa', 'busy'), /busy +Deployment\/busy +cpu: \d+%\/50% +1 +3 +\d/);
});
