// The mounts of a container: its volumes (subPath resolved safely), /etc/hosts, and the file for its termination message.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Container, Pod, VolumeMount } from '../../../internal/kinds/generated/api-types.ts';
import type { ContainerConfig, Mount } from '../../runtime/runtime.ts';
import { expand, unresolved } from '../environment/expansion.ts';
import { podDirectory, subPathsDirectory, type NodeContext } from '../node-context.ts';
import { hostsFile } from '../pod-names.ts';
import { checkAnswers } from '../volumes/remote.ts';
import { hasVolume } from '../volumes/index.ts';
import { bindSubPath } from '../volumes/sub-path.ts';
import type { MountedVolume } from '../volumes/volume.ts';

export interface ContainerMounts {
  mounts: Mount[];
  /** Volumes that are block devices. */
  devices: ContainerConfig['devices'];
  /** Host file of the termination message. */
  messageFile: string;
}

export interface MountInput {
  pod: Pod;
  container: Container;
  volumes: readonly MountedVolume[];
  podIps: readonly string[];
  lookup(name: string): string | undefined;
}

export async function containerMounts(input: MountInput, node: NodeContext): Promise<ContainerMounts> {
  const { pod, container } = input;
  const mounts: Mount[] = [];
  await checkAnswers(...pathsElsewhere(input));
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) mounts.push(await volumeMount(mount, index, input, node));
  const ownHosts = (container.volumeMounts ?? []).some(({ mountPath }) => mountPath.replace(/\/+$/, '') === '/etc/hosts');
  if (!ownHosts) mounts.push({ containerPath: '/etc/hosts', hostPath: writeHosts(input, node), readOnly: false, propagation: 'None' });
  const messageFile = makeMessageFile(pod, container, node);
  mounts.push({ containerPath: container.terminationMessagePath ?? '/dev/termination-log', hostPath: messageFile, readOnly: false, propagation: 'None' });
  return { mounts, devices: (container.volumeDevices ?? []).map((device) => blockDevice(device, input)), messageFile };
}

/** Of the container's volumes those that another machine may serve. */
function pathsElsewhere({ pod, container, volumes }: MountInput): string[] {
  const may = (pod.spec.volumes ?? []).filter(({ nfs, csi, persistentVolumeClaim, ephemeral, hostPath }) => [nfs, csi, persistentVolumeClaim, ephemeral, hostPath].some((source) => source !== undefined));
  return volumes.filter(({ name, block }) => block !== true && may.some((volume) => volume.name === name) && hasVolume(container, name)).map(({ hostPath }) => hostPath);
}

function blockDevice({ name, devicePath }: NonNullable<Container['volumeDevices']>[number], { container, volumes }: MountInput): ContainerConfig['devices'][number] {
  if (!devicePath.startsWith('/')) throw new Error(`error DevicePath \`${devicePath}\` must be an absolute path`);
  const volume = volumes.find((candidate) => candidate.name === name);
  if (volume?.block !== true) throw new Error(`cannot find volume ${JSON.stringify(name)} to pass into container ${JSON.stringify(container.name)}`);
  return { hostPath: volume.hostPath, containerPath: devicePath, permissions: volume.readOnly ? 'r' : 'mrw' };
}

async function volumeMount(mount: VolumeMount, index: number, { pod, container, volumes, lookup }: MountInput, node: NodeContext): Promise<Mount> {
  const volume = volumes.find(({ name }) => name === mount.name);
  if (volume === undefined) throw new Error(`cannot find volume "${mount.name}" to mount into container`);
  const readOnly = mount.readOnly === true || volume.readOnly;
  const recursive = isRecursivelyReadOnly(mount, node);
  const shared = { containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : join('/', mount.mountPath), readOnly, ...(recursive && { recursiveReadOnly: true }), propagation: mount.mountPropagation ?? 'None' } as const;
  const subPath = subPathOf(mount, lookup);
  if (volume.image !== undefined) return { ...shared, hostPath: '', image: volume.image, ...(subPath !== '' && { imageSubPath: subPath }) };
  if (subPath === '') return { ...shared, hostPath: volume.hostPath };
  const hostPath = join(subPathsDirectory(node, pod.metadata.uid), mount.name, container.name, String(index));
  const what = existsSync(join(volume.hostPath, subPath)) ? 'prepare subPath' : 'create subPath directory';
  await bindSubPath(volume.hostPath, subPath, hostPath).catch((error: unknown) => {
    // The reason is for the node's log alone, as with upstream: it names the node's folders.
    node.log.warn(`failed to ${what}`, { pod: pod.metadata.name, container: container.name, volume: mount.name, error: messageOf(error) });
    throw new Error(`failed to ${what} for volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(container.name)}`, { cause: error });
  });
  return { ...shared, hostPath };
}

function isRecursivelyReadOnly({ name, readOnly, recursiveReadOnly: mode = 'Disabled', mountPropagation = 'None' }: VolumeMount, { runtime }: NodeContext): boolean {
  if (mode === 'Disabled') return false;
  const asked = `volume ${JSON.stringify(name)} requested recursive read-only mode, but it is not`;
  if (readOnly !== true) throw new Error(`${asked} read-only`);
  if (mountPropagation !== 'None') throw new Error(`${asked} compatible with propagation ${JSON.stringify(mountPropagation)}`);
  const can = runtime.handlers().find((handler) => handler.name === '')?.recursiveReadOnlyMounts === true;
  if (!can && mode === 'Enabled') throw new Error(`${asked} supported by the runtime`);
  return can;
}

function subPathOf({ subPath = '', subPathExpr = '' }: VolumeMount, lookup: MountInput['lookup']): string {
  if (subPathExpr === '') return subPath;
  const missing = unresolved(subPathExpr, lookup);
  if (missing.length > 0) throw new Error(`missing value for ${missing[0] ?? ''}`);
  const path = expand(subPathExpr, lookup);
  if (path.startsWith('/')) throw new Error(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..')) throw new Error(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

function writeHosts({ pod, podIps }: MountInput, node: NodeContext): string {
  const path = join(podDirectory(node, pod.metadata.uid), 'etc-hosts');
  writeFileSync(path, hostsFile(pod, podIps, node.dns.clusterDomain), { mode: 0o644 });
  return path;
}

function makeMessageFile(pod: Pod, container: Container, node: NodeContext): string {
  const directory = join(podDirectory(node, pod.metadata.uid), 'containers', container.name);
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const path = join(directory, node.random.bytes(4).toString('hex'));
  writeFileSync(path, '');
  chmodSync(path, 0o666); // any user of the container may write its last words
  return path;
}
