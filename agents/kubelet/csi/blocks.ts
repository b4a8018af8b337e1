// Volumes that are block devices: the driver puts the device (or a link or a mount of it) at a path of ours, which the container's device is made from.
import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '../../../internal/base/command.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { namesIn } from '../../../internal/base/files.ts';
import { attachmentName } from '../../../internal/kinds/storage/csi-names.ts';
import type { CSIDriver, PersistentVolume } from '../../../internal/kinds/generated/api-types.ts';
import { isMounted } from '../volumes/mount-table.ts';
import { MountError, type VolumeContext } from '../volumes/volume.ts';
import { isFinal, volumeCapability, type Driver } from './driver.ts';
import { makeStaging, type Device } from './devices.ts';
import type { Place, Published } from './file-systems.ts';
import { blockPlaces, linkDirectory, blockVolumes, writeData } from './places.ts';
import { secretValues, withPodInfo } from './publishing.ts';

type Source = NonNullable<PersistentVolume['spec']['csi']>;

export interface BlockOptions {
  volume: PersistentVolume;
  object: CSIDriver | undefined;
  publishContext: Record<string, string>;
  context: VolumeContext;
  place: Place;
  readOnly: boolean;
}

export async function publishBlock(driver: Driver, device: Device, options: BlockOptions): Promise<Published> {
  const { volume, place, context } = options;
  const { name } = volume.metadata;
  const places = blockPlaces(place.root, name);
  writeData(places.data, { specVolID: name, volumeHandle: device.handle, driverName: device.driver, nodeName: place.nodeName, attachmentID: attachmentName({ driver: device.driver, handle: device.handle, node: place.nodeName }) });
  const staging = await stage(driver, device, options).catch((error: unknown) => {
    throw new MountError('FailedMapVolume', `MapVolume.SetUpDevice failed for volume ${JSON.stringify(name)} : ${messageOf(error)}`, { cause: error });
  });
  const path = await publish(driver, device, options).catch((error: unknown) => {
    throw new MountError('FailedMapVolume', `MapVolume.MapPodDevice failed for volume ${JSON.stringify(name)} : ${messageOf(error)}`, { cause: error });
  });
  await map(path, { mapped: places.mapped(context.pod.metadata.uid), link: join(linkDirectory(context.podDirectory), name) });
  return { path: join(linkDirectory(context.podDirectory), name), staging };
}

async function stage(driver: Driver, device: Device, { volume, publishContext, context, place }: BlockOptions): Promise<string | undefined> {
  if (!(await driver.can('stageUnstage'))) return undefined;
  const path = blockPlaces(place.root, volume.metadata.name).staging;
  if (device.staged) return path;
  const source = volume.spec.csi as Source;
  const secrets = await secretValues(context.objects, source.nodeStageSecretRef, 'NodeStageSecretRef');
  makeStaging(path);
  await driver.stage({ volumeId: device.handle, publishContext, stagingTargetPath: path, volumeCapability: await volumeCapability(driver, { block: true, accessModes: volume.spec.accessModes }), secrets, volumeContext: source.volumeAttributes ?? {} });
  device.staged = true;
  return path;
}

async function publish(driver: Driver, device: Device, { volume, object, publishContext, context, place, readOnly }: BlockOptions): Promise<string> {
  const source = volume.spec.csi as Source;
  const places = blockPlaces(place.root, volume.metadata.name);
  const path = places.publish(context.pod.metadata.uid);
  const secrets = await secretValues(context.objects, source.nodePublishSecretRef, 'NodePublishSecretRef');
  const asked = await withPodInfo({ context: source.volumeAttributes ?? {}, secrets }, { object: withoutTokens(object), pod: context.pod, mode: 'Persistent', tokens: context.tokens });
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  try {
    await driver.publish({
      volumeId: device.handle, publishContext, stagingTargetPath: places.staging, targetPath: path, volumeCapability: await volumeCapability(driver, { block: true, accessModes: volume.spec.accessModes }),
      readonly: readOnly, secrets: asked.secrets, volumeContext: asked.context,
    });
  } catch (error) {
    if (isFinal(error) && !isMounted(path)) rmSync(path, { recursive: true, force: true });
    throw error;
  }
  return path;
}

/** Drivers get tokens for file systems only, as upstream. */
function withoutTokens(object: CSIDriver | undefined): CSIDriver | undefined {
  return object === undefined ? undefined : { ...object, spec: { ...object.spec, tokenRequests: [] } };
}

/** The device by both names under which others look for it: bound below the volume, linked below the pod. */
async function map(path: string, { mapped, link }: { mapped: string; link: string }): Promise<void> {
  const device = realpathSync(path);
  if (!lstatSync(device).isBlockDevice()) throw new MountError('FailedMapVolume', `MapVolume failed: ${device}, which the driver published, is not a block device`);
  mkdirSync(dirname(mapped), { recursive: true, mode: 0o750 });
  if (!isMounted(mapped)) {
    writeFileSync(mapped, '');
    await command('mount', ['--bind', device, mapped]);
  }
  mkdirSync(dirname(link), { recursive: true, mode: 0o750 });
  rmSync(link, { force: true });
  symlinkSync(device, link);
}

/** Names of volumes that the pod has, or has the beginning of. */
export function blocksOf(root: string, podUid: string, podDirectory: string): string[] {
  const begun = blockVolumes(root).filter((name) => existsSync(blockPlaces(root, name).mapped(podUid)) || existsSync(blockPlaces(root, name).publish(podUid)));
  return [...new Set([...namesIn(linkDirectory(podDirectory)), ...begun])];
}

export async function unpublishBlock(driver: Driver, { root, volume, handle, podUid, podDirectory }: { root: string; volume: string; handle: string; podUid: string; podDirectory: string }): Promise<void> {
  const places = blockPlaces(root, volume);
  const mapped = places.mapped(podUid);
  if (isMounted(mapped)) await command('umount', [mapped]);
  rmSync(mapped, { force: true });
  rmSync(join(linkDirectory(podDirectory), volume), { force: true });
  const path = places.publish(podUid);
  try {
    await driver.unpublish({ volumeId: handle, targetPath: path });
  } catch (error) {
    throw new Error(`kubernetes.io/csi: blockMapper.unpublishVolumeForBlock failed: ${messageOf(error)}`, { cause: error });
  }
  if (!isMounted(path)) rmSync(path, { recursive: true, force: true });
}
