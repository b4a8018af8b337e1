// Requests and limits as the kernel's numbers: of containers, of whole pods, and how willingly the kernel kills whom (oom_score_adj).
// Formulas: node resource management design, KEP-2837 (pod-level resources), KEP-753 (sidecars count beside the main containers).
import { quantityMilliValue, quantityValue } from '../../../internal/api/quantity.ts';
import type { Container, Pod, ResourceRequirements } from '../../../internal/kinds/generated/api-types.ts';
import { initContainersOf, qosClassOf } from '../pod-spec.ts';
import type { CgroupLimits } from './cgroup-tree.ts';

export const CPU_PERIOD_US = 100_000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const MIN_QUOTA_US = 1000;
const CRITICAL_PRIORITY = 2_000_000_000;

export function sharesOf(milliCpu: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1024) / 1000)));
}

function quotaOf(milliCpu: number): number {
  return Math.max(MIN_QUOTA_US, Math.floor((milliCpu * CPU_PERIOD_US) / 1000));
}

export function containerLimits(resources: ResourceRequirements | undefined): CgroupLimits {
  const { requests = {}, limits = {} } = resources ?? {};
  const cpu = requests['cpu'] ?? limits['cpu'];
  return {
    cpuShares: sharesOf(cpu === undefined ? 0 : quantityMilliValue(cpu)),
    ...(limits['cpu'] !== undefined && quantityMilliValue(limits['cpu']) > 0 && { cpuQuota: quotaOf(quantityMilliValue(limits['cpu'])), cpuPeriod: CPU_PERIOD_US }),
    ...(limits['memory'] !== undefined && quantityValue(limits['memory']) > 0 && { memoryLimitBytes: quantityValue(limits['memory']) }),
  };
}

/** What a container may use: its own limits, else those of the whole pod. */
export function limitsWithin({ spec }: Pod, resources: ResourceRequirements | undefined): ResourceRequirements {
  const whole = spec.resources?.limits ?? {};
  const inherited = ['cpu', 'memory'].filter((name) => whole[name] !== undefined && resources?.limits?.[name] === undefined);
  return inherited.length === 0 ? resources ?? {} : { ...resources, limits: { ...resources?.limits, ...Object.fromEntries(inherited.map((name) => [name, whole[name] ?? '0'])) } };
}

/** A limit holds for the pod only when every container has one (or the pod itself says it); the overhead of running it comes on top. */
export function podLimits(pod: Pod): CgroupLimits {
  const limit = (name: 'cpu' | 'memory'): number => {
    const own = pod.spec.resources?.limits?.[name];
    const amount = own !== undefined ? valueOf(name, own) : totalOf(pod, 'limits', name, true) ?? 0;
    return amount <= 0 ? 0 : amount + overheadOf(pod, name);
  };
  const [cpu, memory] = [limit('cpu'), limit('memory')];
  return {
    cpuShares: sharesOf(podRequest(pod, 'cpu')),
    ...(cpu > 0 && { cpuQuota: quotaOf(cpu), cpuPeriod: CPU_PERIOD_US }),
    ...(memory > 0 && { memoryLimitBytes: memory }),
  };
}

function overheadOf({ spec }: Pod, name: string): number {
  const amount = spec.overhead?.[name];
  return amount === undefined ? 0 : valueOf(name, amount);
}

/** What the pod asks for: cpu in milli-cores, everything else in units. */
export function podRequest(pod: Pod, name: string): number {
  const own = pod.spec.resources?.requests?.[name];
  const amount = own !== undefined ? valueOf(name, own) : totalOf(pod, 'requests', name, false) ?? 0;
  return amount + overheadOf(pod, name);
}

/** Main containers and sidecars together, or the greediest init container beside the sidecars before it, whichever is more. */
function totalOf(pod: Pod, what: 'requests' | 'limits', name: string, all: boolean): number | undefined {
  const amount = (container: Container): number | undefined => {
    const value = container.resources?.[what]?.[name] ?? (what === 'requests' ? container.resources?.limits?.[name] : undefined);
    return value === undefined ? undefined : valueOf(name, value);
  };
  let sidecars = 0;
  let peak = 0;
  let complete = true;
  for (const { kind, spec } of initContainersOf(pod)) {
    const own = amount(spec);
    if (own === undefined) complete = false;
    if (kind === 'sidecar') sidecars += own ?? 0;
    peak = Math.max(peak, sidecars + (kind === 'sidecar' ? 0 : own ?? 0));
  }
  const main = pod.spec.containers.map(amount);
  if (main.includes(undefined)) complete = false;
  const sum = main.reduce<number>((total, own) => total + (own ?? 0), sidecars);
  return all && !complete ? undefined : Math.max(sum, peak);
}

function valueOf(name: string, amount: string): number {
  return name === 'cpu' ? quantityMilliValue(amount) : quantityValue(amount);
}

/** Guaranteed and critical pods are killed last, pods without requests first, the others by how little of the memory they asked for. */
export function oomScoreAdjust(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  const qos = qosClassOf(pod);
  if ((pod.spec.priority ?? 0) >= CRITICAL_PRIORITY || qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const share = sharePerContainer(pod);
  const scoreOf = (bytes: number): number => 1000 - Math.floor((1000 * (bytes + share)) / Math.max(1, memoryCapacityBytes));
  const sidecar = initContainersOf(pod).some(({ kind, spec }) => kind === 'sidecar' && spec.name === container.name);
  // A sidecar is not killed before those that it serves.
  const score = Math.min(scoreOf(memoryAsked(container)), sidecar ? scoreOf(Math.min(...pod.spec.containers.map(memoryAsked))) : 1000);
  return score < 3 ? 3 : score >= 1000 ? 999 : score;
}

function memoryAsked({ resources }: Container): number {
  return quantityValue(resources?.requests?.['memory'] ?? resources?.limits?.['memory'] ?? '0');
}

/** What the pod asks for beyond its containers, divided among them. */
function sharePerContainer(pod: Pod): number {
  const whole = pod.spec.resources?.requests?.['memory'];
  if (whole === undefined) return 0;
  const count = pod.spec.containers.length + (pod.spec.initContainers ?? []).length;
  return Math.max(0, Math.floor((quantityValue(whole) - (totalOf(pod, 'requests', 'memory', false) ?? 0)) / count));
}
