// What the metrics call a container's kind: a sidecar is an init container to them.
import type { ContainerKind } from '../pod-spec.ts';

export function containerType(kind: ContainerKind | undefined): string {
  return kind === 'ephemeral' ? 'ephemeral_container' : kind === 'init' || kind === 'sidecar' ? 'init_container' : 'container';
}
