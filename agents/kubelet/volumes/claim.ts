// persistentVolumeClaim and ephemeral volumes: the claim's bound volume, when it is one this node can serve by itself (hostPath, local).
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../internal/kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES } from '../../../internal/kinds/generated/resources.ts';
import { prepareHostPath } from './host-path.ts';
import { applyFsGroup } from './ownership.ts';
import type { VolumeContext, VolumeKind } from './volume.ts';

export const CLAIM: VolumeKind = {
  directory: 'local-volume',
  matches: ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
  async mount(volume, context) {
    const { claim, source } = await boundVolume(volume, context);
    const path = source.spec?.local?.path ?? source.spec?.hostPath?.path;
    if (path === undefined) throw new Error(`no volume plugin matched for PersistentVolume "${source.metadata.name}"`);
    prepareHostPath(path, source.spec?.local === undefined ? source.spec?.hostPath?.type ?? '' : 'Directory', context.ledger);
    const readOnly = volume.persistentVolumeClaim?.readOnly === true;
    const onRootMismatch = context.pod.spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch';
    // As upstream: a hostPath's owner is the administrator's business, a local volume follows fsGroup.
    if (source.spec?.local !== undefined && !readOnly && (claim.spec?.volumeMode ?? 'Filesystem') === 'Filesystem') applyFsGroup(path, context.fsGroup, { readOnly: false, onRootMismatch });
    return { name: volume.name, hostPath: path, readOnly };
  },
};

async function boundVolume(volume: Volume, { pod, objects }: VolumeContext): Promise<{ claim: PersistentVolumeClaim; source: PersistentVolume }> {
  const name = volume.persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`;
  const claim = await objects.get(PERSISTENTVOLUMECLAIMS, pod.metadata.namespace ?? '', name);
  if (claim === undefined) throw new Error(`persistentvolumeclaim "${name}" not found`);
  checkOwner(volume, claim, pod);
  const bound = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || bound === undefined || bound === '') throw new Error(`PVC ${pod.metadata.namespace ?? ''}/${name} has non-bound phase ("${claim.status?.phase ?? 'Pending'}") or empty pvc.Spec.VolumeName ("${bound ?? ''}")`);
  const source = await objects.get(PERSISTENTVOLUMES, '', bound);
  if (source === undefined) throw new Error(`persistentvolume "${bound}" not found`);
  if (source.spec?.claimRef?.uid !== claim.metadata.uid) throw new Error(`failed to fetch PV "${bound}" from API server: PV is not bound to PVC ${pod.metadata.namespace ?? ''}/${name}`);
  return { claim, source };
}

function checkOwner(volume: Volume, claim: PersistentVolumeClaim, pod: Pod): void {
  if (volume.ephemeral === undefined) return;
  const owned = claim.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === pod.metadata.uid) === true;
  if (!owned) throw new Error(`PVC ${pod.metadata.namespace ?? ''}/${claim.metadata.name} was not created for pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name} (pod is not owner)`);
}
