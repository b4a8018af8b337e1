// CSI on this node: drivers that register, volumes that pods have from them. Loaded when the first driver registers or the first such volume is met.
//
//   pod's volume ─► in use (Node.status) ─► attached? ─► NodeStageVolume ─► NodePublishVolume ─► container
//   pod ends     ─► NodeUnpublishVolume ─► last one? ─► NodeUnstageVolume ─► not in use (may be detached)
import { join } from 'node:path';
import { messageOf } from '../../../internal/base/errors.ts';
import { namesIn } from '../../../internal/base/files.ts';
import { attachedVolumeName, inlineHandle } from '../../../internal/kinds/storage/csi-names.ts';
import type { PersistentVolume, Volume } from '../../../internal/kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES } from '../../../internal/kinds/generated/resources.ts';
import { podDirectory, type NodeContext } from '../node-context.ts';
import { isMounted } from '../volumes/mount-table.ts';
import { MountError, type Bound, type Csi, type MountedVolume, type VolumeContext } from '../volumes/volume.ts';
import { AttachTimeout, waitForAttachment } from './attachment.ts';
import { blocksOf, publishBlock, unpublishBlock } from './blocks.ts';
import { createDevices, type Device } from './devices.ts';
import { createDrivers } from './drivers.ts';
import { createRooms } from './rooms.ts';
import { expandOnNode, waitsForNode, type Expandable } from './expansion.ts';
import { publishInline, publishVolume, stageFileSystem, unpublishFileSystem, type Place, type Published } from './file-systems.ts';
import type { NodeInfo } from './node-info.ts';
import { blockPlaces, publishedDirectory, readData, removePlace } from './places.ts';
import { driverObject, isAttachable } from './publishing.ts';
import { volumeStats } from './stats.ts';

interface Mount extends Expandable {
  podUid: string;
  name: string;
  driver: string;
  handle: string;
  claim?: string;
  device?: Device;
  republish: boolean;
}

const REPUBLISH_MS = 60_000;

