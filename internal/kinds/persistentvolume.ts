// PersistentVolume: rules and row (upstream: pkg/apis/core).
import { objectAge } from '../api/age.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from '../api/field-error.ts';
import { sameSemantically } from '../api/json-equality.ts';
import { copy, formatTime } from '../api/meta.ts';
import type { PersistentVolume } from './generated/api-types.ts';
import type { KindRules } from './kind.ts';
import { accessModes } from './access-modes.ts';
import { accessModeProblems, classNameProblems, positiveQuantityProblems, volumeModeProblems } from './storage-validation.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
/** Everything of the spec that does not say where the data is. */
const NOT_SOURCES = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode']);

export const persistentVolume: KindRules<PersistentVolume> = {
  applyDefaults: (draft) => {
    draft.status = { ...draft.status, phase: draft.status?.phase ?? 'Pending' };
    if (draft.spec === undefined) return;
    draft.spec.persistentVolumeReclaimPolicy ||= 'Retain';
    draft.spec.volumeMode ??= 'Filesystem';
    if (draft.spec.hostPath !== undefined) draft.spec.hostPath.type ??= '';
  },
  prepareForCreate: (draft, { now }) => { draft.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(now) }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? {}); },
  prepareForStatusUpdate: (draft, old, { now }) => {
    const given = draft.status?.lastPhaseTransitionTime;
    if (draft.status?.phase === undefined || draft.status.phase === old.status?.phase) return;
    if (given === undefined || given === old.status?.lastPhaseTransitionTime) draft.status.lastPhaseTransitionTime = formatTime(now);
  },
  validate,
  validateUpdate,
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

function sourcesOf(spec: PersistentVolume['spec']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([field, value]) => !NOT_SOURCES.has(field) && value !== undefined));
}

function validate({ spec }: PersistentVolume): FieldError[] {
  const { accessModes = [], capacity: given, persistentVolumeReclaimPolicy: policy } = spec;
  const capacity = given ?? {};
  const errors = accessModes.length === 0 ? [required('spec.accessModes')] : accessModeProblems(accessModes, 'spec.accessModes');
  if (Object.keys(capacity).length === 0) errors.push(required('spec.capacity'));
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) errors.push(notSupported('spec.capacity', given ?? null, ['storage']));
  for (const [name, quantity] of Object.entries(capacity)) errors.push(...positiveQuantityProblems(quantity, `spec.capacity[${name}]`));
  if (policy && !RECLAIM_POLICIES.includes(policy)) errors.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES));
  return [...errors, ...validateSource(spec), ...classNameProblems(spec.storageClassName, 'spec.storageClassName'), ...volumeModeProblems(spec.volumeMode, 'spec.volumeMode'), ...classNameProblems(spec.volumeAttributesClassName, 'spec.volumeAttributesClassName')];
}

function validateSource(spec: PersistentVolume['spec']): FieldError[] {
  const errors = Object.keys(sourcesOf(spec)).slice(1).map((name) => forbidden(`spec.${name}`, 'may not specify more than 1 volume type'));
  if (Object.keys(sourcesOf(spec)).length === 0) errors.push(required('spec', 'must specify a volume type'));
  for (const field of ['hostPath', 'local'] as const) {
    const source = spec[field];
    if (source === undefined) continue;
    if (!source.path) errors.push(required(`spec.${field}.path`));
    if (source.path?.split('/').includes('..') === true) errors.push(invalid(`spec.${field}.path`, source.path, "must not contain '..'"));
  }
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  if (spec.local !== undefined && spec.nodeAffinity?.required === undefined) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  if (spec.csi !== undefined && !spec.csi.driver) errors.push(required('spec.csi.driver'));
  if (spec.csi !== undefined && !spec.csi.volumeHandle) errors.push(required('spec.csi.volumeHandle'));
  if (spec.nfs !== undefined && !spec.nfs.server) errors.push(required('spec.nfs.server'));
  if (spec.nfs !== undefined && !spec.nfs.path) errors.push(required('spec.nfs.path'));
  return errors;
}

function validateUpdate({ spec }: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const [now, before] = [sourcesOf(spec), sourcesOf(old.spec)];
  if (old.spec.csi !== undefined && old.spec.csi.controllerExpandSecretRef === undefined && spec.csi !== undefined) {
    const { controllerExpandSecretRef: _added, ...csi } = spec.csi;
    now.csi = csi;
  }
  if (!sameSemantically(now, before)) errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
  if (!sameSemantically(spec.volumeMode, old.spec.volumeMode)) errors.push(invalid('volumeMode', spec.volumeMode ?? null, 'field is immutable'));
  if (old.spec.nodeAffinity !== undefined && !sameSemantically(spec.nodeAffinity, old.spec.nodeAffinity)) errors.push(invalid('nodeAffinity', spec.nodeAffinity ?? null, 'field is immutable'));
  if (old.spec.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  return errors;
}
