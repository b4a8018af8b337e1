// PersistentVolume: rules and row (upstream: pkg/apis/core).
import { objectAge } from '../../api/age.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { jsonDiff } from '../../api/line-diff.ts';
import { copy, formatTime } from '../../api/meta.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import type { PersistentVolume } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { accessModes } from './access-modes.ts';
import { validateNodeSelector } from '../pod-spec/placement.ts';
import { awsElasticBlockStore, azureDisk, azureFile, cephfs, cinder, fc, flexVolume, flocker, gcePersistentDisk, glusterfs, hostPath, iscsi, needs, nfs, photonPersistentDisk, portworxVolume, quobyte, rbd, scaleIO, sessionNameProblems, source, storageos, validateSources, vsphereVolume, type SourceRule } from '../pod-spec/volume-sources.ts';
import { accessModeProblems, classNameProblems, driverNameProblems, positiveQuantityProblems, volumeModeProblems } from '../storage/storage-validation.ts';
import { nodeTermWarnings } from './node-label-warnings.ts';
import { affinityAsGoPrints, sourceAsGoPrints } from './volume-form.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
/** Everything of the spec that does not say where the data is. */
const NOT_SOURCES = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode']);

export const persistentVolume: KindRules<PersistentVolume> = {
  warnings: volumeWarnings,
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
    const kept = old.status?.lastPhaseTransitionTime;
    if (draft.status?.phase === undefined) return;
    if (draft.status.phase === old.status?.phase) {
      if (given === undefined && kept !== undefined) draft.status.lastPhaseTransitionTime = kept;
      return;
    }
    if (given === undefined || given === kept) draft.status.lastPhaseTransitionTime = formatTime(now);
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

function validate({ metadata, spec }: PersistentVolume): FieldError[] {
  const { accessModes = [], capacity: given, persistentVolumeReclaimPolicy: policy } = spec;
  const capacity = given ?? {};
  const errors = accessModes.length === 0 ? [required('spec.accessModes')] : accessModeProblems(accessModes, 'spec.accessModes');
  if (Object.keys(capacity).length === 0) errors.push(required('spec.capacity'));
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) errors.push(notSupported('spec.capacity', given ?? null, ['storage']));
  for (const [name, quantity] of Object.entries(capacity)) errors.push(...positiveQuantityProblems(quantity, `spec.capacity[${name}]`));
  if (policy && !RECLAIM_POLICIES.includes(policy)) errors.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES));
  return [...errors, ...validateSource(spec, metadata.name ?? ''), ...classNameProblems(spec.storageClassName, 'spec.storageClassName'), ...volumeModeProblems(spec.volumeMode, 'spec.volumeMode'), ...attributesClassProblems(spec)];
}

type Spec = PersistentVolume['spec'];

// In upstream's order.
const RULES: readonly SourceRule<Spec>[] = [
  source('hostPath', hostPath),
  source('gcePersistentDisk', gcePersistentDisk, { told: 'persistentDisk' }),
  source('awsElasticBlockStore', awsElasticBlockStore),
  source('glusterfs', (share, at) => [...glusterfs(share, at), ...namespaceProblems(share.endpointsNamespace, `${at}.endpointsNamespace`)]),
  source('flocker', flocker),
  source('nfs', nfs),
  source('rbd', rbd),
  source('quobyte', quobyte),
  source('cephfs', cephfs, { taken: 'cephFS' }),
  { field: 'iscsi', check: () => [] }, // takes the volume's name: see validateSource
  source('cinder', cinder(true)),
  source('fc', fc),
  { ...source<Spec, 'flexVolume'>('flexVolume', flexVolume), beside: true },
  source('azureFile', (share, at) => [...azureFile(share, at), ...(share.secretNamespace === '' ? [required(`${at}.secretNamespace`)] : [])]),
  source('vsphereVolume', vsphereVolume),
  source('photonPersistentDisk', photonPersistentDisk),
  source('portworxVolume', portworxVolume),
  source('azureDisk', azureDisk),
  source('scaleIO', scaleIO),
  { field: 'local', check: ({ local = { path: '' }, nodeAffinity }, at) => [...hostPath(local, at), ...(nodeAffinity?.required === undefined ? [required('spec.nodeAffinity', 'Local volume requires node affinity')] : [])] },
  source('storageos', storageos(true)),
  source('csi', validateCsi),
];

