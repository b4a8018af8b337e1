// What a pod as a whole asks for (upstream: component-helpers/resource PodRequests, PodLimits): containers and sidecars run together, each
// init container beside the sidecars before it, the larger of the two counts; what the pod itself says wins; overhead comes on top.
import type { Container, Pod, PodSpec } from '../generated/api-types.ts';
import { largerOf, sumOf, type Quantities } from '../quantities.ts';

export function podRequests({ spec, status }: Pod): Record<string, string> {
  const settled = new Map((status?.containerStatuses ?? []).map(({ name, allocatedResources, resources }) => [name, largerOf(allocatedResources ?? {}, resources?.requests ?? {})]));
  return total(spec, ({ name, resources }) => largerOf(resources?.requests ?? {}, settled.get(name) ?? {}), spec.resources?.requests, spec.overhead);
}

/** Overhead limits only what is limited at all. */
export function podLimits({ spec }: Pod): Record<string, string> {
  const limits = total(spec, ({ resources }) => resources?.limits ?? {}, spec.resources?.limits, undefined);
  const overhead = Object.fromEntries(Object.entries(spec.overhead ?? {}).filter(([name]) => limits[name] !== undefined));
  return sumOf(limits, overhead);
}

function total(spec: PodSpec, of: (container: Container) => Quantities, own: Quantities | undefined, overhead: Quantities | undefined): Record<string, string> {
  let sidecars: Quantities = {};
  let peak: Quantities = {};
  for (const container of spec.initContainers ?? []) {
    const withThis = sumOf(sidecars, of(container));
    peak = largerOf(peak, withThis);
    if (container.restartPolicy === 'Always') sidecars = withThis;
  }
  const needed = largerOf(sumOf(...(spec.containers ?? []).map(of), sidecars), peak);
  return sumOf({ ...needed, ...own }, overhead ?? {});
}
