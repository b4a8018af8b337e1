// StorageClass: defaults and row (upstream: pkg/apis/storage).
import { objectAge } from '../api/age.ts';
import type { StorageClass } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';

const DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

export const storageClass: KindRules<StorageClass> = {
  applyDefaults: (draft) => {
    draft.reclaimPolicy ??= 'Delete';
    draft.volumeBindingMode ??= 'Immediate';
  },
  cells: (object, now) => {
    const { metadata } = object;
    const isDefault = DEFAULT.some((name) => metadata.annotations?.[name] === 'true');
    return [
      isDefault ? `${metadata.name} (default)` : metadata.name, object.provisioner, object.reclaimPolicy ?? 'Delete', object.volumeBindingMode ?? 'Immediate',
      object.allowVolumeExpansion ?? false, objectAge(object, now),
    ];
  },
};
