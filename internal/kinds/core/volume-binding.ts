// Which PersistentVolume a claim may have, and how the two name each other: for the binder and the scheduler alike (upstream:
// component-helpers/storage/volume, pkg/controller/volume/persistentvolume/index.go).
import { compareQuantities } from '../../api/quantity.ts';
import { selectorOf } from '../../api/selectors.ts';
import { copy } from '../../api/meta.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../generated/api-types.ts';
import { matchesNodeSelector } from '../node-selection.ts';

export const VOLUME_ANNOTATION = {
  /** On a claim: both sides of the binding are written. */
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  /** On either: the binder chose, not the user; so it may take the choice back. */
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  /** On a volume: the provisioner that made it. */
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  /** On a claim: whose turn it is to make a volume. */
  provisioner: 'volume.kubernetes.io/storage-provisioner',
  betaProvisioner: 'volume.beta.kubernetes.io/storage-provisioner',
  /** On a claim: where its first consumer is to run. */
  selectedNode: 'volume.kubernetes.io/selected-node',
  /** On a volume that has grown, but whose file system has not: its size before. */
  preResizeCapacity: 'volume.alpha.kubernetes.io/pre-resize-capacity',
  betaClass: 'volume.beta.kubernetes.io/storage-class',
} as const;

/** '' is none. */
export function classNameOf({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string {
  return metadata.annotations?.[VOLUME_ANNOTATION.betaClass] ?? spec.storageClassName ?? '';
}

/** Whether it says which class it wants, were it none: such a claim is never given the default one. */
export function namesClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[VOLUME_ANNOTATION.betaClass] !== undefined || spec.storageClassName !== undefined;
}

/** Whether the volume is the claim's, or is kept for it by name. */
export function isBoundTo({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec.claimRef;
  return reference !== undefined && reference.name === metadata.name && reference.namespace === metadata.namespace && ((reference.uid ?? '') === '' || reference.uid === metadata.uid);
}

/** Why a volume that the claim names is not fit for it. */
export function misfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (isTooSmall(volume, claim)) return 'requested PV is too small';
  if (classNameOf(volume) !== classNameOf(claim)) return 'storageClassName does not match';
  if (attributesClassOf(volume) !== attributesClassOf(claim)) return 'volumeAttributesClassName does not match';
  if (!hasSameMode(volume, claim)) return 'incompatible volumeMode';
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode';
}

export interface MatchOptions {
  /** The class waits for a first consumer: only what is kept for the claim by name will do until a node is chosen. */
  delayed: boolean;
  /** The node that must reach the volume. */
  node?: Node;
  /** Names of volumes that are given away already. */
  taken?: ReadonlySet<string>;
}

/** One that is kept for the claim; else the smallest that fits, among those with the fewest access modes. */
export function bestVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], options: MatchOptions): PersistentVolume | undefined {
  const { node, delayed, taken } = options;
  const usable = volumes.filter((volume) => taken?.has(volume.metadata.name) !== true && isUsable(volume, claim));
  const kept = usable.find((volume) => isBoundTo(volume, claim));
  if (kept !== undefined) return reaches(node, kept) ? kept : undefined;
  if (node === undefined && delayed) return undefined;
  const selector = claim.spec.selector === undefined ? undefined : selectorOf(claim.spec.selector);
  const modes = (volume: PersistentVolume): number => new Set(volume.spec.accessModes).size;
  return usable
    .filter((volume) => volume.status?.phase === 'Available' && classNameOf(volume) === classNameOf(claim) && selector?.matches(volume.metadata.labels) !== false && reaches(node, volume))
    .sort((a, b) => modes(a) - modes(b) || compareQuantities(sizeOf(a), sizeOf(b)))[0];
}

export function reaches(node: Node | undefined, { spec }: PersistentVolume): boolean {
  return node === undefined || spec.nodeAffinity?.required === undefined || matchesNodeSelector(spec.nodeAffinity.required, node);
}

/** The volume as the claim's; undefined when it is already. */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume | undefined {
  const { namespace = '', name, uid, resourceVersion } = claim.metadata;
  const wasKept = isBoundTo(volume, claim);
  if (wasKept && volume.spec.claimRef?.uid === uid) return undefined;
  const next = copy(volume);
  next.spec.claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion };
  if (!wasKept) next.metadata.annotations = { ...next.metadata.annotations, [VOLUME_ANNOTATION.boundByController]: 'yes' };
  return next;
}

function isUsable(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (volume.spec.claimRef !== undefined && !isBoundTo(volume, claim)) return false;
  return !isTooSmall(volume, claim) && hasSameMode(volume, claim) && hasAccessModes(volume, claim) && attributesClassOf(volume) === attributesClassOf(claim) && volume.metadata.deletionTimestamp === undefined;
}

function isTooSmall(volume: PersistentVolume, { spec }: PersistentVolumeClaim): boolean {
  return compareQuantities(sizeOf(volume), spec.resources?.requests?.['storage'] ?? '0') < 0;
}

function sizeOf({ spec }: PersistentVolume): string {
  return spec.capacity?.['storage'] ?? '0';
}

function hasSameMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem');
}

function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) === true);
}

function attributesClassOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec.volumeAttributesClassName ?? '';
}
