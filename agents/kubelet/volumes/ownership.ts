// fsGroup: everything in a volume belongs to the group and is open to it (read-write, or read-only), directories pass the group on.
// Whoever has the volume may change it meanwhile: an entry is reached from its folder's own descriptor and changed by one of its own, so that no link put
// in a path's place is ever followed. Folders are changed after what is in them, the root last: by the root alone a later look knows that all was done.
import { chmodSync, chownSync, closeSync, constants, fstatSync, lchownSync, lstatSync, opendirSync, openSync, type Dir, type Stats } from 'node:fs';
import { isErrno } from '../../../internal/base/errors.ts';
import { afterReady, type Clock } from '../../../internal/base/clock.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import type { VolumeContext } from './volume.ts';

export interface OwnershipOptions {
  readOnly: boolean;
  /** Leave all as it is when the volume's root is right already (fsGroupChangePolicy OnRootMismatch). */
  onRootMismatch?: boolean;
}

export interface Patience {
  clock: Pick<Clock, 'monotonicMs'>;
  /** Ends the walk between two entries, with its reason. Nothing is undone, and the root is not as if all had been done. */
  signal: AbortSignal;
}

const O_PATH = 0o10000000;
/** What others wait for at most, but for one call to a slow disk. */
const SLICE_MS = 4;
const SLICE_ENTRIES = 1000;
const READ_AT_ONCE = 64;
/** Folders in folders: as many as the longest path has parts. More would only hold descriptors. */
const DEPTH_MAX = 2048;

/** Of a volume, however much is in it: the process's other work has its turns meanwhile. */
export async function applyFsGroup(path: string, fsGroup: number | undefined, options: OwnershipOptions, { clock, signal }: Patience): Promise<void> {
  if (fsGroup === undefined) return;
  const walk = walkVolume(path, fsGroup, options);
  try {
    for (let more = true; more; ) {
      signal.throwIfAborted();
      const until = clock.monotonicMs() + SLICE_MS;
      for (let count = 0; more && count < SLICE_ENTRIES && clock.monotonicMs() < until; count++) more = walk.next().done !== true;
      if (more) await new Promise<void>((resolve) => afterReady(resolve));
    }
  } finally {
    walk.return();
  }
}

/** Of what a claim is bound to: as the pod's policy says, always or where the root is not right already. */
export async function applyFsGroupToClaim(path: string, { pod, fsGroup, clock, signal }: Pick<VolumeContext, 'pod' | 'fsGroup' | 'clock' | 'signal'>): Promise<void> {
  await applyFsGroup(path, fsGroup, { readOnly: false, onRootMismatch: pod.spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch' }, { clock, signal });
}

/** Of the few files that were just written here: they are shown at once, with nothing in between. */
export function applyFsGroupNow(path: string, fsGroup: number | undefined, options: OwnershipOptions): void {
  if (fsGroup === undefined) return;
  for (const walk = walkVolume(path, fsGroup, options); walk.next().done !== true; );
}

interface Folder {
  /** Its descriptor. */
  file: number;
  info: Stats;
  entries: Dir;
}

/** One step for each entry. */
function* walkVolume(path: string, group: number, options: OwnershipOptions): Generator<void, void> {
  const root = openSync(path, O_PATH);
  const info = fstatSync(root);
  if (!info.isDirectory() || (options.onRootMismatch === true && isRight(info, group, options))) {
    if (!info.isDirectory()) change(root, info, group, options);
    return closeSync(root);
  }
  const open = [openFolder(root, info)];
  try {
    for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
      const entry = folder.entries.readSync();
      if (entry !== null) {
        const inner = visit(folder, entry.name, group, options);
        if (inner !== undefined) open.push(inner);
        if (open.length > DEPTH_MAX) throw new Error(`${path} has folders in folders more than ${String(DEPTH_MAX)} deep`);
      } else {
        change(folder.file, folder.info, group, options);
        open.pop();
        closeFolder(folder);
      }
      yield;
    }
  } finally {
    for (const folder of open) closeFolder(folder);
  }
}

function openFolder(file: number, info: Stats): Folder {
  try {
    // By latin1 a name keeps its bytes, whatever they are.
    return { file, info, entries: opendirSync(placeOf(file), { encoding: 'latin1', bufferSize: READ_AT_ONCE }) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function closeFolder({ file, entries }: Folder): void {
  entries.closeSync();
  closeSync(file);
}

/** Gives what is a folder. What is gone meanwhile needs nothing. */
function visit(folder: Folder, name: string, group: number, options: OwnershipOptions): Folder | undefined {
  const place = Buffer.from(`${placeOf(folder.file)}/${name}`, 'latin1');
  try {
    const seen = lstatSync(place);
    if (seen.isSymbolicLink()) lchownSync(place, -1, group);
    if (seen.isSymbolicLink() || (!seen.isDirectory() && isRight(seen, group, options))) return undefined;
    const file = openSync(place, O_PATH | constants.O_NOFOLLOW);
    const info = fstatSync(file);
    if (info.isDirectory()) return openFolder(file, info);
    try {
      change(file, info, group, options);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  return undefined;
}

function change(file: number, info: Stats, group: number, options: OwnershipOptions): void {
  if (isRight(info, group, options)) return;
  chownSync(placeOf(file), -1, group);
  if (!info.isSymbolicLink()) chmodSync(placeOf(file), (info.mode & 0o7777) | maskOf(info.isDirectory(), options));
}

function isRight(info: Stats, group: number, options: OwnershipOptions): boolean {
  const mask = maskOf(info.isDirectory(), options);
  return info.gid === group && (info.mode & mask) === mask;
}

/** What the descriptor stands for, and not what its path leads to by now. */
function placeOf(file: number): string {
  return `/proc/self/fd/${String(file)}`;
}

function maskOf(directory: boolean, { readOnly }: OwnershipOptions): number {
  return (readOnly ? 0o440 : 0o660) | (directory ? 0o2110 : 0);
}

/** The user of all containers, when they all name the same: whose the service-account token is then. */
export function commonUser(pod: Pod): number | undefined {
  const users = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ securityContext }) => securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser);
  const [first] = users;
  return users.every((user) => user === first) ? first : undefined;
}
