// Volumes that are file systems: staged once on the node, published to each pod.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../../../internal/base/errors.ts';
import { attachmentName, inlineHandle } from '../../../internal/kinds/storage/csi-names.ts';
import type { CSIDriver, PersistentVolume, Volume } from '../../../internal/kinds/generated/api-types.ts';
import { applyFsGroupToClaim } from '../volumes/ownership.ts';
import { MountError, type VolumeContext } from '../volumes/volume.ts';
import { isFinal, volumeCapability, type Driver } from './driver.ts';
import { makeStaging, type Device } from './devices.ts';
import { publishedDirectory, removePlace, stagingPath, writeData } from './places.ts';
import { checkMode, ownsByGroup, secretValues, withPodInfo, type LifecycleMode } from './publishing.ts';

type Source = NonNullable<PersistentVolume['spec']['csi']>;

export interface Published {
  path: string;
  staging: string | undefined;
}

export interface Place {
  root: string;
  nodeName: string;
}

/** Staged already is no reason not to say it again: the call is idempotent, and the last life of the node may have ended in the middle of it. */
export async function stageFileSystem(driver: Driver, device: Device, { volume, publishContext, context, place }: { volume: PersistentVolume; publishContext: Record<string, string>; context: VolumeContext; place: Place }): Promise<string | undefined> {
  if (!(await driver.can('stageUnstage'))) return undefined;
  const path = stagingPath(place.root, device.driver, device.handle);
  if (device.staged) return path;
  const source = volume.spec.csi as Source;
  const secrets = await secretValues(context.objects, source.nodeStageSecretRef, 'NodeStageSecretRef');
  const fsGroup = (await driver.can('volumeMountGroup')) ? context.fsGroup : undefined;
  const access = await volumeCapability(driver, { block: false, accessModes: volume.spec.accessModes, fsType: source.fsType, mountOptions: volume.spec.mountOptions, fsGroup });
  makeStaging(path);
  writeData(dirname(path), { volumeHandle: device.handle, driverName: device.driver });
  try {
    await driver.stage({ volumeId: device.handle, publishContext, stagingTargetPath: path, volumeCapability: access, secrets, volumeContext: source.volumeAttributes ?? {} });
  } catch (error) {
    if (isFinal(error)) removePlace(path);
    throw new MountError('FailedMount', `MountVolume.MountDevice failed for volume ${JSON.stringify(volume.metadata.name)} : ${messageOf(error)}`, { cause: error });
  }
  device.staged = true;
  return path;
}

export interface PublishOptions {
  object: CSIDriver | undefined;
  context: VolumeContext;
  place: Place;
  readOnly: boolean;
  /** It was published before in this life: what the pod sees stays, whatever goes wrong. */
  again: boolean;
}

export async function publishVolume(driver: Driver, device: Device, options: PublishOptions & { volume: PersistentVolume; staging: string | undefined; publishContext: Record<string, string> }): Promise<Published> {
  const { volume, staging, publishContext, object } = options;
  const source = volume.spec.csi as Source;
  checkMode(object, 'Persistent', driver.name);
  return publish(driver, {
    ...options, name: volume.metadata.name, handle: device.handle, mode: 'Persistent', fsType: source.fsType ?? '', attributes: source.volumeAttributes ?? {}, accessModes: volume.spec.accessModes,
    mountOptions: volume.spec.mountOptions, secrets: await secretValues(options.context.objects, source.nodePublishSecretRef, 'NodePublishSecretRef'), staging, publishContext,
  });
}

/** A volume that lives as long as the pod, made and removed by these two calls alone. */
export async function publishInline(driver: Driver, volume: Volume, options: PublishOptions): Promise<Published> {
  const { object, context: { pod, objects } } = options;
  const { csi } = volume;
  checkMode(object, 'Ephemeral', driver.name);
  const reference = csi?.nodePublishSecretRef === undefined ? undefined : { ...csi.nodePublishSecretRef, namespace: pod.metadata.namespace ?? '' };
  return publish(driver, {
    ...options, volume: undefined, name: volume.name, handle: inlineHandle(pod.metadata.uid, volume.name), mode: 'Ephemeral', fsType: csi?.fsType ?? '', attributes: csi?.volumeAttributes ?? {}, accessModes: undefined,
    mountOptions: undefined, secrets: await secretValues(objects, reference, 'NodePublishSecretRef'), staging: undefined, publishContext: {},
  });
}

interface Publication extends PublishOptions {
  volume: PersistentVolume | undefined;
  name: string;
  handle: string;
  mode: LifecycleMode;
  fsType: string;
  attributes: Record<string, string>;
  accessModes: readonly string[] | undefined;
  mountOptions: readonly string[] | undefined;
  secrets: Record<string, string>;
  staging: string | undefined;
  publishContext: Record<string, string>;
}

async function publish(driver: Driver, publication: Publication): Promise<Published> {
  const { context: { pod, podDirectory, tokens, fsGroup }, handle, name, mode, readOnly, object, staging } = publication;
  const folder = join(publishedDirectory(podDirectory), name);
  const path = join(folder, 'mount');
  const asked = await withPodInfo({ context: publication.attributes, secrets: publication.secrets }, { object, pod, mode, tokens });
  const access = await volumeCapability(driver, { ...publication, block: false, fsGroup: (await driver.can('volumeMountGroup')) ? fsGroup : undefined });
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const { nodeName } = publication.place;
  writeData(folder, { specVolID: name, volumeHandle: handle, driverName: driver.name, nodeName, volumeLifecycleMode: mode, attachmentID: attachmentName({ driver: driver.name, handle, node: nodeName }) });
  try {
    await driver.publish({ volumeId: handle, publishContext: publication.publishContext, stagingTargetPath: staging ?? '', targetPath: path, volumeCapability: access, readonly: readOnly, secrets: asked.secrets, volumeContext: asked.context });
  } catch (error) {
    if (isFinal(error) && !publication.again) removePlace(path);
    throw error;
  }
  if (await ownsByGroup(driver, publication)) await applyFsGroupToClaim(path, publication.context);
  return { path, staging };
}

/** Everything that the pod has: its folders tell, also of what an earlier life published. */
export async function unpublishFileSystem(driver: Driver, folder: string, handle: string): Promise<void> {
  const path = join(folder, 'mount');
  try {
    await driver.unpublish({ volumeId: handle, targetPath: path });
    removePlace(path);
  } catch (error) {
    throw new Error(`kubernetes.io/csi: Unmounter.TearDownAt failed: ${messageOf(error)}`, { cause: error });
  }
}
