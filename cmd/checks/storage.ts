// The data folder: a disk of this machine that can be written, executed from, layered with overlayfs, and has room.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { failed, ok, textOf, warning, type Check, type Finding, type Machine } from './check.ts';

const MEBIBYTE = 1 << 20;
const FREE_MIN_BYTES = 300 * MEBIBYTE;
const FREE_WISHED_BYTES = 2048 * MEBIBYTE;
/** Layers of images cannot be stacked on these, or the database loses writes on them. */
const UNFIT = ['overlay', 'vfat', 'exfat', 'ntfs', 'ntfs3', 'fuseblk', 'nfs', 'nfs4', 'cifs', '9p', 'squashfs', 'iso9660'];

export const storage: Check = {
  name: 'data folder',
  atStart: true,
  look({ settings }, machine) {
    const dataDir = settings['data-dir'];
    try {
      accessSync(join(machine.root, nearest(dataDir, machine)), constants.W_OK);
      return [ok(dataDir)];
    } catch (error) {
      return [failed(`${dataDir} cannot be written (${(error as NodeJS.ErrnoException).code ?? ''})`, 'choose another folder with --data-dir')];
    }
  },
};

/** Not asked at a start: a node whose disk has filled up must still come up. */
export const disk: Check = {
  name: 'disk',
  look({ settings, node }, machine) {
    const dataDir = settings['data-dir'];
    const existing = nearest(dataDir, machine);
    const mount = mountOf(existing, machine);
    const { bavail, bsize } = statfsSync(join(machine.root, existing));
    const problems = [...(node && mount !== undefined ? unfit(dataDir, mount) : []), ...room(dataDir, bavail * bsize)];
    return problems.length > 0 ? problems : [ok(`${mount?.type ?? 'unknown'}, ${mebibytes(bavail * bsize)} free`)];
  },
};

function nearest(path: string, machine: Machine): string {
  return path === '/' || existsSync(join(machine.root, path)) ? path : nearest(dirname(path), machine);
}

interface Mount {
  point: string;
  type: string;
  options: string[];
}

function mountOf(path: string, machine: Machine): Mount | undefined {
  const mounts = textOf(machine, '/proc/self/mounts').split('\n').map((row) => row.split(' ')).map(([, point = '', type = '', options = '']): Mount => ({ point, type, options: options.split(',') }));
  // Of two on the same point the later hides the earlier.
  return mounts.filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`)).sort((a, b) => a.point.length - b.point.length).at(-1);
}

function unfit(dataDir: string, { point, type, options }: Mount): Finding[] {
  if (UNFIT.includes(type)) return [failed(`${dataDir} is on ${type}, which cannot hold containers`, 'choose a folder on ext4, xfs or btrfs with --data-dir')];
  if (options.includes('noexec')) return [failed(`${dataDir} is on ${point}, which forbids executing (noexec)`, `mount -o remount,exec ${point}, also in /etc/fstab; or choose another folder with --data-dir`)];
  if (type === 'tmpfs') return [warning(`${dataDir} is on a tmpfs: all is gone with the next boot`, 'choose a folder on a disk with --data-dir')];
  return [];
}

function room(dataDir: string, freeBytes: number): Finding[] {
  const text = `${dataDir} has ${mebibytes(freeBytes)} free`;
  const fix = 'make room, or choose another folder with --data-dir';
  if (freeBytes < FREE_MIN_BYTES) return [failed(text, fix)];
  return freeBytes < FREE_WISHED_BYTES ? [warning(`${text}: images may not fit`, fix)] : [];
}

function mebibytes(bytes: number): string {
  return `${String(Math.floor(bytes / MEBIBYTE))} MiB`;
}
