// How many replicas a metric asks for: pure, from what pods use and what they should (upstream: podautoscaler/replica_calculator.go, metrics/utilization.go).
// Pods without a metric, and those that are not ready yet, are counted against whichever way the others point, so that no step is taken too far.
import { quantityMilliValue } from '../../api/quantity.ts';
import type { Container, Pod } from '../../kinds/generated/api-types.ts';

export interface PodMetric {
  /** In thousandths. */
  value: number;
  at: number;
  windowMs: number;
}

export interface Tolerances {
  down: number;
  up: number;
}

export interface Sizing {
  currentReplicas: number;
  pods: readonly Pod[];
  /** By name of the pod. */
  metrics: ReadonlyMap<string, PodMetric>;
  /** CPU is not judged while a pod starts. */
  isCpu: boolean;
  tolerances: Tolerances;
  now: number;
}

/** What pods should use: a share of what they request, or each so much (in thousandths). */
export type Target = { utilization: number; requests: ReadonlyMap<string, number> } | { averageValue: number };

export interface Sized {
  replicas: number;
  /** Average of a pod, in thousandths. */
  average: number;
  utilization?: number;
}

const CPU_INITIALIZATION_MS = 300_000;
const INITIAL_READINESS_MS = 30_000;

export function sizeByPods(sizing: Sizing, target: Target): Sized {
  if (sizing.pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, metrics } = grouped(sizing);
  if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const now = ratioOf(metrics, target);
  const keep: Sized = { replicas: sizing.currentReplicas, ...now.shown };
  const upWithUnready = unready.length > 0 && now.ratio > 1;
  if (!upWithUnready && missing.length === 0) return isWithin(now.ratio, sizing.tolerances) ? keep : { ...keep, replicas: Math.ceil(now.ratio * ready) };
  const assumed = new Map(metrics);
  for (const name of missing) if (now.ratio !== 1) assumed.set(name, now.ratio < 1 ? expected(name, target) : 0);
  for (const name of upWithUnready ? unready : []) assumed.set(name, 0);
  const { ratio } = ratioOf(assumed, target);
  if (isWithin(ratio, sizing.tolerances) || (now.ratio < 1 && ratio > 1) || (now.ratio > 1 && ratio < 1)) return keep;
  const replicas = Math.ceil(ratio * assumed.size);
  return (ratio < 1 && replicas > sizing.currentReplicas) || (ratio > 1 && replicas < sizing.currentReplicas) ? keep : { ...keep, replicas };
}

/** One value for all pods together: of an object, or from outside. */
export function sizeByTotal(usage: number, target: { value: number } | { averageValue: number }, { currentReplicas, statusReplicas, pods, tolerances }: Pick<Sizing, 'currentReplicas' | 'pods' | 'tolerances'> & { statusReplicas: number }): Sized {
  if ('averageValue' in target) {
    const stays = isWithin(usage / (target.averageValue * statusReplicas), tolerances);
    return { replicas: stays ? statusReplicas : Math.ceil(usage / target.averageValue), average: Math.ceil(usage / statusReplicas) };
  }
  const ratio = usage / target.value;
  if (currentReplicas === 0) return { replicas: Math.ceil(ratio), average: usage };
  if (isWithin(ratio, tolerances)) return { replicas: currentReplicas, average: usage };
  if (pods.length === 0) throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count');
  return { replicas: Math.ceil(ratio * pods.filter((pod) => pod.status?.phase === 'Running' && readiness(pod)?.status === 'True').length), average: usage };
}

/** Of every pod, of one container or all that go on; in thousandths. */
export function requestsOf(pods: readonly Pod[], resource: string, container: string | undefined): Map<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)]));
}

function requestOf({ metadata, spec }: Pod, resource: string, only: string | undefined): number {
  const whole = only === undefined ? spec.resources?.requests : undefined;
  if (whole !== undefined && whole[resource] !== undefined) return quantityMilliValue(whole[resource]);
  const containers: Container[] = [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
  const asked = only === undefined ? containers : containers.filter(({ name }) => name === only);
  if (asked.length === 0) throw new Error(`container ${only ?? ''} not found in Pod ${metadata.name}`);
  return asked.reduce((sum, { name, resources }) => {
    const request = resources?.requests?.[resource];
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    return sum + quantityMilliValue(request);
  }, 0);
}

function grouped({ pods, metrics, isCpu, now }: Sizing): { ready: number; unready: string[]; missing: string[]; metrics: Map<string, number> } {
  const left = new Map([...metrics].map(([name, { value }]) => [name, value]));
  const groups = { ready: 0, unready: [] as string[], missing: [] as string[], metrics: left };
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || pod.status?.phase === 'Failed') left.delete(name);
    else if (pod.status?.phase === 'Pending' || (isCpu && metric !== undefined && isStarting(pod, metric, now))) {
      groups.unready.push(name);
      left.delete(name);
    } else if (metric === undefined) groups.missing.push(name);
    else groups.ready++;
  }
  return groups;
}

/** Its CPU says nothing of its load yet. */
function isStarting(pod: Pod, { at, windowMs }: PodMetric, now: number): boolean {
  const condition = readiness(pod);
  const startedAt = Date.parse(pod.status?.startTime ?? '');
  if (condition === undefined || Number.isNaN(startedAt)) return true;
  const changedAt = Date.parse(condition.lastTransitionTime ?? '');
  if (startedAt + CPU_INITIALIZATION_MS > now) return condition.status === 'False' || at < changedAt + windowMs;
  return condition.status === 'False' && startedAt + INITIAL_READINESS_MS > changedAt;
}

function readiness({ status }: Pod): { status: string; lastTransitionTime?: string } | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function ratioOf(metrics: ReadonlyMap<string, number>, target: Target): { ratio: number; shown: Omit<Sized, 'replicas'> } {
  if ('averageValue' in target) {
    const average = Math.trunc(sum(metrics.values()) / metrics.size);
    return { ratio: average / target.averageValue, shown: { average } };
  }
  const known = [...metrics].filter(([name]) => target.requests.has(name));
  const requested = sum(known.map(([name]) => target.requests.get(name) ?? 0));
  if (requested === 0) throw new Error('no metrics returned matched known pods');
  const used = sum(known.map(([, value]) => value));
  const utilization = Math.trunc((used * 100) / requested);
  return { ratio: utilization / target.utilization, shown: { utilization, average: Math.trunc(used / known.length) } };
}

/** Of a pod that says nothing, when the others have too little to do. */
function expected(name: string, target: Target): number {
  return 'averageValue' in target ? target.averageValue : Math.trunc(((target.requests.get(name) ?? 0) * Math.max(100, target.utilization)) / 100);
}

function isWithin(ratio: number, { down, up }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
