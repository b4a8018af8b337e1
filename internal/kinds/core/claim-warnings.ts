// What the author of a volume claim is told, also where the claim is part of something else (upstream: pkg/api/persistentvolumeclaim).
import { quantityMilliValue } from '../../api/quantity.ts';
import type { PersistentVolumeClaim } from '../generated/api-types.ts';

const CLASS = 'volume.beta.kubernetes.io/storage-class';

export function claimWarnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  return [
    ...(metadata.annotations?.[CLASS] === undefined ? [] : [`metadata.annotations[${CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`]),
    ...(spec === undefined ? [] : claimSpecWarnings(spec, 'spec')),
  ];
}

export function claimSpecWarnings({ resources }: NonNullable<PersistentVolumeClaim['spec']>, path: string): string[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const quantity = resources?.[list]?.['storage'];
    return quantity !== undefined && quantityMilliValue(quantity) % 1000 !== 0 ? [`${path}.resources.${list}[storage]: fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`] : [];
  });
}
