// Volumes that are staged on this node, or about to be, and the pods that use them. A volume is worked on by one at a time; when its last pod has left it, it
// is unstaged, for as long as that takes, and only then is it no longer in use: what is in use is not detached (Node.status.volumesInUse). What an
// earlier life of Skiff staged is found by what it wrote down.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { namesIn } from '../../../internal/base/files.ts';
import { createTurns } from '../../../internal/base/limit.ts';
import type { Log } from '../../../internal/base/log.ts';
import { attachedVolumeName } from '../../../internal/kinds/storage/csi-names.ts';
import { mountPointsUnder } from '../volumes/mount-table.ts';
import type { Drivers } from './drivers.ts';
import { blockPlaces, blockVolumes, publishedDirectory, readData, removePlace, stagedFolders, stagingPath } from './places.ts';

export interface DeviceSource {
  driver: string;
  handle: string;
  /** Name of the PersistentVolume. */
  volume: string;
  block: boolean;
  attachable: boolean;
}

export interface Device extends DeviceSource {
  name: string;
  /** Uids of pods. */
  users: Set<string>;
  /** In this life. */
  staged: boolean;
  retry?: Timer;
  delayMs: number;
}

export interface Devices {
  take(source: DeviceSource, podUid: string): Device;
  /** Waits for its turn. */
  exclusively<T>(device: Device, work: () => Promise<T>): Promise<T>;
  /** The pod has none of them any more. */
  leave(podUid: string): void;
  usersOf(name: string): ReadonlySet<string>;
  /** Attachable ones. */
  inUse(): string[];
  restore(isAttachable: (driver: string) => Promise<boolean>): Promise<void>;
  /** What waited for this driver is tried at once. */
  driverCame(driver: string): void;
  stop(): void;
}

export interface DevicesOptions {
  root: string;
  drivers: Drivers;
  clock: Clock;
  log: Log;
  /** What is in use has changed. */
  changed(): void;
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 122_000;

export function createDevices({ root, drivers, clock, log, changed }: DevicesOptions): Devices {
  const devices = new Map<string, Device>();
  const turns = createTurns();
  let stopped = false;

  const exclusively = <T>({ name }: Device, work: () => Promise<T>): Promise<T> => turns(name, work);

  function add(source: DeviceSource): Device {
    const name = attachedVolumeName(source.driver, source.handle);
    const known = devices.get(name);
    if (known !== undefined) return Object.assign(known, { volume: source.volume, attachable: source.attachable });
    const device: Device = { ...source, name, users: new Set(), staged: false, delayMs: RETRY_FIRST_MS };
    devices.set(name, device);
    return device;
  }

  function release(device: Device): void {
    device.retry?.cancel();
    exclusively(device, async () => {
      if (stopped || device.users.size > 0 || devices.get(device.name) !== device) return;
      await unstage(device, root, drivers);
      devices.delete(device.name);
      changed();
    }).catch((error: unknown) => {
      log.warn('volume could not be unstaged', { volume: device.name, error: messageOf(error) });
      if (stopped) return;
      device.retry = clock.setTimer(device.delayMs, () => release(device));
      device.delayMs = Math.min(device.delayMs * 2, RETRY_MAX_MS);
    });
  }

  return {
    take(source, podUid) {
      const before = devices.has(attachedVolumeName(source.driver, source.handle));
      const device = add(source);
      device.retry?.cancel();
      device.users.add(podUid);
      if (!before) changed();
      return device;
    },
    exclusively,
    leave(podUid) {
      for (const device of devices.values()) if (device.users.delete(podUid) && device.users.size === 0) release(device);
    },
    usersOf: (name) => devices.get(name)?.users ?? new Set(),
    inUse: () => [...devices.values()].filter(({ attachable }) => attachable).map(({ name }) => name).sort(),
    async restore(isAttachable) {
      for (const { user, ...source } of leftBehind(root)) {
        const device = add({ ...source, attachable: await isAttachable(source.driver).catch(() => true) });
        if (user !== undefined) device.users.add(user);
      }
      for (const device of devices.values()) if (device.users.size === 0) release(device);
    },
    driverCame(driver) {
      for (const device of devices.values()) if (device.driver === driver && device.users.size === 0) release(device);
    },
    stop() {
      stopped = true;
      for (const { retry } of devices.values()) retry?.cancel();
    },
  };
}

/** Once for each pod that has it; once without a pod where none has. */
function leftBehind(root: string): (Omit<DeviceSource, 'attachable'> & { user?: string })[] {
  const staged = stagedFolders(root).flatMap((folder) => readData(folder) ?? []).map(({ driverName, volumeHandle }) => ({ driver: driverName, handle: volumeHandle, volume: '', block: false }));
  const published = namesIn(join(root, 'pods')).flatMap((user) => {
    const folder = publishedDirectory(join(root, 'pods', user));
    const all = namesIn(folder).flatMap((name) => readData(join(folder, name)) ?? []).filter(({ volumeLifecycleMode }) => volumeLifecycleMode !== 'Ephemeral');
    return all.map(({ driverName, volumeHandle, specVolID = '' }) => ({ driver: driverName, handle: volumeHandle, volume: specVolID, block: false, user }));
  });
  const blocks = blockVolumes(root).flatMap((volume) => {
    const places = blockPlaces(root, volume);
    const data = readData(places.data);
    if (data === undefined) return [];
    const device = { driver: data.driverName, handle: data.volumeHandle, volume, block: true };
    return [device, ...namesIn(places.publishParent).map((user) => ({ ...device, user }))];
  });
  return [...staged, ...published, ...blocks];
}

async function unstage(device: Device, root: string, drivers: Drivers): Promise<void> {
  const { block, driver: name, handle, volume } = device;
  const path = block ? blockPlaces(root, volume).staging : stagingPath(root, name, handle);
  const wasStaged = block ? existsSync(path) : readData(dirname(path)) !== undefined;
  if (!wasStaged && !block) return;
  const driver = drivers.get(name);
  if (wasStaged && (await driver.can('stageUnstage'))) {
    if (!block) checkUnreferenced(path, root);
    await driver.unstage({ volumeId: handle, stagingTargetPath: path });
  }
  device.staged = false;
  if (!block) return removePlace(path);
  removeBlockPlaces(root, volume);
}

/** A pod's folder that still shows the file system keeps it. */
function checkUnreferenced(path: string, root: string): void {
  const inside = mountPointsUnder(path).filter((point) => point !== path);
  if (inside.length > 0) throw new Error(`the device mount path ${JSON.stringify(path)} is still mounted by other references [${inside.join(' ')}] (${root})`);
}

function removeBlockPlaces(root: string, volume: string): void {
  const { staging, publishParent, all } = blockPlaces(root, volume);
  for (const point of [...mountPointsUnder(staging), ...mountPointsUnder(all)]) throw new Error(`${point} is still mounted`);
  rmSync(staging, { recursive: true, force: true });
  if (namesIn(publishParent).length === 0) rmSync(publishParent, { recursive: true, force: true });
  rmSync(all, { recursive: true, force: true });
}

export function makeStaging(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o750 });
}