function validateSource(spec: Spec, name: string): FieldError[] {
  const { nodeAffinity, iscsi: disk, hostPath: host } = spec;
  const errors = nodeAffinity === undefined ? [] : nodeAffinity.required === undefined ? [required('spec.nodeAffinity.required', 'must specify required node constraints')] : validateNodeSelector(nodeAffinity.required, 'spec.nodeAffinity.required');
  const rules = disk === undefined ? RULES : RULES.map((rule) => (rule.field === 'iscsi' ? { ...rule, check: (_: Spec, at: string) => validateIscsi(disk, name, at) } : rule));
  errors.push(...validateSources(spec, rules, 'spec'));
  if (host?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
  return errors;
}

function validateIscsi(disk: NonNullable<Spec['iscsi']>, name: string, at: string): FieldError[] {
  return iscsi(disk, at, { start: 'must be valid format', afterPortal: sessionNameProblems(disk, name, (words) => invalid(`${at}.targetportal`, disk.targetPortal, words)) });
}

function namespaceProblems(namespace: string | undefined, at: string): FieldError[] {
  if (namespace === undefined) return [];
  return namespace === '' ? [invalid(at, namespace, 'if the endpointnamespace is set, it must be a valid namespace name')] : dnsLabelProblems(namespace).map((problem) => invalid(at, namespace, problem));
}

const SECRETS = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const;

function validateCsi(csi: NonNullable<Spec['csi']>, at: string): FieldError[] {
  return [...driverNameProblems(csi.driver ?? '', `${at}.driver`), ...needs(csi, at, 'volumeHandle'), ...SECRETS.flatMap((field) => (csi[field] === undefined ? [] : validateSecretReference(csi[field], `${at}.${field}`)))];
}

function validateSecretReference({ name = '', namespace = '' }: { name?: string; namespace?: string }, path: string): FieldError[] {
  return [
    ...(name === '' ? [required(`${path}.name`)] : subdomainProblems(name).map((problem) => invalid(`${path}.name`, name, problem))),
    ...(namespace === '' ? [required(`${path}.namespace`)] : dnsLabelProblems(namespace).map((problem) => invalid(`${path}.namespace`, namespace, problem))),
  ];
}

function attributesClassProblems({ volumeAttributesClassName: name, csi }: PersistentVolume['spec']): FieldError[] {
  const path = 'spec.volumeAttributesClassName';
  if (name === undefined) return [];
  const errors = name === '' ? [required(path, 'an empty string is disallowed')] : classNameProblems(name, path);
  return csi === undefined ? [...errors, required('spec.csi', 'has to be specified when using volumeAttributesClassName')] : errors;
}

function validateUpdate({ spec }: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const [now, before] = [sourcesOf(spec), sourcesOf(old.spec)];
  if (old.spec.csi !== undefined && old.spec.csi.controllerExpandSecretRef === undefined && spec.csi !== undefined) {
    const { controllerExpandSecretRef: _added, ...csi } = spec.csi;
    now.csi = csi;
  }
  if (!sameSemantically(now, before)) errors.push(forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${jsonDiff(sourceAsGoPrints(before), sourceAsGoPrints(now))}`));
  if (!sameSemantically(spec.volumeMode, old.spec.volumeMode)) errors.push(invalid('volumeMode', spec.volumeMode ?? null, 'field is immutable'));
  if (old.spec.nodeAffinity !== undefined && !sameSemantically(spec.nodeAffinity, old.spec.nodeAffinity)) errors.push(invalid('nodeAffinity', affinityAsGoPrints(spec.nodeAffinity), 'field is immutable, except for updating from beta label to GA'));
  if (old.spec.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  return errors;
}

const OLD_ANNOTATIONS = [['volume.beta.kubernetes.io/storage-class', 'v1.8; use "storageClassName"'], ['volume.beta.kubernetes.io/mount-options', 'v1.31; use "mountOptions"']] as const;
const OLD_SOURCES = [['cephfs', 'v1.28, non-functional in v1.31+'], ['photonPersistentDisk', 'v1.11, non-functional in v1.16+'], ['scaleIO', 'v1.16, non-functional in v1.22+'], ['storageos', 'v1.22, non-functional in v1.25+'], ['glusterfs', 'v1.25, non-functional in v1.26+'], ['rbd', 'v1.28, non-functional in v1.31+']] as const;

function volumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  const policy = 'spec.persistentVolumeReclaimPolicy';
  return [
    ...OLD_ANNOTATIONS.flatMap(([key, why]) => (metadata.annotations?.[key] === undefined ? [] : [`metadata.annotations[${key}]: deprecated since ${why} attribute instead`])),
    ...(spec?.persistentVolumeReclaimPolicy === 'Recycle' ? [`${policy}: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.`] : []),
    ...(spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, index) => nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${String(index)}]`, false)),
    ...OLD_SOURCES.flatMap(([field, since]) => (spec?.[field] === undefined ? [] : [`spec.${field === 'storageos' ? 'storageOS' : field}: deprecated in ${since}`])),
  ];
}
