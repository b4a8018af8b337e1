// Validation of a pod's volumes (upstream: ValidateVolumes): what only pods have; the other sources are in volume-sources.ts.
import { duplicate, forbidden, invalid, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import type { CSIVolumeSource, DownwardAPIVolumeFile, EphemeralVolumeSource, ImageVolumeSource, ISCSIVolumeSource, KeyToPath, ProjectedVolumeSource, Volume, VolumeProjection } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import { validateClaimSpec } from '../core/claim-validation.ts';
import { driverNameProblems } from '../storage/storage-validation.ts';
import { validateTemplateMetadata } from '../template-metadata.ts';
import { validateFieldRef, validateResourceFieldRef, VOLUME_FIELDS } from './environment.ts';
import { awsElasticBlockStore, azureDisk, azureFile, cephfs, cinder, fc, flexVolume, flocker, gcePersistentDisk, glusterfs, hostPath, iscsi, needs, nfs, photonPersistentDisk, portworxVolume, quobyte, rbd, scaleIO, sessionNameProblems, source, storageos, validateSources, vsphereVolume, type SourceRule } from './volume-sources.ts';

/** Each valid volume's name and source type. */
export type VolumeKinds = ReadonlyMap<string, string>;

const MODE_WORDS = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateVolumes(volumes: readonly Volume[], { path, podName }: { path: string; podName: string }): { volumes: VolumeKinds; errors: FieldError[] } {
  const kinds = new Map<string, string>();
  const errors: FieldError[] = [];
  const created = new Set(podName === '' ? [] : volumes.filter(({ ephemeral }) => ephemeral !== undefined).map(({ name }) => `${podName}-${name}`));
  volumes.forEach((volume, index) => {
    const at = `${path}[${String(index)}]`;
    const own = [...validateSources(volume, RULES, at), ...claimNameProblems(volume, podName, at)];
    if (!volume.name) own.push(required(`${at}.name`));
    else for (const problem of dnsLabelProblems(volume.name)) own.push(invalid(`${at}.name`, volume.name, problem));
    if (kinds.has(volume.name)) own.push(duplicate(`${at}.name`, volume.name));
    if (own.length === 0) kinds.set(volume.name, sourcesOf(volume)[0] ?? '');
    errors.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName ?? '';
    if (created.has(claim)) errors.push(invalid(`${at}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume'));
  });
  return { volumes: kinds, errors };
}

function sourcesOf(volume: Volume): string[] {
  return Object.entries(volume).filter(([key, value]) => key !== 'name' && value !== undefined).map(([key]) => key);
}

// In upstream's order, with its slips of the pen.
const RULES: readonly SourceRule<Volume>[] = [
  source('emptyDir', ({ sizeLimit }, at) => (sizeLimit?.startsWith('-') === true ? [forbidden(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')] : [])),
  source('hostPath', hostPath),
  source('gitRepo', (repo, at) => [...needs(repo, at, 'repository'), ...descendingPathProblems(repo.directory ?? '').map((problem) => invalid(`${at}.directory`, repo.directory, problem))]),
  source('gcePersistentDisk', gcePersistentDisk, { told: 'persistentDisk' }),
  source('awsElasticBlockStore', awsElasticBlockStore),
  source('secret', (secret, at) => [...needs(secret, at, 'secretName'), ...modeProblems(secret.defaultMode, `${at}.defaultMode`), ...validateItems(secret.items, at)]),
  source('nfs', nfs),
  { field: 'iscsi', check: ({ name, iscsi: disk = {} as ISCSIVolumeSource }, at) => [...iscsi(disk, at), ...sessionNameProblems(disk, name, (words) => invalid(at.replace(/iscsi$/, 'name'), name, words))] },
  source('glusterfs', glusterfs),
  source('flocker', flocker),
  source('persistentVolumeClaim', (claim, at) => needs(claim, at, 'claimName')),
  source('rbd', rbd),
  source('cinder', cinder(false)),
  source('cephfs', cephfs, { taken: 'cephFS' }),
  source('quobyte', quobyte),
  source('downwardAPI', (downward, at) => [...modeProblems(downward.defaultMode, `${at}.defaultMode`), ...(downward.items ?? []).flatMap((file) => validateDownwardFile(file, at))], { taken: 'downwarAPI' }),
  source('fc', fc),
  source('flexVolume', flexVolume),
  source('configMap', (map, at) => [...needs(map, at, 'name'), ...modeProblems(map.defaultMode, `${at}.defaultMode`), ...validateItems(map.items, at)]),
  source('azureFile', azureFile),
  source('vsphereVolume', vsphereVolume),
  source('photonPersistentDisk', photonPersistentDisk),
  source('portworxVolume', portworxVolume),
  source('azureDisk', azureDisk),
  source('storageos', storageos(false)),
  source('projected', (projected, at) => [...modeProblems(projected.defaultMode, `${at}.defaultMode`), ...validateProjected(projected, at)]),
  source('scaleIO', scaleIO),
  source('csi', validateCsi),
  source('ephemeral', validateEphemeral),
  source('image', validateImage),
];

/** The claim that a pod's ephemeral volume becomes is named by both. */
function claimNameProblems({ name, ephemeral }: Volume, podName: string, at: string): FieldError[] {
  if (ephemeral === undefined || podName === '' || !name) return [];
  const claim = `${podName}-${name}`;
  return subdomainProblems(claim).map((problem) => invalid(`${at}.name`, name, `PVC name ${JSON.stringify(claim)}: ${problem}`));
}

function validateCsi({ driver = '', nodePublishSecretRef: secret }: Partial<CSIVolumeSource>, path: string): FieldError[] {
  const errors = driverNameProblems(driver, `${path}.driver`);
  if (secret === undefined) return errors;
  return secret.name ? [...errors, ...subdomainProblems(secret.name).map((problem) => invalid(`${path}.name`, secret.name, problem))] : [...errors, required(`${path}.nodePublishSecretRef.name`)];
}

function validateEphemeral({ volumeClaimTemplate: template }: EphemeralVolumeSource, path: string): FieldError[] {
  if (template === undefined) return [required(`${path}.volumeClaimTemplate`)];
  return [...validateTemplateMetadata(template.metadata, `${path}.volumeClaimTemplate.metadata`), ...validateClaimSpec(template.spec ?? {}, `${path}.volumeClaimTemplate.spec`)];
}

function validateImage({ reference, pullPolicy }: ImageVolumeSource, path: string): FieldError[] {
  return [...(reference ? [] : [required(`${path}.reference`)]), ...oneOf(pullPolicy, `${path}.pullPolicy`, ['Always', 'IfNotPresent', 'Never'])];
}

function validateProjected({ sources = [] }: ProjectedVolumeSource, path: string): FieldError[] {
  const taken = new Set<string>();
  const claim = (file: string, value: unknown): FieldError[] => {
    if (file === '') return [];
    if (taken.has(file)) return [invalid(path, value, 'conflicting duplicate paths')];
    taken.add(file);
    return [];
  };
  return sources.flatMap((source, index) => validateProjection(source, { path, at: `${path}.sources[${String(index)}]`, claim }));
}

interface ProjectionPlace {
  path: string;
  at: string;
  claim: (file: string, value: unknown) => FieldError[];
}

function validateProjection(source: VolumeProjection, { path, at, claim }: ProjectionPlace): FieldError[] {
  const errors: FieldError[] = [];
  for (const kind of ['secret', 'configMap'] as const) {
    const projection = source[kind];
    if (projection === undefined) continue;
    if (!projection.name) errors.push(required(`${at}.${kind}.name`));
    errors.push(...validateItems(projection.items, `${at}.${kind}`), ...(projection.items ?? []).flatMap((item) => claim(item.path, projection.name ?? '')));
  }
  for (const file of source.downwardAPI?.items ?? []) errors.push(...validateDownwardFile(file, `${at}.downwardAPI`), ...claim(file.path, file.path));
  const token = source.serviceAccountToken;
  if (token !== undefined) {
    const seconds = token.expirationSeconds ?? 3600;
    if (seconds < 600) errors.push(invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > 2 ** 32) errors.push(invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'));
    if (token.path) errors.push(...localPathProblems(token.path).map((problem) => invalid(`${path}.path`, token.path, problem)));
    else errors.push(required(`${path}.path`));
  }
  if (Object.values(source).filter((value) => value !== undefined).length > 1) errors.push(forbidden(at, 'may not specify more than 1 volume type per source'));
  return errors;
}

function validateItems(items: readonly KeyToPath[] = [], path: string): FieldError[] {
  return items.flatMap(({ key, path: file, mode }, index) => {
    const at = `${path}.items[${String(index)}]`;
    const errors = key ? [] : [required(`${at}.key`)];
    if (!file) errors.push(required(`${at}.path`));
    return [...errors, ...localPathProblems(file ?? '').map((problem) => invalid(`${at}.path`, file, problem)), ...modeProblems(mode, `${at}.mode`)];
  });
}

function validateDownwardFile({ path: file, fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile, path: string): FieldError[] {
  const errors = file ? [] : [required(`${path}.path`)];
  errors.push(...localPathProblems(file ?? '').map((problem) => invalid(`${path}.path`, file, problem)));
  if (fieldRef !== undefined) {
    errors.push(...validateFieldRef(fieldRef, VOLUME_FIELDS, `${path}.fieldRef`));
    if (resourceFieldRef !== undefined) errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (resourceFieldRef !== undefined) errors.push(...validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, true));
  else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...modeProblems(mode, `${path}.mode`)];
}

function modeProblems(mode: number | undefined, path: string): FieldError[] {
  return mode !== undefined && (mode > 0o777 || mode < 0) ? [invalid(path, mode, MODE_WORDS)] : [];
}

/** Relative, without steps up. */
export function descendingPathProblems(path: string): string[] {
  if (path.startsWith('/')) return ['must be a relative path'];
  return path.split('/').includes('..') ? ['must not contain \'..\''] : [];
}

/** As descendingPathProblems, and the first segment does not look like an atomic writer's. */
function localPathProblems(path: string): string[] {
  const problems = descendingPathProblems(path);
  return path.startsWith('..') && !path.startsWith('../') && path !== '..' ? [...problems, 'must not start with \'..\''] : problems;
}
