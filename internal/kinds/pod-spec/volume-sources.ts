// Sources of volumes that pods and PersistentVolumes share, and how one of several is found (upstream: validateVolumeSource,
// ValidatePersistentVolumeSpec). Those of clouds and of retired plugins are held to their form too, though no node of ours mounts them.
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems } from '../../api/names.ts';

/** One kind of source; upstream tells some under another name. */
export interface SourceRule<T> {
  field: keyof T & string;
  /** Where it is forbidden, when another is there. */
  taken?: string;
  /** Where its own problems are told. */
  told?: string;
  /** Upstream takes it beside another. */
  beside?: true;
  check(holder: T, at: string): FieldError[];
}

export function source<T, K extends keyof T & string>(field: K, check: (value: NonNullable<T[K]>, at: string) => FieldError[], names: { taken?: string; told?: string } = {}): SourceRule<T> {
  return { field, ...names, check: (holder, at) => check(holder[field] as NonNullable<T[K]>, at) };
}

/** The first that is there is looked into, all others are one too many. */
export function validateSources<T>(holder: T, rules: readonly SourceRule<T>[], path: string): FieldError[] {
  const [first, ...more] = rules.filter(({ field }) => holder[field] !== undefined);
  if (first === undefined) return [required(path, 'must specify a volume type')];
  return [...first.check(holder, `${path}.${first.told ?? first.field}`), ...more.flatMap((rule) => (rule.beside === true ? rule.check(holder, `${path}.${rule.field}`) : [forbidden(`${path}.${rule.taken ?? rule.field}`, 'may not specify more than 1 volume type')]))];
}

interface Reference { name?: string; namespace?: string }

/** Texts and lists that must not be empty. */
export function needs<T extends object>(value: T, at: string, ...fields: (keyof T & string)[]): FieldError[] {
  return fields.filter((field) => { const given = value[field] as unknown; return given === undefined || given === '' || (Array.isArray(given) && given.length === 0); }).map((field) => required(`${at}.${field}`));
}

/** PersistentVolumes name the namespace of a secret too. */
function secretProblems(secret: Reference | undefined, at: string, ofVolume: boolean): FieldError[] {
  if (secret === undefined) return [];
  return needs(secret, `${at}.secretRef`, 'name', ...(ofVolume ? ['namespace' as const] : []));
}

function partitionProblems({ partition = 0 }: { partition?: number }, at: string): FieldError[] {
  return partition < 0 || partition > 255 ? [invalid(`${at}.partition`, partition, 'must be between 1 and 255, inclusive')] : [];
}

export const gcePersistentDisk = (disk: { pdName?: string; partition?: number }, at: string): FieldError[] => [...needs(disk, at, 'pdName'), ...partitionProblems(disk, at)];
export const awsElasticBlockStore = (disk: { volumeID?: string; partition?: number }, at: string): FieldError[] => [...needs(disk, at, 'volumeID'), ...partitionProblems(disk, at)];
export const rbd = (image: { monitors?: string[]; image?: string }, at: string): FieldError[] => needs(image, at, 'monitors', 'image');
export const cephfs = (share: { monitors?: string[] }, at: string): FieldError[] => needs(share, at, 'monitors');
export const vsphereVolume = (disk: { volumePath?: string }, at: string): FieldError[] => needs(disk, at, 'volumePath');
export const photonPersistentDisk = (disk: { pdID?: string }, at: string): FieldError[] => needs(disk, at, 'pdID');
export const portworxVolume = (volume: { volumeID?: string }, at: string): FieldError[] => needs(volume, at, 'volumeID');
export const scaleIO = (volume: { gateway?: string; system?: string; volumeName?: string }, at: string): FieldError[] => needs(volume, at, 'gateway', 'system', 'volumeName');
export const glusterfs = (share: { endpoints?: string; path?: string }, at: string): FieldError[] => needs(share, at, 'endpoints', 'path');
export const azureFile = (share: { secretName?: string; shareName?: string }, at: string): FieldError[] => needs(share, at, 'secretName', 'shareName');

export function cinder(ofVolume: boolean): (disk: { volumeID?: string; secretRef?: Reference }, at: string) => FieldError[] {
  return (disk, at) => [...needs(disk, at, 'volumeID'), ...secretProblems(disk.secretRef, at, ofVolume)];
}

export function storageos(ofVolume: boolean): (volume: { volumeName?: string; volumeNamespace?: string; secretRef?: Reference }, at: string) => FieldError[] {
  const label = (value: string, at: string): FieldError[] => dnsLabelProblems(value).map((problem) => invalid(at, value, problem));
  return ({ volumeName = '', volumeNamespace = '', secretRef }, at) => [
    ...(volumeName === '' ? [required(`${at}.volumeName`)] : label(volumeName, `${at}.volumeName`)),
    ...(volumeNamespace === '' ? [] : label(volumeNamespace, `${at}.volumeNamespace`)),
    ...secretProblems(secretRef, at, ofVolume),
  ];
}

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

/** A path of the node, of a PersistentVolume's `local` too. */
export function hostPath({ path = '', type = '' }: { path?: string; type?: string }, at: string): FieldError[] {
  if (path === '') return [required(`${at}.path`)];
  const errors = path.split('/').includes('..') ? [invalid(`${at}.path`, path, 'must not contain \'..\'')] : [];
  return HOST_PATH_TYPES.includes(type) ? errors : [...errors, notSupported(`${at}.type`, type, HOST_PATH_TYPES)];
}

export function nfs(share: { server?: string; path?: string }, at: string): FieldError[] {
  const { path = '' } = share;
  return [...needs(share, at, 'server', 'path'), ...(path.startsWith('/') ? [] : [invalid(`${at}.path`, path, 'must be an absolute path')])];
}

