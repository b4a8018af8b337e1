// The QoS class of a pod (upstream: pkg/apis/core/v1/helper/qos): cpu and memory alone decide.
import type { Container, PodSpec } from '../generated/api-types.ts';
import { compareQuantities } from '../../api/quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';
type Resources = NonNullable<Container['resources']>;
const COMPUTE = ['cpu', 'memory'] as const;

export function qosClassOf(spec: PodSpec): QosClass {
  if (spec.resources !== undefined && hasAny(spec.resources)) return isGuaranteed(spec.resources) ? 'Guaranteed' : 'Burstable';
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources ?? {});
  if (!all.some(hasAny)) return 'BestEffort';
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function hasAny({ requests, limits }: Resources): boolean {
  return COMPUTE.some((name) => isPositive(requests?.[name]) || isPositive(limits?.[name]));
}

function isGuaranteed({ requests, limits }: Resources): boolean {
  return COMPUTE.every((name) => {
    const limit = limits?.[name];
    const request = requests?.[name];
    return limit !== undefined && isPositive(limit) && (request === undefined || compareQuantities(request, limit) === 0);
  });
}

function isPositive(quantity: string | undefined): boolean {
  return quantity !== undefined && compareQuantities(quantity, '0') > 0;
}
