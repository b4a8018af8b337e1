// Paths inside a root that may be hostile: links are resolved as the container would, never out of the root. For roots in which nothing runs
// yet (an image just mounted); volumes of running pods need file descriptors (agents/kubelet/volumes/sub-path.ts).
import { constants, closeSync, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';

const LINKS_MAX = 40;
const FILE_MAX_BYTES = 4 << 20;

/** The host's path of `path` in `root`, links resolved; what is missing is taken as it stands. */
export function resolveInRoot(root: string, path: string): string {
  const left = path.split('/');
  const at: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const part = left.shift() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const host = join(root, ...at, part);
    if (lstatSync(host, { throwIfNoEntry: false })?.isSymbolicLink() !== true) {
      at.push(part);
      continue;
    }
    if (++links > LINKS_MAX) throw new Error(`too many symbolic links in ${path}`);
    const target = readlinkSync(host);
    if (target.startsWith('/')) at.length = 0;
    left.unshift(...target.split('/'));
  }
  return join(root, ...at);
}

/** A small regular file's text, or undefined. */
export function readInRoot(root: string, path: string): string | undefined {
  let file: number;
  try {
    file = openSync(resolveInRoot(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // not there, or not to be read: the image has no such file
  }
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile() || size > FILE_MAX_BYTES) return undefined;
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, size, 0));
  } finally {
    closeSync(file);
  }
}