export function createCsi(node: NodeContext, { nodeInfo, changed }: { nodeInfo: NodeInfo; changed(): void }): Csi {
  const { kubeletDir: root, nodeName, clock, log, objects } = node;
  const place: Place = { root, nodeName };
  const drivers = createDrivers({ clock, nodeInfo, 
    came(name) {
      devices.driverCame(name);
      rooms.follow(name);
    },
  });
  const rooms = createRooms(node, drivers);
  const devices = createDevices({ root, drivers, clock, log, changed });
  const mounts = new Map<string, Mount>();
  const keyOf = (podUid: string, volume: string): string => `${podUid}/${volume}`;
  let isRestored = false;
  const restored = devices.restore(async (driver) => isAttachable(await driverObject(objects, driver))).then(() => {
    isRestored = true;
    changed();
  });
  const ends = [
    objects.onChange(PERSISTENTVOLUMECLAIMS, (namespace, name) => grow(({ volume }) => volume.spec.claimRef?.namespace === namespace && volume.spec.claimRef.name === name)),
    objects.onChange(PERSISTENTVOLUMES, (_namespace, name) => grow(({ volume }) => volume.metadata.name === name)),
  ];

  function driverOf(name: string, what: string): ReturnType<typeof drivers.get> {
    try {
      return drivers.get(name);
    } catch (error) {
      throw new Error(`kubernetes.io/csi: ${what} failed to get CSI client: ${messageOf(error)}`, { cause: error });
    }
  }

  async function mountClaimed(bound: Bound, context: VolumeContext): Promise<MountedVolume> {
    const { volume, claim, source, readOnly } = bound;
    const { driver = '', volumeHandle: handle = '' } = source.spec.csi ?? {};
    const { uid: podUid } = context.pod.metadata;
    const block = source.spec.volumeMode === 'Block';
    await restored;
    const object = await driverObject(objects, driver);
    if (source.spec.accessModes?.join() === 'ReadWriteOncePod' && [...devices.usersOf(attachedVolumeName(driver, handle))].some((user) => user !== podUid)) throw new Error('volume uses the ReadWriteOncePod access mode and is already in use by another pod');
    const device = devices.take({ driver, handle, volume: source.metadata.name, block, attachable: isAttachable(object) }, podUid);
    const publishContext = device.attachable ? await attached(device, context) : {};
    const client = driverOf(driver, block ? 'blockMapper.SetUpDevice' : 'mounter.SetUpAt');
    const again = mounts.get(keyOf(podUid, volume.name))?.published !== undefined;
    const published = await devices.exclusively(device, async (): Promise<Published> => {
      if (block) return publishBlock(client, device, { volume: source, object, publishContext, context, place, readOnly });
      const staging = await stageFileSystem(client, device, { volume: source, publishContext, context, place });
      return publishVolume(client, device, { object, volume: source, staging, publishContext, context, place, readOnly, again });
    });
    const republish = object?.spec.requiresRepublish === true && !block;
    const mount: Mount = { podUid, name: volume.name, driver, handle, claim: claim.metadata.name, device, republish, pod: context.pod, volume: source, published, readOnly };
    mounts.set(keyOf(podUid, volume.name), mount);
    await expand(mount);
    return { name: volume.name, hostPath: published.path, readOnly, claim: claim.metadata.name, ...(block && { block }), stats: 'csi', ...(republish && { refreshAt: clock.now() + REPUBLISH_MS }) };
  }

  function attached(device: Device, context: VolumeContext): Promise<Record<string, string>> {
    return waitForAttachment(device, context.signal, node).catch(async (error: unknown) => {
      if (error instanceof AttachTimeout) await rooms.checkRoom(device, context);
      throw new MountError('FailedMount', `MountVolume.WaitForAttach failed for volume ${JSON.stringify(device.volume)} : ${messageOf(error)}`, { cause: error });
    });
  }

  async function mountInline(volume: Volume, context: VolumeContext): Promise<MountedVolume> {
    const { driver = '', readOnly = false } = volume.csi ?? {};
    const { uid: podUid } = context.pod.metadata;
    const object = await driverObject(objects, driver);
    const known = mounts.get(keyOf(podUid, volume.name));
    const published = await publishInline(driverOf(driver, 'mounter.SetUpAt'), volume, { object, context, place, readOnly, again: known !== undefined });
    const republish = object?.spec.requiresRepublish === true;
    mounts.set(keyOf(podUid, volume.name), { podUid, name: volume.name, driver, handle: inlineHandle(podUid, volume.name), republish, pod: context.pod, volume: NO_VOLUME, published, readOnly });
    return { name: volume.name, hostPath: published.path, readOnly, stats: 'csi', ...(republish && { refreshAt: clock.now() + REPUBLISH_MS }) };
  }

  function expand(mount: Mount): Promise<void> {
    const { device, driver } = mount;
    if (device === undefined) return Promise.resolve();
    return devices.exclusively(device, () => expandOnNode(drivers.get(driver), mount, node)).catch((error: unknown) => {
      throw new MountError('FailedMount', `MountVolume.Setup failed while expanding volume for volume ${JSON.stringify(mount.volume.metadata.name)} : ${messageOf(error)}`, { cause: error });
    });
  }

  function grow(concerns: (mount: Mount) => boolean): void {
    for (const mount of mounts.values()) if (mount.device !== undefined && concerns(mount)) void growMount(mount);
  }

  async function growMount(mount: Mount): Promise<void> {
    const { claimRef } = mount.volume.spec;
    try {
      const volume = await objects.get(PERSISTENTVOLUMES, '', mount.volume.metadata.name);
      const claim = await objects.get(PERSISTENTVOLUMECLAIMS, claimRef?.namespace ?? '', claimRef?.name ?? '');
      if (volume === undefined || claim === undefined || !mounts.has(keyOf(mount.podUid, mount.name))) return;
      mount.volume = volume;
      if (waitsForNode(claim, volume)) await expand(mount);
    } catch (error) {
      node.event(mount.pod, 'Warning', 'VolumeResizeFailed', `NodeExpandVolume.NodeExpandVolume failed for volume ${JSON.stringify(mount.volume.metadata.name)} : ${messageOf(error)}`);
    }
  }

  async function unmountAll(podUid: string): Promise<void> {
    const directory = podDirectory(node, podUid);
    await restored;
    const folder = publishedDirectory(directory);
    for (const name of namesIn(folder)) await unmountFolder(join(folder, name));
    for (const volume of blocksOf(root, podUid, directory)) {
      const data = readData(blockPlaces(root, volume).data);
      if (data !== undefined) await unpublishBlock(driverOf(data.driverName, 'blockMapper.UnmapPodDevice'), { root, volume, handle: data.volumeHandle, podUid, podDirectory: directory });
    }
    for (const [key, mount] of mounts) if (mount.podUid === podUid) mounts.delete(key);
    devices.leave(podUid);
  }

  async function unmountFolder(folder: string): Promise<void> {
    const data = readData(folder);
    if (data !== undefined) return unpublishFileSystem(driverOf(data.driverName, 'Unmounter.TearDownAt'), folder, data.volumeHandle);
    if (isMounted(join(folder, 'mount'))) throw new Error(`kubernetes.io/csi: unmounter failed to load volume data file [${folder}/mount]: it is not there`);
    removePlace(join(folder, 'mount'));
  }

  return {
    handler: drivers, mountInline, mountClaimed, unmountAll,
    volumesInUse: () => (isRestored ? devices.inUse() : undefined),
    isRepublished: (podUid, volume) => mounts.get(keyOf(podUid, volume))?.republish === true,
    stats(podUid, volume) {
      const mount = mounts.get(keyOf(podUid, volume));
      return mount === undefined || !drivers.has(mount.driver) ? Promise.resolve(undefined) : volumeStats(drivers.get(mount.driver), { handle: mount.handle, published: mount.published });
    },
    look: () => grow(() => true),
    stop() {
      for (const end of ends) end();
      devices.stop();
      rooms.stop();
      drivers.stop();
    },
  };
}

const NO_VOLUME: PersistentVolume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' }, spec: {} };
