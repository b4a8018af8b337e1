// PersistentVolumeClaims find their volumes: one that the claim names, or the best that is there, else whoever provisions its class is told
// (upstream: pkg/controller/volume/persistentvolume). A binding is written in four steps (volume, its phase, claim, its phase), one for each
// time the key is planned: whatever comes between is seen, and a stop in the middle is gone on from.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, parseKey } from '../../api/meta.ts';
import { wake, type Plan, type Wake } from '../../informer/loop.ts';
import type { Index, Views } from '../../informer/view.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, STORAGECLASSES } from '../../kinds/generated/resources.ts';
import { bestVolume, boundVolume, classNameOf, isBoundTo, misfit, namesClass, VOLUME_ANNOTATION } from '../../kinds/core/volume-binding.ts';
import { controllerLoop, note, update, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { BY_CLAIM, claimKey } from './claim-use.ts';
import { withPhase } from './phase.ts';

export interface ClaimState {
  claim: PersistentVolumeClaim;
  /** The one it names. */
  named: PersistentVolume | undefined;
  /** All, for a claim that names none. */
  volumes: PersistentVolume[];
  storageClass: StorageClass | undefined;
  defaultClass: StorageClass | undefined;
  /** Names of pods that wait for it, not yet on a node. */
  waiting: string[];
}

/** Not written whole yet: what a volume or class that comes may help. */
const UNBOUND: Index<PersistentVolumeClaim> = { name: 'unbound', values: (claim) => (isComplete(claim) ? [] : ['unbound']) };
const BY_VOLUME: Index<PersistentVolumeClaim> = { name: 'volumeName', values: ({ spec }) => (spec.volumeName === undefined || spec.volumeName === '' ? [] : [spec.volumeName]) };
const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

export function claimBindingLoop(): ControllerLoop<ClaimState> {
  return controllerLoop<ClaimState>({
    name: 'persistentvolume-controller',
    user: 'system:serviceaccount:kube-system:persistent-volume-binder',
    wakes: [wake(PERSISTENTVOLUMECLAIMS, (claim) => [claimKey(claim)]), wake(PERSISTENTVOLUMES, ofVolume), wake(STORAGECLASSES, (_class, views) => unbound(views))] satisfies Wake[],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const claim = views.of(PERSISTENTVOLUMECLAIMS).get(namespace, name);
      if (claim === undefined) return undefined;
      const { volumeName = '' } = claim.spec;
      const classes = views.of(STORAGECLASSES);
      return {
        claim,
        named: volumeName === '' ? undefined : views.of(PERSISTENTVOLUMES).get('', volumeName),
        volumes: volumeName === '' && !isComplete(claim) ? views.of(PERSISTENTVOLUMES).list() : [],
        storageClass: classes.get('', classNameOf(claim)),
        defaultClass: namesClass(claim) ? undefined : newestDefault(classes.list()),
        waiting: views.of(PODS).by(BY_CLAIM, key).filter(isWaiting).map((pod) => pod.metadata.name),
      };
    },
    plan,
  });
}

function ofVolume({ metadata, spec }: PersistentVolume, views: Views): string[] {
  const { claimRef } = spec;
  const naming = views.of(PERSISTENTVOLUMECLAIMS).by(BY_VOLUME, metadata.name).map(claimKey);
  if (claimRef?.name !== undefined) return [...naming, `${claimRef.namespace ?? ''}/${claimRef.name}`];
  return [...naming, ...unbound(views)];
}

function unbound(views: Views): string[] {
  return views.of(PERSISTENTVOLUMECLAIMS).by(UNBOUND, 'unbound').map(claimKey);
}

function isComplete({ metadata }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[VOLUME_ANNOTATION.bindCompleted] !== undefined;
}

