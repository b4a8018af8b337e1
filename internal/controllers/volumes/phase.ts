// A PersistentVolume's phase, as its status tells it.
import { copy } from '../../api/meta.ts';
import type { PersistentVolume } from '../../kinds/generated/api-types.ts';

export type VolumePhase = 'Available' | 'Bound' | 'Released' | 'Failed';

export function withPhase(volume: PersistentVolume, phase: VolumePhase, message = ''): PersistentVolume {
  const next = copy(volume);
  const { message: _before, ...status } = next.status ?? {};
  next.status = { ...status, phase, ...(message !== '' && { message }) };
  return next;
}
