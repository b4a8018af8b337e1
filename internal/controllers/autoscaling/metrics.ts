// Where autoscalers read: what pods use from the kubelets (or a metrics server that somebody installed), all else from the servers behind
// custom.metrics.k8s.io and external.metrics.k8s.io (upstream: podautoscaler/metrics/client.go).
import { messageOf } from '../../base/errors.ts';
import type { AggregatedServers } from '../../api/aggregation.ts';
import { quantityMilliValue } from '../../api/quantity.ts';
import type { ResourceUsage } from '../../api/resource-usage.ts';
import { parseLabelSelector } from '../../api/selectors.ts';
import { serviceAccountUser } from '../../api/user.ts';
import type { Pod } from '../../kinds/generated/api-types.ts';
import { METRICS_GROUP, METRICS_VERSION } from '../../kinds/resource-metrics.ts';
import type { PodMetric } from './replicas.ts';

export interface AutoscalerMetrics {
  /** Of pods by name; `container`: of that one alone. */
  resource(name: string, pods: PodsAsked, container?: string): Promise<Map<string, PodMetric>>;
  /** A metric that something tells of each pod. */
  pods(metric: string, pods: PodsAsked, metricSelector: string): Promise<Map<string, PodMetric>>;
  /** Below the namespace: `deployments.apps/web`. In thousandths. */
  object(metric: string, namespace: string, path: string, metricSelector: string): Promise<number>;
  external(metric: string, namespace: string, selector: string): Promise<number>;
}

interface PodsAsked {
  namespace: string;
  selector: string;
  found: readonly Pod[];
}
interface RemotePodMetrics {
  metadata: { name: string };
  timestamp: string;
  window: string;
  containers: { name: string; usage: Record<string, string> }[];
}
interface RemoteValue {
  describedObject?: { name: string };
  timestamp?: string;
  windowSeconds?: number;
  value: string;
}

const USER = serviceAccountUser('kube-system', 'horizontal-pod-autoscaler');
const TIMEOUT_MS = 30_000;
const DEFAULT_WINDOW_MS = 60_000;
const CUSTOM = ['v1beta2', 'v1beta1'].map((version) => ['custom.metrics.k8s.io', version] as const);

