// Mounts by the kernel's own call. The two of every pod: a program for each costs more processor time than all that the kernel does for it. And what is
// bound by an open file: mount(8) would look up its path anew, and follow what was put there meanwhile. None waits for a disk, so they are made in
// place. Unmounting may wait, and stays with a program. Loaded with the first pod.
import { dlopen, getInt32 } from 'node:ffi';
import { getSystemErrorMessage } from 'node:util';

const MS_NOSUID = 2n;
const MS_NODEV = 4n;
const MS_NOEXEC = 8n;
const MS_BIND = 4096n;

const { functions: libc } = dlopen(null, {
  mount: { arguments: ['buffer', 'buffer', 'buffer', 'u64', 'buffer'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
});

/** Memory for a pod's /dev/shm. */
export function mountShm(target: string): void {
  mount({ source: 'shm', target, type: 'tmpfs', flags: MS_NOSUID | MS_NODEV | MS_NOEXEC, options: 'mode=1777,size=64m' });
}

/** `options` as the kernel reads them, below a page. */
export function mountOverlayAt(target: string, options: string): void {
  mount({ source: 'overlay', target, type: 'overlay', flags: 0n, options });
}

/** `file` is open, by O_PATH at least: what is bound is what was opened, whatever its path leads to now. */
export function bindOpened(file: number, target: string): void {
  mount({ source: `/proc/self/fd/${String(file)}`, target, type: 'none', flags: MS_BIND, options: '' });
}

function mount({ source, target, type, flags, options }: { source: string; target: string; type: string; flags: bigint; options: string }): void {
  if (libc.mount(text(source), text(target), text(type), flags, text(options)) === 0) return;
  throw new Error(`${type} cannot be mounted at ${target} (${options}): ${getSystemErrorMessage(-getInt32(libc.__errno_location()))}`);
}

function text(string: string): Buffer {
  return Buffer.from(`${string}\0`);
}
