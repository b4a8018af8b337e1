// In-place resize (KEP-1287): what a pod may use is what this node has granted it, which is what its spec asks for as soon as that fits.
//
//   spec ≠ granted ──fits──► granted = spec (on disk) ──► cgroups and containers brought to it ──► done
//          └──does not──► PodResizePending, tried again when other pods have gone or shrunk
//
// Everything else in the kubelet sees the pod with the granted resources only. On disk only when it differs from how its containers began.
import { sameJson } from '../../internal/api/json-equality.ts';
import { writeFileAtomically, readFileIfThere } from '../../internal/base/files.ts';
import type { Container, Pod, ResourceRequirements } from '../../internal/kinds/generated/api-types.ts';
import { podDirectory, type NodeContext } from './node-context.ts';

export interface Allocation {
  containers: Record<string, ResourceRequirements>;
  pod?: ResourceRequirements;
}

export function allocationOf({ spec }: Pod): Allocation {
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  return { containers: Object.fromEntries(all.map(({ name, resources }) => [name, resources ?? {}])), ...(spec.resources !== undefined && { pod: spec.resources }) };
}

/** The pod as granted; the very same object when it asks for no more and no less. */
export function withAllocation(pod: Pod, allocation: Allocation | undefined): Pod {
  if (allocation === undefined || sameJson(allocationOf(pod), allocation)) return pod;
  const granted = (container: Container): Container => {
    const resources = allocation.containers[container.name];
    return resources === undefined ? container : { ...container, resources };
  };
  const { resources: _asked, ...spec } = pod.spec;
  return {
    ...pod,
    spec: {
      ...spec, containers: spec.containers.map(granted), ...(spec.initContainers !== undefined && { initContainers: spec.initContainers.map(granted) }),
      ...(allocation.pod !== undefined && { resources: allocation.pod }),
    },
  };
}

export function readAllocation(uid: string, node: Pick<NodeContext, 'kubeletDir'>): Allocation | undefined {
  const text = readFileIfThere(pathOf(uid, node));
  try {
    return text === undefined ? undefined : JSON.parse(text) as Allocation;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // cut off by a power failure: then no container of the pod is left either
    throw error;
  }
}

export function writeAllocation(uid: string, allocation: Allocation, node: Pick<NodeContext, 'kubeletDir'>): void {
  writeFileAtomically(pathOf(uid, node), JSON.stringify(allocation), { mode: 0o600 });
}

function pathOf(uid: string, node: Pick<NodeContext, 'kubeletDir'>): string {
  return `${podDirectory(node, uid)}/allocation.json`;
}
