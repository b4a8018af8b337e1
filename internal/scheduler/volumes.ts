// Volumes that bind a pod to nodes: bound claims bring their volume's node affinity; unbound ones wait, or wait for a node to be chosen.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../kinds/generated/api-types.ts';
import type { Volumes } from './snapshot.ts';

export interface VolumeNeeds {
  /** Why no node will do, whichever it is. */
  blocked?: string;
  volumes: PersistentVolume[];
  /** Claims that are bound once a node is chosen for their first consumer. */
  waiting: PersistentVolumeClaim[];
}

export function volumeNeeds(pod: Pod, source: Volumes): VolumeNeeds {
  const needs: VolumeNeeds = { volumes: [], waiting: [] };
  for (const volume of pod.spec.volumes ?? []) {
    const name = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`);
    if (name === undefined) continue;
    const claim = source.claim(pod.metadata.namespace ?? '', name);
    const blocked = claim === undefined ? `persistentvolumeclaim "${name}" not found` : take(claim, source, needs);
    if (blocked !== undefined) return { ...needs, blocked };
  }
  return needs;
}

function take(claim: PersistentVolumeClaim, source: Volumes, needs: VolumeNeeds): string | undefined {
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${claim.metadata.name}" is being deleted`;
  const volumeName = claim.spec.volumeName ?? '';
  if (volumeName !== '' && claim.status?.phase === 'Bound') {
    const volume = source.volume(volumeName);
    if (volume === undefined) return 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
    needs.volumes.push(volume);
    return undefined;
  }
  const mode = source.storageClass(claim.spec.storageClassName ?? '')?.volumeBindingMode;
  if (mode !== 'WaitForFirstConsumer') return 'pod has unbound immediate PersistentVolumeClaims';
  needs.waiting.push(claim);
  return undefined;
}
