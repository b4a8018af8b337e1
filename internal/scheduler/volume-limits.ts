// How many volumes a node can take from each CSI driver, as the driver says in the CSINode, against those that its pods have and those attached to it
// (upstream: plugins/nodevolumelimits). A volume of several pods counts once.
import type { CSINode, PersistentVolumeClaim, Pod } from '../kinds/generated/api-types.ts';
import { classNameOf } from '../kinds/core/volume-binding.ts';
import type { NodeState, Volumes } from './snapshot.ts';
import { claimNameOf } from './volumes.ts';

const TOO_MANY = 'node(s) exceed max volume count';

/** Volume → driver. */
type Counted = Map<string, string>;

export function exceedsLimits(pod: Pod, state: NodeState, source: Volumes): string | undefined {
  const wanted = volumesOf(pod, source);
  if (wanted.size === 0) return undefined;
  const limits = limitsOf(source.csi.node(state.name));
  if (limits.size === 0) return undefined;
  const there: Counted = new Map([...source.csi.attachedTo(state.name), ...[...state.pods].flatMap((other) => [...volumesOf(other, source)])]);
  return [...limits].some(([driver, limit]) => {
    const added = [...wanted].filter(([volume, of]) => of === driver && !there.has(volume)).length;
    return added > 0 && [...there.values()].filter((of) => of === driver).length + added > limit;
  }) ? TOO_MANY : undefined;
}

function volumesOf(pod: Pod, source: Volumes): Counted {
  const counted: Counted = new Map();
  const namespace = pod.metadata.namespace ?? '';
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    const claim = name === undefined ? undefined : source.claim(namespace, name);
    const found = claim === undefined ? undefined : volumeOf(claim, source);
    if (found !== undefined) counted.set(found.volume, found.driver);
  }
  return counted;
}

/** Of a claim that is not bound yet, the driver that will make its volume. */
function volumeOf(claim: PersistentVolumeClaim, source: Volumes): { volume: string; driver: string } | undefined {
  const bound = source.volume(claim.spec.volumeName ?? '');
  if (bound !== undefined) return bound.spec.csi === undefined ? undefined : { volume: `${bound.spec.csi.driver}/${bound.spec.csi.volumeHandle}`, driver: bound.spec.csi.driver };
  const driver = source.storageClass(classNameOf(claim))?.provisioner;
  return driver === undefined ? undefined : { volume: `${driver}/\0${claim.metadata.namespace ?? ''}/${claim.metadata.name}`, driver };
}

function limitsOf(node: CSINode | undefined): Map<string, number> {
  return new Map((node?.spec.drivers ?? []).flatMap(({ name, allocatable }) => (allocatable?.count === undefined ? [] : [[name, allocatable.count] as const])));
}