const PAIRS = 'must be a host:port pair or multiple pairs separated by commas';
const TENANT_MAX = 64;

export function quobyte(share: { registry?: string; tenant?: string; volume?: string }, at: string): FieldError[] {
  const { registry = '', tenant = '' } = share;
  const wrong = registry.split(',').filter((pair) => !/^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair));
  const errors = registry === '' ? [required(`${at}.registry`, PAIRS)] : tenant.length > TENANT_MAX ? [required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters')] : wrong.map(() => invalid(`${at}.registry`, registry, PAIRS));
  return [...errors, ...needs(share, at, 'volume')];
}

export function flocker({ datasetName = '', datasetUUID = '' }: { datasetName?: string; datasetUUID?: string }, at: string): FieldError[] {
  const errors = datasetName === '' && datasetUUID === '' ? [required(at, 'one of datasetName and datasetUUID is required')] : [];
  if (datasetName !== '' && datasetUUID !== '') errors.push(invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  return datasetName.includes('/') ? [...errors, invalid(`${at}.datasetName`, datasetName, 'must not contain \'/\'')] : errors;
}

const UNITS_MAX = 255;

export function fc({ targetWWNs = [], wwids = [], lun }: { targetWWNs?: string[]; wwids?: string[]; lun?: number }, at: string): FieldError[] {
  const errors = targetWWNs.length === 0 && wwids.length === 0 ? [required(`${at}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both')] : [];
  if (targetWWNs.length > 0 && wwids.length > 0) errors.push(invalid(`${at}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  if (targetWWNs.length === 0) return errors;
  if (lun === undefined) return [...errors, required(`${at}.lun`, 'lun is required if targetWWNs is specified')];
  return [...errors, ...unitProblems(lun, at)];
}

export function unitProblems(lun: number, at: string): FieldError[] {
  return lun < 0 || lun > UNITS_MAX ? [invalid(`${at}.lun`, lun, 'must be between 0 and 255, inclusive')] : [];
}

export function flexVolume(volume: { driver?: string; options?: Record<string, string> }, at: string): FieldError[] {
  const reserved = Object.keys(volume.options ?? {}).filter((key) => /\.(kubernetes|k8s)\.io$/.test(`.${(key.split('/', 1)[0] ?? '').toLowerCase()}`));
  return [...needs(volume, at, 'driver'), ...reserved.map((key) => invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))];
}

const DISK_KINDS = ['Dedicated', 'Managed', 'Shared'];
const CACHINGS = ['None', 'ReadOnly', 'ReadWrite'];

export function azureDisk(disk: { diskName?: string; diskURI?: string; cachingMode?: string; kind?: string }, at: string): FieldError[] {
  const { diskURI = '', cachingMode, kind } = disk;
  const errors = needs(disk, at, 'diskName', 'diskURI');
  if (cachingMode !== undefined && !CACHINGS.includes(cachingMode)) errors.push(notSupported(`${at}.cachingMode`, cachingMode, CACHINGS));
  if (kind === undefined) return errors;
  if (!DISK_KINDS.includes(kind)) errors.push(notSupported(`${at}.kind`, kind, DISK_KINDS));
  const [start, form] = kind === 'Managed' ? ['/subscriptions/', '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'] : ['https://', 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'];
  return diskURI.startsWith(start) ? errors : [...errors, notSupported(`${at}.diskURI`, diskURI, [form])];
}

const INITIATORS: Readonly<Record<string, RegExp>> = { iqn: /^iqn\.\d{4}-\d{2}\.([a-z0-9-_.]+)(:[^,;*&$|\s]+)$/i, eui: /^eui.[0-9a-f]{16}$/i, naa: /^naa.[0-9a-f]{32}$/i };

/** The name of an iSCSI target or initiator. `start` is said of what begins as none does. */
function initiatorProblems(name: string, at: string, start: string): FieldError[] {
  const form = INITIATORS[name.slice(0, 3)];
  if (form === undefined) return [invalid(at, name, start)];
  return form.test(name) ? [] : [invalid(at, name, 'must be valid format')];
}

interface Iscsi { targetPortal?: string; iqn?: string; lun?: number; chapAuthDiscovery?: boolean; chapAuthSession?: boolean; secretRef?: Reference; initiatorName?: string }

export function iscsi(disk: Iscsi, at: string, { start = 'must be valid format starting with iqn, eui, or naa', afterPortal = [] as FieldError[] } = {}): FieldError[] {
  const { iqn = '', lun = 0, chapAuthDiscovery = false, chapAuthSession = false, secretRef, initiatorName } = disk;
  return [
    ...needs(disk, at, 'targetPortal'), ...afterPortal, ...(iqn === '' ? [required(`${at}.iqn`)] : initiatorProblems(iqn, `${at}.iqn`, start)), ...unitProblems(lun, at),
    ...((chapAuthDiscovery || chapAuthSession) && secretRef === undefined ? [required(`${at}.secretRef`)] : []),
    ...(start === 'must be valid format' ? secretProblems(secretRef, at, false) : []),
    ...(initiatorName === undefined ? [] : initiatorProblems(initiatorName, `${at}.initiatorname`, start)),
  ];
}

const PORTAL_MAX = 64;

/** A session of its own is named by the volume and the portal. */
export function sessionNameProblems({ initiatorName, targetPortal = '' }: Iscsi, name: string, error: (words: string) => FieldError): FieldError[] {
  return initiatorName === undefined || `${name}:${targetPortal}`.length <= PORTAL_MAX ? [] : [error('Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.')];
}
