// Volumes that bind a pod to nodes: bound claims bring their volume's node affinity; unbound ones wait, or wait for a node to be chosen, where a
// volume that is there is given to each or one is made (upstream: plugins/volumebinding, volumerestrictions).
import { compareQuantities } from '../api/quantity.ts';
import { selectorOf } from '../api/selectors.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Volume } from '../kinds/generated/api-types.ts';
import { bestVolume, classNameOf, reaches, VOLUME_ANNOTATION } from '../kinds/core/volume-binding.ts';
import type { NodeState, Volumes } from './snapshot.ts';

export interface VolumeNeeds {
  /** Why no node will do, whichever it is. */
  blocked?: string;
  volumes: PersistentVolume[];
  /** Claims that are bound once a node is chosen for their first consumer. */
  waiting: PersistentVolumeClaim[];
  /** Claims for one pod alone that another has. */
  occupied: boolean;
  source: Volumes;
}

/** What becomes of waiting claims on a node. */
export interface NodeBinding {
  given: { claim: PersistentVolumeClaim; volume: PersistentVolume }[];
  provisioned: PersistentVolumeClaim[];
}

const NO_MATCH = "node(s) didn't find available persistent volumes to bind";
const NO_SPACE = 'node(s) did not have enough free storage';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

export function volumeNeeds(pod: Pod, { volumes: source, nodes }: { volumes: Volumes; nodes: ReadonlyMap<string, NodeState> }): VolumeNeeds {
  const needs: VolumeNeeds = { volumes: [], waiting: [], occupied: false, source };
  const namespace = pod.metadata.namespace ?? '';
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    if (name === undefined) continue;
    const claim = source.claim(namespace, name);
    const blocked = claim === undefined ? missing(volume, name) : take(claim, needs);
    if (blocked !== undefined) return { ...needs, blocked };
    if (claim?.spec.accessModes?.includes('ReadWriteOncePod') === true && isUsed(namespace, name, nodes)) needs.occupied = true;
  }
  return needs;
}

export function claimNameOf({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  return persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
}

function missing({ ephemeral }: Volume, name: string): string {
  return ephemeral === undefined ? `persistentvolumeclaim ${JSON.stringify(name)} not found` : `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(name)}`;
}

function take(claim: PersistentVolumeClaim, needs: VolumeNeeds): string | undefined {
  const { volumeName = '' } = claim.spec;
  if (claim.status?.phase === 'Lost') return `persistentvolumeclaim ${JSON.stringify(claim.metadata.name)} bound to non-existent persistentvolume ${JSON.stringify(volumeName)}`;
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${JSON.stringify(claim.metadata.name)} is being deleted`;
  if (volumeName !== '' && claim.metadata.annotations?.[VOLUME_ANNOTATION.bindCompleted] !== undefined) {
    const volume = needs.source.volume(volumeName);
    if (volume === undefined) return 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
    needs.volumes.push(volume);
    return undefined;
  }
  const mode = needs.source.storageClass(classNameOf(claim))?.volumeBindingMode;
  if (mode !== 'WaitForFirstConsumer' || volumeName !== '') return 'pod has unbound immediate PersistentVolumeClaims';
  needs.waiting.push(claim);
  return undefined;
}

function isUsed(namespace: string, name: string, nodes: ReadonlyMap<string, NodeState>): boolean {
  return [...nodes.values()].some(({ pods }) => [...pods].some((pod) => pod.metadata.namespace === namespace && pod.spec.volumes?.some((volume) => claimNameOf(pod, volume) === name) === true));
}

/** Why this node will not do. */
export function volumesRefuse({ volumes, waiting, occupied, source }: VolumeNeeds, node: Node): { reason: string; resolvable: boolean } | undefined {
  if (occupied) return { reason: 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod', resolvable: true };
  if (!volumes.every((volume) => reaches(node, volume))) return { reason: "node(s) didn't match PersistentVolume's node affinity", resolvable: false };
  if (waiting.length === 0 || bindingOn(node, waiting, source) !== undefined) return undefined;
  return { reason: bindingOn(node, waiting, { ...source, csi: { ...source.csi, driver: () => undefined } }) === undefined ? NO_MATCH : NO_SPACE, resolvable: false };
}

/** undefined: not all of them can be had there. The smallest claim chooses first: what it takes is the smallest that fits, and leaves the larger ones. */
export function bindingOn(node: Node, waiting: readonly PersistentVolumeClaim[], source: Volumes): NodeBinding | undefined {
  const binding: NodeBinding = { given: [], provisioned: [] };
  const taken = new Set(source.taken);
  const all = source.all();
  for (const claim of waiting.toSorted((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))) {
    const chosen = claim.metadata.annotations?.[VOLUME_ANNOTATION.selectedNode];
    if (chosen !== undefined && chosen !== node.metadata.name) return undefined;
    const volume = chosen === undefined ? bestVolume(claim, all, { delayed: true, node, taken }) : undefined;
    if (volume !== undefined) {
      taken.add(volume.metadata.name);
      binding.given.push({ claim, volume });
    } else if (canProvision(source.storageClass(classNameOf(claim)), node) && (chosen !== undefined || hasRoom(claim, node, source))) {
      binding.provisioned.push(claim);
    } else {
      return undefined;
    }
  }
  return binding;
}

function canProvision(storageClass: StorageClass | undefined, { metadata }: Node): boolean {
  if (storageClass === undefined || storageClass.provisioner === NO_PROVISIONER) return false;
  const { allowedTopologies = [] } = storageClass;
  return allowedTopologies.length === 0 || allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')));
}

/** Of drivers that publish how much room there is. (Once the node is chosen, the volume may be part of what is used up.) */
function hasRoom(claim: PersistentVolumeClaim, { metadata }: Node, { storageClass, csi }: Volumes): boolean {
  const name = classNameOf(claim);
  const size = claim.spec.resources?.requests?.['storage'];
  if (size === undefined || csi.driver(storageClass(name)?.provisioner ?? '')?.spec.storageCapacity !== true) return true;
  return csi.capacities().some(({ storageClassName, nodeTopology, maximumVolumeSize, capacity }) => {
    const most = maximumVolumeSize ?? capacity;
    return storageClassName === name && most !== undefined && compareQuantities(most, size) >= 0 && nodeTopology !== undefined && selectorOf(nodeTopology).matches(metadata.labels);
  });
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return spec.resources?.requests?.['storage'] ?? '0';
}
