// PersistentVolumeClaim: defaults and row (upstream: pkg/apis/core).
import type { PersistentVolumeClaim } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { accessModes } from './access-modes.ts';
import { objectAge } from './age.ts';

export const persistentVolumeClaim: KindRules<PersistentVolumeClaim> = {
  applyDefaults: (draft) => {
    if (draft.spec !== undefined) draft.spec.volumeMode ??= 'Filesystem';
    draft.status = { ...draft.status, phase: draft.status?.phase ?? 'Pending' };
  },
  prepareForCreate: (draft) => { draft.status = { phase: 'Pending' }; },
  cells: (object, now) => {
    const { spec, status = {}, metadata } = object;
    const bound = Boolean(spec.volumeName);
    return [
      metadata.name, metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating', spec.volumeName ?? '', bound ? (status.capacity?.storage ?? '0') : '',
      bound ? accessModes(status.accessModes) : '', metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? '<unset>', objectAge(object, now), spec.volumeMode ?? '<unset>',
    ];
  },
};
