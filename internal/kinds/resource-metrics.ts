// metrics.k8s.io/v1beta1, served from what kubelets measure: nothing of it is stored. Its two kinds come and go with the part `metrics` and give
// way to a metrics server that somebody installs (as an APIService with a service behind it).
import { formatTime, type KubeObject } from '../api/meta.ts';
import type { Measured, NodeUsage, PodUsage, ResourceUsage, Usage } from '../api/resource-usage.ts';
import type { Column, Kind } from './kind.ts';

export const METRICS_GROUP = 'metrics.k8s.io';
export const METRICS_VERSION = 'v1beta1';

interface Metrics extends KubeObject {
  timestamp: string;
  window: string;
}
type Amounts = { cpu: string; memory: string };
type NodeMetrics = Metrics & { usage: Amounts };
type PodMetrics = Metrics & { containers: { name: string; usage: Amounts }[] };

export interface ResourceMetricsOptions {
  usage: ResourceUsage;
  labelsOf(resource: 'nodes' | 'pods', key: { namespace: string; name: string }): Readonly<Record<string, string>> | undefined;
}

/** Kinds that are made when asked for: `made` gives all there is. */
export function resourceMetricsKinds({ usage, labelsOf }: ResourceMetricsOptions): Kind[] {
  const metadata = (resource: 'nodes' | 'pods', namespace: string, { name, at }: { name: string; at: number }): KubeObject['metadata'] | undefined => {
    const labels = labelsOf(resource, { namespace, name });
    // Gone since: it is not shown.
    return labels === undefined ? undefined : ({ name, ...(namespace !== '' && { namespace }), creationTimestamp: formatTime(at), ...(Object.keys(labels).length > 0 && { labels: { ...labels } }) } as KubeObject['metadata']);
  };
  const nodes = async (): Promise<KubeObject[]> => (await usage.read()).nodes.flatMap((node) => {
    const found = metadata('nodes', '', node);
    return found === undefined ? [] : [nodeMetrics(node, found)];
  });
  const pods = async (): Promise<KubeObject[]> => (await usage.read()).pods.flatMap((pod) => {
    const found = metadata('pods', pod.namespace, pod);
    return found === undefined ? [] : [podMetrics(pod, found)];
  });
  return [
    { ...shared('NodeMetrics', 'nodes'), namespaced: false, made: nodes, rules: { cells: (object) => cells(object as NodeMetrics, (object as NodeMetrics).usage) } },
    { ...shared('PodMetrics', 'pods'), namespaced: true, made: pods, rules: { cells: (object) => cells(object as PodMetrics, sum((object as PodMetrics).containers.map((container) => container.usage))) } },
  ];
}

function shared(kind: string, resource: string): Omit<Kind, 'namespaced' | 'made' | 'rules'> {
  return { group: METRICS_GROUP, version: METRICS_VERSION, kind, resource, singular: '', shortNames: [], categories: [], verbs: ['get', 'list'], subresources: [], schema: '', columns: COLUMNS };
}

const COLUMNS: readonly Column[] = [
  { name: 'Name', type: 'string', format: 'name', priority: 0, description: 'Name of the resource' },
  { name: 'cpu', type: 'string', format: 'quantity', priority: 0 },
  { name: 'memory', type: 'string', format: 'quantity', priority: 0 },
  { name: 'Window', type: 'string', format: 'duration', priority: 0 },
];

function nodeMetrics(node: NodeUsage, metadata: KubeObject['metadata']): NodeMetrics {
  return { apiVersion: `${METRICS_GROUP}/${METRICS_VERSION}`, kind: 'NodeMetrics', metadata, ...measured(node), usage: amounts(node) };
}

function podMetrics(pod: PodUsage, metadata: KubeObject['metadata']): PodMetrics {
  return { apiVersion: `${METRICS_GROUP}/${METRICS_VERSION}`, kind: 'PodMetrics', metadata, ...measured(pod), containers: pod.containers.map((container) => ({ name: container.name, usage: amounts(container) })) };
}

function measured({ at, windowMs }: Measured): { timestamp: string; window: string } {
  return { timestamp: formatTime(at), window: `${String(Math.round(windowMs) / 1000)}s` };
}

function amounts({ cpuNanos, memoryBytes }: Usage): Amounts {
  return { cpu: `${String(cpuNanos)}n`, memory: `${String(Math.floor(memoryBytes / 1024))}Ki` };
}

function sum(all: readonly Amounts[]): Amounts {
  const total = (name: keyof Amounts): number => all.reduce((amount, each) => amount + Number.parseInt(each[name], 10), 0);
  return { cpu: `${String(total('cpu'))}n`, memory: `${String(total('memory'))}Ki` };
}

function cells({ metadata, window }: Metrics, usage: Amounts): string[] {
  return [metadata.name, usage.cpu, usage.memory, window];
}
