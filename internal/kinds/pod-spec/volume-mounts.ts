// Validation of a container's mounts and block devices against the pod's volumes (upstream: ValidateVolumeMounts, ValidateVolumeDevices).
import { fieldNotFound, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import type { Container, VolumeMount } from '../generated/api-types.ts';
import { descendingPathProblems, type VolumeKinds } from './volumes.ts';

const RECURSIONS = ['Disabled', 'Enabled', 'IfPossible'];
const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];

export function validateVolumeMounts(container: Container, volumes: VolumeKinds, path: string): FieldError[] {
  const seen = new Set<string>();
  const devices = container.volumeDevices ?? [];
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const at = `${path}[${String(index)}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(`${at}.name`));
    if (!volumes.has(mount.name)) errors.push(fieldNotFound(`${at}.name`, mount.name ?? ''));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    if (seen.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    seen.add(mount.mountPath);
    if (devices.some(({ name }) => name === mount.name)) errors.push(invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices'));
    if (devices.some(({ devicePath }) => devicePath === mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'));
    return [...errors, ...validateMountDetails(mount, { path, at, privileged: container.securityContext?.privileged === true })];
  });
}

function validateMountDetails(mount: VolumeMount, { path, at, privileged }: { path: string; at: string; privileged: boolean }): FieldError[] {
  const { subPath, subPathExpr, mountPropagation, recursiveReadOnly, readOnly } = mount;
  const errors: FieldError[] = [];
  if (subPath) errors.push(...descendingPathProblems(subPath).map((problem) => invalid(`${path}.subPath`, subPath, problem)));
  if (subPathExpr) {
    if (subPath) errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    errors.push(...descendingPathProblems(subPathExpr).map((problem) => invalid(`${path}.subPathExpr`, subPathExpr, problem)));
  }
  if (mountPropagation !== undefined) {
    if (!PROPAGATIONS.includes(mountPropagation)) errors.push(notSupported(`${path}.mountPropagation`, mountPropagation, PROPAGATIONS));
    else if (mountPropagation === 'Bidirectional' && !privileged) errors.push(forbidden(`${path}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers'));
  }
  if (recursiveReadOnly !== undefined && !RECURSIONS.includes(recursiveReadOnly)) errors.push(notSupported(`${path}.recursiveReadOnly`, recursiveReadOnly, RECURSIONS));
  if (recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible') {
    if (readOnly !== true) errors.push(forbidden(`${path}.recursiveReadOnly`, 'may only be specified when readOnly is true'));
    if (mountPropagation !== undefined && mountPropagation !== 'None') errors.push(forbidden(`${path}.recursiveReadOnly`, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}

export function validateVolumeDevices(container: Container, volumes: VolumeKinds, path: string): FieldError[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounted = new Map((container.volumeMounts ?? []).map(({ name, mountPath }) => [name, mountPath]));
  const mountPaths = new Set(mounted.values());
  return (container.volumeDevices ?? []).flatMap(({ name = '', devicePath = '' }: { name?: string; devicePath?: string }, index) => {
    const at = `${path}[${String(index)}]`;
    const errors: FieldError[] = [];
    const kind = volumes.get(name);
    if (!name) errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'));
    names.add(name);
    if (kind === undefined) errors.push(fieldNotFound(`${at}.name`, name));
    else if (kind !== 'persistentVolumeClaim' && kind !== 'ephemeral') errors.push(invalid(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'));
    if (!devicePath) errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    paths.add(devicePath);
    if (devicePath.split('/').includes('..')) errors.push(invalid(`${at}.devicePath`, devicePath, 'must not contain \'..\''));
    if (mounted.has(name)) errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    if (mountPaths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    return errors;
  });
}
