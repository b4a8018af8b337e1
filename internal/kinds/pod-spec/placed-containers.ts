// All containers of a pod, each with the path at which messages name it, in the order in which upstream visits them.
import type { Container, PodSpec } from '../generated/api-types.ts';

export type Placed = readonly [container: Container, path: string];

/** `path`: of the spec. Ephemeral containers are seen as the containers that they extend. */
export function placedContainers(spec: PodSpec, path: string): Placed[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => ((spec[list] ?? []) as Container[]).map((container, index): Placed => [container, `${path}.${list}[${String(index)}]`]));
}
