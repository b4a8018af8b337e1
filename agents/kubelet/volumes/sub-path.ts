// subPath without races: what a container put into a volume (a symbolic link, say) must never make the node bind a path outside it. The path
// is resolved, must stay below the volume, is then walked again part by part without following links, and is bound through the open
// file (`/proc/self/fd/N`, by the kernel's call: mount(8) would resolve it to a path again), which cannot be swapped any more, to a place of
// the pod's own that the container gets. (The container's mount namespace could not bind the open file itself: it belongs to ours.) And runc
// follows a linked bind source to the host.
import { closeSync, constants, existsSync, fchmodSync, fstatSync, lstatSync, mkdirSync, openSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { command } from '../../../internal/base/command.ts';
import { mountPointsUnder } from './mount-table.ts';

const O_PATH = 0o10000000; // not among Node's constants

/** Binds `volumePath/subPath` to `target`, made as a folder or a file to match; what an earlier attempt bound there goes first. Makes what is missing. */
export async function bindSubPath(volumePath: string, subPath: string, target: string): Promise<void> {
  const file = openSubPath(volumePath, subPath);
  try {
    await unbindSubPaths(target);
    mkdirSync(dirname(target), { recursive: true, mode: 0o750 });
    if (fstatSync(file).isDirectory()) mkdirSync(target, { recursive: true });
    else writeFileSync(target, '');
    (await import('../../runtime/runc/kernel-mounts.ts')).bindOpened(file, target);
  } finally {
    closeSync(file);
  }
}

/** Lets go of all that is bound at or below the path. */
export async function unbindSubPaths(path: string): Promise<void> {
  for (const point of mountPointsUnder(path)) await command('umount', ['-l', point]);
}

function openSubPath(volumePath: string, subPath: string): number {
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) throw new Error(`subPath "${subPath}" must be a relative path and must not contain ".."`);
  const root = realpathSync(volumePath);
  makeMissing(root, subPath);
  const real = realpathSync(join(root, subPath));
  const inside = relative(root, real);
  // Names may begin with two dots, as the atomic writer's folders do.
  if (inside === '..' || inside.startsWith('../') || inside.startsWith('/')) throw new Error(`subpath "${real}" not within volume path "${root}"`);
  return openBelow(root, inside);
}

/** Opens `root/path` (as a place: nothing is waited for or read) one part after the other; a link anywhere on the way is refused. */
export function openBelow(root: string, path: string): number {
  let at = openSync(root, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  for (const part of path.split('/').filter((name) => name !== '')) {
    const parent = at;
    try {
      at = openSync(`/proc/self/fd/${String(parent)}/${part}`, O_PATH | constants.O_NOFOLLOW);
    } finally {
      closeSync(parent);
    }
    if (fstatSync(at).isSymbolicLink()) {
      closeSync(at);
      throw new Error(`unexpected symlink found ${part}`);
    }
  }
  return at;
}

function makeMissing(root: string, subPath: string): void {
  const mode = statSync(root).mode & 0o7777;
  let path = root;
  for (const part of subPath.split('/').filter((name) => name !== '' && name !== '.')) {
    const real = existsSync(path) ? realpathSync(path) : path;
    if (real !== root && !real.startsWith(`${root}/`)) throw new Error(`subpath "${real}" not within volume path "${root}"`);
    path = join(real, part);
    if (isThere(path)) continue;
    const parent = openBelow(root, relative(root, real));
    try {
      mkdirSync(`/proc/self/fd/${String(parent)}/${part}`, { mode });
      const made = openSync(`/proc/self/fd/${String(parent)}/${part}`, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      fchmodSync(made, mode);
      closeSync(made);
    } finally {
      closeSync(parent);
    }
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
