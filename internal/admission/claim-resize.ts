// PersistentVolumeClaimResize: a claim grows only when it is bound, and of a class that allows it.
import { StatusError } from '../base/errors.ts';
import { compareQuantities } from '../api/quantity.ts';
import type { PersistentVolumeClaim, StorageClass } from '../kinds/generated/api-types.ts';
import { classNameOf } from '../kinds/core/volume-binding.ts';
import type { Store } from '../store/store.ts';
import { writes, type AdmissionPlugin } from './admission.ts';

export function claimResize(store: Store): AdmissionPlugin {
  const allows = (name: string): boolean => (store.get({ group: 'storage.k8s.io', resource: 'storageclasses' }, { namespace: '', name }) as StorageClass | undefined)?.allowVolumeExpansion === true;
  return {
    name: 'PersistentVolumeClaimResize',
    validate(request) {
      if (request.operation !== 'UPDATE' || !writes(request, '', 'persistentvolumeclaims')) return;
      const [claim, old] = [request.object as PersistentVolumeClaim, request.old as PersistentVolumeClaim];
      if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return;
      if (old.status?.phase !== 'Bound') throw refusal(claim, 'Only bound persistent volume claims can be expanded');
      const name = classNameOf(claim);
      if (name === '' || name !== classNameOf(old) || !allows(name)) throw refusal(claim, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
    },
  };
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return spec.resources?.requests?.['storage'] ?? '0';
}

function refusal({ metadata }: PersistentVolumeClaim, why: string): StatusError {
  return new StatusError('Forbidden', `persistentvolumeclaims ${JSON.stringify(metadata.name)} is forbidden: ${why}`, { details: { name: metadata.name, kind: 'persistentvolumeclaims' } });
}
