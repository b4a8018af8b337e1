// StorageObjectInUseProtection: volumes, claims and attributes classes begin with the finalizer that keeps them while they are used (the loops
// of controllers/volumes/protection.ts take it off).
import { writes, type AdmissionPlugin } from './admission.ts';

const FINALIZERS = [
  ['', 'persistentvolumes', 'kubernetes.io/pv-protection'],
  ['', 'persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['storage.k8s.io', 'volumeattributesclasses', 'kubernetes.io/vac-protection'],
] as const;

export function storageProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    mutate(request) {
      if (request.operation !== 'CREATE' || request.object === undefined) return;
      const finalizer = FINALIZERS.find(([group, resource]) => writes(request, group, resource))?.[2];
      const { metadata } = request.object;
      if (finalizer !== undefined && metadata.finalizers?.includes(finalizer) !== true) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
    },
  };
}
