// Validation of a pod's volumes (upstream: ValidateVolumes). Sources of clouds and of retired plugins are only counted: no node of ours
// mounts them.
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, subdomainProblems } from '../../api/names.ts';
import type { CSIVolumeSource, DownwardAPIVolumeFile, EphemeralVolumeSource, ImageVolumeSource, ISCSIVolumeSource, KeyToPath, ProjectedVolumeSource, Volume, VolumeProjection } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import { validateClaimSpec } from '../core/claim-validation.ts';
import { validateLabels } from '../label-selector.ts';
import { driverNameProblems } from '../storage/storage-validation.ts';
import { validateFieldRef, validateResourceFieldRef, VOLUME_FIELDS } from './environment.ts';

/** Each valid volume's name and source type. */
export type VolumeKinds = ReadonlyMap<string, string>;

const MODE_WORDS = 'must be a number between 0 and 0777 (octal), both inclusive';
const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

export function validateVolumes(volumes: readonly Volume[], { path, podName }: { path: string; podName: string }): { volumes: VolumeKinds; errors: FieldError[] } {
  const kinds = new Map<string, string>();
  const errors: FieldError[] = [];
  const created = new Set(podName === '' ? [] : volumes.filter(({ ephemeral }) => ephemeral !== undefined).map(({ name }) => `${podName}-${name}`));
  volumes.forEach((volume, index) => {
    const at = `${path}[${String(index)}]`;
    const own = validateSource(volume, at);
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

function validateSource(volume: Volume, path: string): FieldError[] {
  const [first, ...more] = sourcesOf(volume);
  if (first === undefined) return [required(path, 'must specify a volume type')];
  return [...validateOneSource(volume, `${path}.${first}`), ...more.map((name) => forbidden(`${path}.${name}`, 'may not specify more than 1 volume type'))];
}

function validateOneSource(volume: Volume, path: string): FieldError[] {
  const { hostPath, secret, configMap, persistentVolumeClaim, downwardAPI, projected, nfs, csi, emptyDir, ephemeral } = volume;
  if (hostPath !== undefined) return validateHostPath(hostPath, path);
  if (secret !== undefined) return [...(secret.secretName ? [] : [required(`${path}.secretName`)]), ...modeProblems(secret.defaultMode, `${path}.defaultMode`), ...validateItems(secret.items, path)];
  if (configMap !== undefined) return [...(configMap.name ? [] : [required(`${path}.name`)]), ...modeProblems(configMap.defaultMode, `${path}.defaultMode`), ...validateItems(configMap.items, path)];
  if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName ? [] : [required(`${path}.claimName`)];
  if (downwardAPI !== undefined) return [...modeProblems(downwardAPI.defaultMode, `${path}.defaultMode`), ...(downwardAPI.items ?? []).flatMap((file) => validateDownwardFile(file, path))];
  if (projected !== undefined) return [...modeProblems(projected.defaultMode, `${path}.defaultMode`), ...validateProjected(projected, path)];
  if (csi !== undefined) return validateCsi(csi, path);
  if (ephemeral !== undefined) return validateEphemeral(ephemeral, path);
  if (volume.iscsi !== undefined) return validateIscsi(volume.iscsi, path);
  if (volume.image !== undefined) return validateImage(volume.image, path);
  if (emptyDir?.sizeLimit?.startsWith('-') === true) return [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')];
  if (nfs === undefined) return [];
  const errors = nfs.server ? [] : [required(`${path}.server`)];
  if (!nfs.path) errors.push(required(`${path}.path`));
  if (!(nfs.path ?? '').startsWith('/')) errors.push(invalid(`${path}.path`, nfs.path ?? '', 'must be an absolute path'));
  return errors;
}

function validateCsi({ driver = '', nodePublishSecretRef: secret }: Partial<CSIVolumeSource>, path: string): FieldError[] {
  const errors = driverNameProblems(driver, `${path}.driver`);
  if (secret === undefined) return errors;
  return secret.name ? [...errors, ...subdomainProblems(secret.name).map((problem) => invalid(`${path}.name`, secret.name, problem))] : [...errors, required(`${path}.nodePublishSecretRef.name`)];
}

function validateEphemeral({ volumeClaimTemplate: template }: EphemeralVolumeSource, path: string): FieldError[] {
  if (template === undefined) return [required(`${path}.volumeClaimTemplate`)];
  return [...validateLabels(template.metadata?.labels, `${path}.volumeClaimTemplate.metadata.labels`), ...validateClaimSpec(template.spec ?? {}, `${path}.volumeClaimTemplate.spec`)];
}

const INITIATORS: Readonly<Record<string, RegExp>> = { iqn: /^iqn\.\d{4}-\d{2}\.([a-z0-9-_.]+)(:[^,;*&$|\s]+)$/i, eui: /^eui.[0-9a-f]{16}$/i, naa: /^naa.[0-9a-f]{32}$/i };

function validateIscsi({ targetPortal, iqn = '', lun = 0, ...iscsi }: Partial<ISCSIVolumeSource>, path: string): FieldError[] {
  const errors = targetPortal ? [] : [required(`${path}.targetPortal`)];
  const form = INITIATORS[iqn.slice(0, 3)];
  if (iqn === '') errors.push(required(`${path}.iqn`));
  else if (form === undefined) errors.push(invalid(`${path}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa'));
  else if (!form.test(iqn)) errors.push(invalid(`${path}.iqn`, iqn, 'must be valid format'));
  if (lun < 0 || lun > 255) errors.push(invalid(`${path}.lun`, lun, 'must be between 0 and 255, inclusive'));
  return (iscsi.chapAuthDiscovery === true || iscsi.chapAuthSession === true) && iscsi.secretRef === undefined ? [...errors, required(`${path}.secretRef`)] : errors;
}

function validateImage({ reference, pullPolicy }: ImageVolumeSource, path: string): FieldError[] {
  return [...(reference ? [] : [required(`${path}.reference`)]), ...oneOf(pullPolicy, `${path}.pullPolicy`, ['Always', 'IfNotPresent', 'Never'])];
}

function validateHostPath({ path: hostPath, type = '' }: NonNullable<Volume['hostPath']>, path: string): FieldError[] {
  if (!hostPath) return [required(`${path}.path`)];
  const errors = hostPath.split('/').includes('..') ? [invalid(`${path}.path`, hostPath, 'must not contain \'..\'')] : [];
  if (!HOST_PATH_TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, HOST_PATH_TYPES));
  return errors;
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
