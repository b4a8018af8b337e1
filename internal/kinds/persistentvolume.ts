// PersistentVolume: defaults and row (upstream: pkg/apis/core).
import type { PersistentVolume } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { accessModes } from './access-modes.ts';
import { objectAge } from './age.ts';

export const persistentVolume: KindRules<PersistentVolume> = {
  applyDefaults: (draft) => {
    draft.status = { ...draft.status, phase: draft.status?.phase ?? 'Pending' };
    if (draft.spec === undefined) return;
    draft.spec.persistentVolumeReclaimPolicy ||= 'Retain';
    draft.spec.volumeMode ??= 'Filesystem';
    if (draft.spec.hostPath !== undefined) draft.spec.hostPath.type ??= '';
  },
  prepareForCreate: (draft) => { draft.status = { phase: 'Pending' }; },
  cells: (object, now) => {
    const { spec, status = {}, metadata } = object;
    const claim = spec.claimRef;
    return [
      metadata.name, spec.capacity?.storage ?? '0', accessModes(spec.accessModes), spec.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating', claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
      metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '', spec.volumeAttributesClassName ?? '<unset>',
      status.reason ?? '', objectAge(object, now), spec.volumeMode ?? '<unset>',
    ];
  },
};
