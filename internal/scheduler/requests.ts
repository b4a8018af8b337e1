// What a pod asks of a node: CPU in millicores, everything else in whole units. Containers and sidecars run together; each init container
// runs alone beside the sidecars started before it; the larger of the two counts, and the overhead of the runtime class comes on top.
import { quantityMilliValue, quantityValue } from '../api/quantity.ts';
import type { Container, Pod } from '../kinds/generated/api-types.ts';

export type Amounts = ReadonlyMap<string, number>;

/** Counted for scoring when a container asks for nothing, so that such pods still spread. */
const ASSUMED_CPU = 100;
const ASSUMED_MEMORY = 200 * 1024 * 1024;

const known = new WeakMap<Pod, { requests: Amounts; scored: Amounts }>();

export function requestsOf(pod: Pod): Amounts {
  return measured(pod).requests;
}

/** Like requestsOf, with assumed amounts for containers that name none. */
export function scoredRequestsOf(pod: Pod): Amounts {
  return measured(pod).scored;
}

export function amountsOf(list: Record<string, string> | undefined): Map<string, number> {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity)]));
}

// Objects of the views are frozen and replaced on change, so a pod is measured once.
function measured(pod: Pod): { requests: Amounts; scored: Amounts } {
  const found = known.get(pod);
  if (found !== undefined) return found;
  const result = { requests: total(pod, (container) => amountsOf(asked(container))), scored: total(pod, (container) => amountsOf({ cpu: `${String(ASSUMED_CPU)}m`, memory: String(ASSUMED_MEMORY), ...asked(container) })) };
  known.set(pod, result);
  return result;
}

function asked({ resources }: Container): Record<string, string> {
  return resources?.requests ?? {};
}

function total({ spec }: Pod, of: (container: Container) => Amounts): Amounts {
  const running = spec.containers.map(of).reduce(sum, new Map());
  let sidecars: Amounts = new Map();
  let peak: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const withThis = sum(sidecars, of(container));
    peak = larger(peak, withThis);
    if (container.restartPolicy === 'Always') sidecars = withThis;
  }
  const needed = new Map(larger(sum(running, sidecars), peak));
  for (const [name, amount] of amountsOf(spec.resources?.requests)) needed.set(name, amount);
  return sum(needed, amountsOf(spec.overhead));
}

function sum(left: Amounts, right: Amounts): Map<string, number> {
  const result = new Map(left);
  for (const [name, amount] of right) result.set(name, (result.get(name) ?? 0) + amount);
  return result;
}

function larger(left: Amounts, right: Amounts): Map<string, number> {
  const result = new Map(left);
  for (const [name, amount] of right) result.set(name, Math.max(result.get(name) ?? 0, amount));
  return result;
}
