// What a folder takes on disk, counted file by file: no quota tells it.
import { closeSync, constants, lstatSync, openSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { unlessErrno } from '../internal/base/errors.ts';

/** What is looked at changes meanwhile. */
const GONE = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'];
/** PATH_MAX is 4096, a name 255. */
const LONG_PATH = 3500;

/** Bytes and files on disk below a folder, which may change meanwhile. */
export function folderUsage(folder: string): { bytes: number; inodes: number } {
  const total = { bytes: 0, inodes: 0 };
  const add = ({ bytes, inodes }: typeof total): void => void Object.assign(total, { bytes: total.bytes + bytes, inodes: total.inodes + inodes });
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of entriesOf(at)) {
      const path = join(at, entry.name);
      add({ bytes: (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512, inodes: 1 });
      if (!entry.isDirectory()) continue;
      if (path.length < LONG_PATH) folders.push(path);
      else add(usageBehind(path));
    }
  }
  return total;
}

/** Folders may lie deeper than a path can be long: from here on they are named by an open one. */
function usageBehind(path: string): { bytes: number; inodes: number } {
  const opened = unlessErrno(GONE, () => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  if (opened === undefined) return { bytes: 0, inodes: 0 };
  try {
    return folderUsage(`/proc/self/fd/${String(opened)}`);
  } finally {
    closeSync(opened);
  }
}

function entriesOf(folder: string): Dirent[] {
  return unlessErrno(GONE, () => readdirSync(folder, { withFileTypes: true })) ?? [];
}