export function createAutoscalerMetrics({ usage, aggregated }: { usage: ResourceUsage | undefined; aggregated: AggregatedServers }): AutoscalerMetrics {
  const remote = async <T>(groups: readonly (readonly [group: string, version: string])[], path: string): Promise<T[] | undefined> => {
    const api = groups.map(([group, version]) => aggregated.find(group, version)).find((found) => found !== undefined);
    if (api === undefined) return undefined;
    const { code, body } = await aggregated.get(api, USER, `/apis/${api.group}/${api.version}${path}`, { accept: 'application/json', timeoutMs: TIMEOUT_MS });
    const answer = JSON.parse(body) as { items?: T[]; message?: string };
    if (code >= 400) throw new Error(answer.message ?? `code ${String(code)}`);
    return answer.items ?? [];
  };
  const custom = async (path: string): Promise<RemoteValue[]> => {
    const values = await remote<RemoteValue>(CUSTOM, path).catch((error: unknown) => fail('custom', messageOf(error)));
    if (values === undefined) return fail('custom', 'no known available metric versions found');
    return values.length === 0 ? Promise.reject(new Error('no metrics returned from custom metrics API')) : values;
  };
  return {
    async resource(name, { namespace, selector, found }, container) {
      const path = `/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
      const told = await remote<RemotePodMetrics>([[METRICS_GROUP, METRICS_VERSION]], path).catch((error: unknown) => fail('resource', messageOf(error)));
      const metrics = told === undefined ? await measured(usage, namespace, found) : told.map(fromRemote);
      if (metrics.length === 0) throw new Error('no metrics returned from resource metrics API');
      return new Map(metrics.flatMap(({ pod, containers, ...when }) => {
        const values = containers.filter((each) => container === undefined || each.name === container).map((each) => each[name === 'cpu' ? 'cpu' : name === 'memory' ? 'memory' : 'other']);
        return values.length === 0 || values.some((value) => value === undefined) ? [] : [[pod, { value: values.reduce<number>((sum, value) => sum + (value ?? 0), 0), ...when }] as const];
      }));
    },
    async pods(metric, { namespace, selector }, metricSelector) {
      const values = await custom(`/namespaces/${namespace}/pods/*/${metric}?labelSelector=${encodeURIComponent(selector)}&metricLabelSelector=${encodeURIComponent(metricSelector)}`);
      return new Map(values.map(({ describedObject, timestamp = '', windowSeconds, value }) => [describedObject?.name ?? '', { value: quantityMilliValue(value), at: Date.parse(timestamp), windowMs: windowSeconds === undefined ? DEFAULT_WINDOW_MS : windowSeconds * 1000 }]));
    },
    async object(metric, namespace, path, metricSelector) {
      const [first] = await custom(`/namespaces/${namespace}/${path}/${metric}?metricLabelSelector=${encodeURIComponent(metricSelector)}`);
      return quantityMilliValue(first?.value ?? '0');
    },
    async external(metric, namespace, selector) {
      const values = await remote<RemoteValue>([['external.metrics.k8s.io', 'v1beta1']], `/namespaces/${namespace}/${metric}?labelSelector=${encodeURIComponent(selector)}`).catch((error: unknown) => fail('external', messageOf(error)));
      if (values === undefined) return fail('external', `the server could not find the requested resource (get ${metric}.external.metrics.k8s.io)`);
      if (values.length === 0) throw new Error('no metrics returned from external metrics API');
      return values.reduce((sum, { value }) => sum + quantityMilliValue(value), 0);
    },
  };
}

function fail(which: string, why: string): Promise<never> {
  return Promise.reject(new Error(`unable to fetch metrics from ${which} metrics API: ${why}`));
}

interface PodReading {
  pod: string;
  at: number;
  windowMs: number;
  /** In thousandths. */
  containers: { name: string; cpu?: number; memory?: number; other?: undefined }[];
}

async function measured(usage: ResourceUsage | undefined, namespace: string, found: readonly Pod[]): Promise<PodReading[]> {
  if (usage === undefined) return fail('resource', 'the server could not find the requested resource (get pods.metrics.k8s.io)');
  const wanted = new Set(found.map(({ metadata }) => metadata.name));
  const { pods } = await usage.read();
  return pods.filter((pod) => pod.namespace === namespace && wanted.has(pod.name)).map(({ name, at, windowMs, containers }) => ({
    pod: name, at, windowMs, containers: containers.map((each) => ({ name: each.name, cpu: Math.ceil(each.cpuNanos / 1e6), memory: each.memoryBytes * 1000 })),
  }));
}

function fromRemote({ metadata, timestamp, window, containers }: RemotePodMetrics): PodReading {
  const amount = (usage: Record<string, string>, name: string): number | undefined => (usage[name] === undefined ? undefined : quantityMilliValue(usage[name]));
  const [cpu, memory] = [(usage: Record<string, string>) => amount(usage, 'cpu'), (usage: Record<string, string>) => amount(usage, 'memory')];
  return {
    pod: metadata.name, at: Date.parse(timestamp), windowMs: Number.parseFloat(window) * 1000,
    containers: containers.map(({ name, usage }) => {
      const [cpuAmount, memoryAmount] = [cpu(usage), memory(usage)];
      return { name, ...(cpuAmount !== undefined && { cpu: cpuAmount }), ...(memoryAmount !== undefined && { memory: memoryAmount }) };
    }),
  };
}

/** Pods of a namespace by a selector's text. */
export function selected(pods: readonly Pod[], selector: string): Pod[] {
  const wanted = parseLabelSelector(selector);
  return pods.filter(({ metadata }) => wanted.matches(metadata.labels));
}
