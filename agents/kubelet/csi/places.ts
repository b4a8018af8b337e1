// Where things of CSI volumes lie, in the same places and with the same files as on any Kubernetes node (upstream: pkg/volume/csi): drivers know the paths
// that they were given, and a node that changes its kubelet finds what the other left.
//
//   <root>/plugins/kubernetes.io/csi/<driver>/<sha256 of the handle>/{globalmount,vol_data.json}                  staged file system
//   <root>/plugins/kubernetes.io/csi/volumeDevices/{staging/<pv>,publish/<pv>/<pod>,<pv>/dev/<pod>,<pv>/data}     block volume
//   <root>/pods/<pod>/volumes/kubernetes.io~csi/<name>/{mount,vol_data.json}                                      published file system
//   <root>/pods/<pod>/volumeDevices/kubernetes.io~csi/<pv>                                                       link to the block device
import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isErrno } from '../../../internal/base/errors.ts';
import { namesIn } from '../../../internal/base/files.ts';
import { isMounted } from '../volumes/mount-table.ts';

const PLUGIN = 'kubernetes.io/csi';
const ESCAPED = 'kubernetes.io~csi';
const DATA_FILE = 'vol_data.json';

/** What is written down before a driver is called, so that whoever comes after can undo it. */
export interface VolumeData {
  driverName: string;
  volumeHandle: string;
  specVolID?: string;
  nodeName?: string;
  attachmentID?: string;
  volumeLifecycleMode?: string;
}

function pluginDirectory(root: string): string {
  return join(root, 'plugins', PLUGIN);
}

export function stagingPath(root: string, driver: string, handle: string): string {
  return join(pluginDirectory(root), driver, hash('sha256', handle), 'globalmount');
}

export function publishedDirectory(podDirectory: string): string {
  return join(podDirectory, 'volumes', ESCAPED);
}

export function linkDirectory(podDirectory: string): string {
  return join(podDirectory, 'volumeDevices', ESCAPED);
}

export interface BlockPlaces {
  staging: string;
  publishParent: string;
  publish(podUid: string): string;
  mapped(podUid: string): string;
  data: string;
  all: string;
}

export function blockPlaces(root: string, volume: string): BlockPlaces {
  const devices = join(pluginDirectory(root), 'volumeDevices');
  const all = join(devices, volume);
  const publishParent = join(devices, 'publish', volume);
  return { staging: join(devices, 'staging', volume), publishParent, publish: (uid) => join(publishParent, uid), mapped: (uid) => join(all, 'dev', uid), data: join(all, 'data'), all };
}

/** Names of PersistentVolumes that are here as block devices. */
export function blockVolumes(root: string): string[] {
  return namesIn(join(pluginDirectory(root), 'volumeDevices')).filter((name) => name !== 'staging' && name !== 'publish');
}

/** Folders of staged file systems. */
export function stagedFolders(root: string): string[] {
  const drivers = namesIn(pluginDirectory(root)).filter((name) => name !== 'volumeDevices');
  return drivers.flatMap((driver) => namesIn(join(pluginDirectory(root), driver)).map((name) => join(pluginDirectory(root), driver, name)));
}

export function writeData(folder: string, data: VolumeData): void {
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  writeFileSync(join(folder, DATA_FILE), `${JSON.stringify(data)}\n`);
}

/** undefined: nothing was written down there, or only the beginning of it. */
export function readData(folder: string): VolumeData | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, DATA_FILE), 'utf8')) as VolumeData;
  } catch (error) {
    if (error instanceof SyntaxError || isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The mount point with what was written about it. What is still mounted stays, and all of it. */
export function removePlace(path: string): void {
  if (isMounted(path)) return;
  removeEmpty(path);
  rmSync(join(dirname(path), DATA_FILE), { force: true });
  removeEmpty(dirname(path));
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') rmSync(path);
    else if (code !== 'ENOENT') throw error;
  }
}
