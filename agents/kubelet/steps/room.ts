// Whether there is room for a pod beside others: what each asks for against what the node can give. Upstream's order, which says what is told first.
import { quantityMilliValue, quantityValue } from '../../../internal/api/quantity.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { isExtendedResource } from '../../../internal/kinds/resource-names.ts';
import { podRequest } from '../cgroups/pod-resources.ts';
import type { Rejection } from './rejection.ts';

/** Of cpu in milli-cores, of everything else in units. */
export interface Shortfall {
  resource: string;
  asked: number;
  used: number;
  has: number;
}

type Allocatable = Readonly<Record<string, string>>;

/** How many of a resource pods have been given already. */
type Held = (resource: string) => number;

/** `others` are the pods that count. */
export function shortfallsOf(pod: Pod, others: readonly Pod[], allocatable: Allocatable, held: Held = () => 0): Shortfall[] {
  const all = ['pods', 'cpu', 'memory', 'ephemeral-storage', ...scalars(pod, allocatable)].map((resource): Shortfall => ({
    resource, asked: amountOf(pod, resource), used: others.reduce((sum, other) => sum + amountOf(other, resource), 0), has: capacityOf(resource, allocatable, held),
  }));
  return all.filter(({ asked, used, has }) => asked > 0 && asked + used > has);
}

export function checkResources(pod: Pod, others: readonly Pod[], allocatable: Allocatable, held?: Held): Rejection | undefined {
  return outOf(shortfallsOf(pod, others, allocatable, held));
}

export function outOf([first]: readonly Shortfall[]): Rejection | undefined {
  if (first === undefined) return undefined;
  const { resource, asked, used, has } = first;
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${String(asked)}, used: ${String(used)}, capacity: ${String(has)}` };
}

/** What the pod takes of it. */
export function amountOf(pod: Pod, resource: string): number {
  return resource === 'pods' ? 1 : podRequest(pod, resource);
}

function capacityOf(resource: string, allocatable: Allocatable, held: Held): number {
  if (resource === 'pods') return quantityValue(allocatable['pods'] ?? '110');
  const value = resource === 'cpu' ? quantityMilliValue : quantityValue;
  return Math.max(held(resource), value(allocatable[resource] ?? '0'));
}

/** Huge pages, and extended resources that the node has: others are no matter of the node's. */
function scalars(pod: Pod, allocatable: Allocatable): string[] {
  const asked = new Set([...pod.spec.initContainers ?? [], ...pod.spec.containers].flatMap(({ resources }) => [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})]));
  return [...asked].filter((name) => name.startsWith('hugepages-') || (isExtendedResource(name) && allocatable[name] !== undefined)).sort();
}