function isWaiting({ spec, status }: Pod): boolean {
  return (spec.nodeName ?? '') === '' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function newestDefault(classes: readonly StorageClass[]): StorageClass | undefined {
  const marked = classes.filter(({ metadata }) => DEFAULT_CLASS.some((name) => metadata.annotations?.[name] === 'true'));
  return marked.sort((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) || a.metadata.name.localeCompare(b.metadata.name))[0];
}

export function plan(state: ClaimState): Plan<Action> {
  const { claim } = state;
  if (isComplete(claim)) return { actions: boundActions(state) };
  return { actions: (claim.spec.volumeName ?? '') === '' ? searching(state) : naming(state) };
}

/** Bound before: it has its volume, or has lost it. */
function boundActions({ claim, named }: ClaimState): Action[] {
  if ((claim.spec.volumeName ?? '') === '') return lost(claim, 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  if (named === undefined) return lost(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  if (named.spec.claimRef === undefined || named.spec.claimRef.uid === claim.metadata.uid) return bind(claim, named);
  return lost(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}

function lost(claim: PersistentVolumeClaim, reason: string, message: string): Action[] {
  if (claim.status?.phase === 'Lost') return [];
  return [updateStatus(PERSISTENTVOLUMECLAIMS, claimWithPhase(claim, 'Lost'), { done: note(claim, 'Warning', reason, message) })];
}

/** The user, or the step before, named the volume. */
function naming({ claim, named }: ClaimState): Action[] {
  if (named === undefined) return pending(claim);
  const { claimRef } = named.spec;
  if (claimRef === undefined) {
    const why = misfit(named, claim);
    return why === undefined ? bind(claim, named) : [event(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume ${JSON.stringify(named.metadata.name)}: ${why}`), ...pending(claim)];
  }
  if (isBoundTo(named, claim)) return bind(claim, named);
  return [event(claim, 'Warning', 'FailedBinding', `volume ${JSON.stringify(named.metadata.name)} already bound to a different claim.`), ...pending(claim)];
}

function searching({ claim, volumes, storageClass, defaultClass, waiting }: ClaimState): Action[] {
  const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const found = bestVolume(claim, volumes, { delayed });
  if (found !== undefined) return bind(claim, found);
  if (defaultClass !== undefined) return [update(PERSISTENTVOLUMECLAIMS, { ...claim, spec: { ...claim.spec, storageClassName: defaultClass.metadata.name } })];
  if (delayed && claim.metadata.annotations?.[VOLUME_ANNOTATION.selectedNode] === undefined) return [waitingEvent(claim, waiting), ...pending(claim)];
  if (classNameOf(claim) !== '') return provision(claim, storageClass);
  return [event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set'), ...pending(claim)];
}

function waitingEvent(claim: PersistentVolumeClaim, waiting: readonly string[]): Action {
  if (waiting.length === 0) return event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  return event(claim, 'Normal', 'WaitForPodScheduled', `waiting for pod${waiting.length > 1 ? 's' : ''} ${waiting.join(',')} to be scheduled`);
}

/** Provisioners run on their own: the claim is marked for the one that its class names. */
function provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Action[] {
  if (storageClass === undefined) return [event(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(classNameOf(claim))} not found`)];
  const { provisioner } = storageClass;
  if (provisioner.startsWith('kubernetes.io/')) return [event(claim, 'Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`)];
  const { annotations = {} } = claim.metadata;
  const told = event(claim, 'Normal', 'ExternalProvisioning', `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`);
  if (annotations[VOLUME_ANNOTATION.provisioner] === provisioner && annotations[VOLUME_ANNOTATION.betaProvisioner] === provisioner) return [told];
  const marked = { ...annotations, [VOLUME_ANNOTATION.provisioner]: provisioner, [VOLUME_ANNOTATION.betaProvisioner]: provisioner };
  return [update(PERSISTENTVOLUMECLAIMS, { ...claim, metadata: { ...claim.metadata, annotations: marked } })];
}

/** The next step of a binding; none when it is whole. */
function bind(claim: PersistentVolumeClaim, volume: PersistentVolume): Action[] {
  const given = boundVolume(volume, claim);
  if (given !== undefined) return [update(PERSISTENTVOLUMES, given)];
  if (volume.status?.phase !== 'Bound') return [updateStatus(PERSISTENTVOLUMES, withPhase(volume, 'Bound'))];
  const completed = completedClaim(claim, volume);
  if (completed !== undefined) return [update(PERSISTENTVOLUMECLAIMS, completed)];
  const shown = claimWithPhase(claim, 'Bound', volume);
  return sameWhenWritten(shown.status, claim.status) ? [] : [updateStatus(PERSISTENTVOLUMECLAIMS, shown)];
}

function completedClaim(claim: PersistentVolumeClaim, { metadata }: PersistentVolume): PersistentVolumeClaim | undefined {
  const names = claim.spec.volumeName === metadata.name;
  if (names && isComplete(claim)) return undefined;
  const next = copy(claim);
  next.spec.volumeName = metadata.name;
  next.metadata.annotations = { ...next.metadata.annotations, [VOLUME_ANNOTATION.bindCompleted]: 'yes', ...(!names && { [VOLUME_ANNOTATION.boundByController]: 'yes' }) };
  return next;
}

function pending(claim: PersistentVolumeClaim): Action[] {
  const shown = claimWithPhase(claim, 'Pending');
  return sameWhenWritten(shown.status, claim.status) ? [] : [updateStatus(PERSISTENTVOLUMECLAIMS, shown)];
}

/** Size is the volume's when the claim comes to be bound; later it is the business of whoever resizes. */
function claimWithPhase(claim: PersistentVolumeClaim, phase: 'Pending' | 'Bound' | 'Lost', volume?: PersistentVolume): PersistentVolumeClaim {
  const next = copy(claim);
  const before = claim.status ?? {};
  const { accessModes: _modes, capacity: _capacity, currentVolumeAttributesClassName: attributes, ...rest } = next.status ?? {};
  next.status = { ...rest, phase };
  if (volume === undefined) return next;
  const { [VOLUME_ANNOTATION.preResizeCapacity]: storage } = volume.metadata.annotations ?? {};
  const capacity = before.phase === phase ? before.capacity : storage === undefined ? volume.spec.capacity : { storage };
  const shown = before.phase === 'Pending' && phase === 'Bound' ? volume.spec.volumeAttributesClassName : attributes;
  next.status = { ...next.status, accessModes: volume.spec.accessModes ?? [], ...(capacity !== undefined && { capacity: { ...capacity } }), ...(shown !== undefined && { currentVolumeAttributesClassName: shown }) };
  return next;
}

function event(claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): Action {
  return { type: 'event', note: note(claim, type, reason, message) };
}
