// Validation of a container's environment and of downward API references (upstream: ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector).
import { fieldNotFound, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { configKeyProblems, dnsLabelProblems, envNameProblems, labelKeyProblems, subdomainProblems } from '../../api/names.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { EnvFromSource, EnvVar, FileKeySelector, ObjectFieldSelector, PodSpec, ResourceFieldSelector } from '../generated/api-types.ts';
import { placedContainers } from './placed-containers.ts';

const ENV_FIELDS = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'];
export const VOLUME_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
const RESOURCES = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory'];
const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;
const KNOWN_PATHS = new Set([...ENV_FIELDS, ...VOLUME_FIELDS]);

export function validateEnv(variables: readonly EnvVar[], path: string): FieldError[] {
  return variables.flatMap((variable, index) => {
    const at = `${path}[${String(index)}]`;
    const errors = variable.name ? envNameProblems(variable.name).map((problem) => invalid(`${at}.name`, variable.name, problem)) : [required(`${at}.name`)];
    return [...errors, ...validateValueFrom(variable, `${at}.valueFrom`)];
  });
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: string): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, index) => {
    const at = `${path}[${String(index)}]`;
    const errors: FieldError[] = [];
    if (prefix) for (const problem of envNameProblems(prefix)) errors.push(invalid(`${at}.prefix`, prefix, problem));
    if (configMapRef !== undefined) errors.push(...referenceName(configMapRef.name, `${at}.configMapRef.name`));
    if (secretRef !== undefined) errors.push(...referenceName(secretRef.name, `${at}.secretRef.name`));
    if (configMapRef === undefined && secretRef === undefined) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef !== undefined && secretRef !== undefined) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}

function validateValueFrom({ value, valueFrom }: EnvVar, path: string): FieldError[] {
  if (valueFrom === undefined) return [];
  const errors: FieldError[] = [];
  if (valueFrom.fieldRef !== undefined) errors.push(...validateFieldRef(valueFrom.fieldRef, ENV_FIELDS, `${path}.fieldRef`));
  if (valueFrom.resourceFieldRef !== undefined) errors.push(...validateResourceFieldRef(valueFrom.resourceFieldRef, `${path}.resourceFieldRef`, false));
  for (const field of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = valueFrom[field];
    if (reference === undefined) continue;
    errors.push(...subdomainProblems(reference.name ?? '').map((problem) => invalid(`${path}.${field}.name`, reference.name ?? '', problem)));
    if (!reference.key) errors.push(required(`${path}.${field}.key`));
    else for (const problem of configKeyProblems(reference.key)) errors.push(invalid(`${path}.${field}.key`, reference.key, problem));
  }
  if (valueFrom.fileKeyRef !== undefined) errors.push(...validateFileKey(valueFrom.fileKeyRef, `${path}.fileKeyRef`));
  const count = SOURCES.filter((source) => valueFrom[source] !== undefined).length;
  if (count === 0) errors.push(invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'));
  else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

/** Files of variables lie in a volume of the pod's own. */
export function validateFileVolumes(spec: PodSpec, path: string): FieldError[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return placedContainers(spec, path).flatMap(([container, at]) => (container.env ?? []).flatMap(({ valueFrom }, index) => {
    const { fileKeyRef } = valueFrom ?? {};
    if (fileKeyRef === undefined) return [];
    const field = `${at}.env[${String(index)}].valueFrom.fileKeyRef.volumeName`;
    const volume = volumes.get(fileKeyRef.volumeName);
    if (volume === undefined) return [fieldNotFound(field, fileKeyRef.volumeName ?? '')];
    return volume.emptyDir === undefined ? [invalid(field, fileKeyRef.volumeName, 'referenced volume must be of type emptyDir')] : [];
  }));
}

function validateFileKey({ key, volumeName, path: file }: Partial<FileKeySelector>, path: string): FieldError[] {
  return [
    ...(key ? envNameProblems(key).map((problem) => invalid(`${path}.key`, key, problem)) : [required(`${path}.key`)]),
    ...(volumeName ? dnsLabelProblems(volumeName).map((problem) => invalid(`${path}.volumeName`, volumeName, problem)) : [required(`${path}.volumeName`)]),
    ...(file ? (file.split('/').includes('..') ? [invalid(`${path}.path`, file, 'must not contain \'..\'')] : []) : [required(`${path}.path`)]),
  ];
}

function referenceName(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)];
  return subdomainProblems(name).map((problem) => invalid(path, name, problem));
}

export function validateFieldRef({ apiVersion, fieldPath }: ObjectFieldSelector, allowed: readonly string[], path: string): FieldError[] {
  if (!apiVersion) return [required(`${path}.apiVersion`)];
  if (!fieldPath) return [required(`${path}.fieldPath`)];
  if (apiVersion !== 'v1') return [invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: unsupported pod version: ${apiVersion}`)];
  const subscripted = /^(.*)\['(.*)'\]$/.exec(fieldPath);
  if (subscripted !== null) {
    const [, base = '', key = ''] = subscripted;
    if (base !== 'metadata.annotations' && base !== 'metadata.labels') return [invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label does not support subscript`)];
    return labelKeyProblems(base === 'metadata.annotations' ? key.toLowerCase() : key).map((problem) => invalid(path, key, problem));
  }
  if (!KNOWN_PATHS.has(fieldPath)) return [invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  return allowed.includes(fieldPath) ? [] : [notSupported(`${path}.fieldPath`, fieldPath, allowed)];
}

const SIZES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

function divisorProblems(resource: string, divisor: string | undefined, path: string): FieldError[] {
  const what = resource.replace(/^(limits|requests)\./, '');
  if (divisor === undefined || compareQuantities(divisor, '0') === 0) return [];
  if (what === 'cpu') return ['1m', '1'].includes(divisor) ? [] : [invalid(`${path}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource")];
  const words = what === 'memory' ? 'memory' : what === 'ephemeral-storage' ? 'local ephemeral storage' : 'hugepages';
  return SIZES.includes(divisor) ? [] : [invalid(`${path}.divisor`, resource, `only divisor's values ${SIZES.join(', ')} are supported with the ${words} resource`)];
}

export function validateResourceFieldRef({ containerName, resource, divisor }: ResourceFieldSelector, path: string, inVolume: boolean): FieldError[] {
  if (inVolume && !containerName) return [required(`${path}.containerName`)];
  if (!resource) return [required(`${path}.resource`)];
  return RESOURCES.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource) ? divisorProblems(resource, divisor, path) : [notSupported(`${path}.resource`, resource, RESOURCES)];
}
