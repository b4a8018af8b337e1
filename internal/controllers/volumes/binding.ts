// PersistentVolumes follow their claims: available, bound, released when the claim has gone, and then what the reclaim policy says. Volumes
// that a provisioner made are its own to delete. There is no recycling: it needs a helper image, and has been deprecated since 1.15.
import { copy } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Index, Views } from '../../informer/view.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES } from '../../kinds/generated/resources.ts';
import { VOLUME_ANNOTATION } from '../../kinds/core/volume-binding.ts';
import { controllerLoop, note, update, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { claimKey } from './claim-use.ts';
import { withPhase, type VolumePhase } from './phase.ts';

export interface VolumeState {
  volume: PersistentVolume;
  /** The one it is bound to, if that still lives. */
  claim: PersistentVolumeClaim | undefined;
}

const BY_CLAIM_REF: Index<PersistentVolume> = { name: 'claimRef', values: ({ spec }) => (spec.claimRef?.name === undefined ? [] : [`${spec.claimRef.namespace ?? ''}/${spec.claimRef.name}`]) };

export function volumeBindingLoop(): ControllerLoop<VolumeState> {
  return controllerLoop<VolumeState>({
    name: 'persistentvolume-controller',
    user: 'system:serviceaccount:kube-system:persistent-volume-binder',
    wakes: [
      wake(PERSISTENTVOLUMES, ({ metadata }) => [metadata.name]),
      wake(PERSISTENTVOLUMECLAIMS, (claim, views) => views.of(PERSISTENTVOLUMES).by(BY_CLAIM_REF, claimKey(claim)).map(({ metadata }) => metadata.name)),
    ],
    observe(name, views) {
      const volume = views.of(PERSISTENTVOLUMES).get('', name);
      return volume === undefined ? undefined : { volume, claim: claimOf(volume, views) };
    },
    plan,
  });
}

function claimOf({ spec: { claimRef } }: PersistentVolume, views: Views): PersistentVolumeClaim | undefined {
  const claim = views.of(PERSISTENTVOLUMECLAIMS).get(claimRef?.namespace ?? '', claimRef?.name ?? '');
  return claim?.metadata.uid === claimRef?.uid ? claim : undefined;
}

export function plan({ volume, claim }: VolumeState): Plan<Action> {
  if ((volume.spec.claimRef?.uid ?? '') === '') return { actions: phase(volume, 'Available') };
  if (claim === undefined) return { actions: released(volume) };
  // The claim's own loop completes what was begun, or says why it cannot be.
  if ((claim.spec.volumeName ?? '') === '') return { actions: mismatch(volume, claim) };
  if (claim.spec.volumeName === volume.metadata.name) return { actions: phase(volume, 'Bound') };
  // The claim went with another volume: one made for it is not wanted any more, any other is free again.
  const isMade = volume.metadata.annotations?.[VOLUME_ANNOTATION.provisionedBy] !== undefined && volume.spec.persistentVolumeReclaimPolicy === 'Delete';
  return { actions: isMade ? released(volume) : [update(PERSISTENTVOLUMES, unbound(volume))] };
}

function phase(volume: PersistentVolume, wanted: VolumePhase): Action[] {
  return volume.status?.phase === wanted ? [] : [updateStatus(PERSISTENTVOLUMES, withPhase(volume, wanted))];
}

function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): Action[] {
  if ((volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem')) return [];
  return [
    { type: 'event', note: note(volume, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} due to incompatible volumeMode.`) },
    { type: 'event', note: note(claim, 'Warning', 'VolumeMismatch', `Cannot bind PersistentVolume ${JSON.stringify(volume.metadata.name)} to requested PersistentVolumeClaim due to incompatible volumeMode.`) },
  ];
}

function released(volume: PersistentVolume): Action[] {
  const now = volume.status?.phase;
  if (now !== 'Released' && now !== 'Failed') return phase(volume, 'Released');
  const provisioner = volume.metadata.annotations?.[VOLUME_ANNOTATION.provisionedBy] ?? '';
  switch (volume.spec.persistentVolumeReclaimPolicy) {
    case 'Delete':
      if (provisioner.startsWith('kubernetes.io/')) return failed(volume, 'VolumeFailedDelete', `no volume plugin matched name: ${provisioner}`);
      if (provisioner !== '' || volume.spec.csi !== undefined) return [];
      return failed(volume, 'VolumeFailedDelete', `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`);
    case 'Recycle':
      return failed(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    case 'Retain':
    case undefined:
  }
  return [];
}

function failed(volume: PersistentVolume, reason: string, message: string): Action[] {
  if (volume.status?.phase === 'Failed') return [];
  return [updateStatus(PERSISTENTVOLUMES, withPhase(volume, 'Failed', message), { done: note(volume, 'Warning', reason, message) })];
}

/** What the user reserved stays reserved; what the binder chose is free for all. */
function unbound(volume: PersistentVolume): PersistentVolume {
  const next = copy(volume);
  const { [VOLUME_ANNOTATION.boundByController]: chosen, ...annotations } = next.metadata.annotations ?? {};
  next.metadata.annotations = annotations;
  if (chosen !== undefined) delete next.spec.claimRef;
  else delete next.spec.claimRef?.uid;
  return next;
}
