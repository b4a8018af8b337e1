// Mounts that no program of every host can make: copies of a mount whose owners are seen through a user namespace, and namespaces of another process
// bound as files. The calls are the kernel's by node:ffi (numbers of Linux 5.12, the same on every architecture). Loaded with the first pod that
// has users of its own.
import { closeSync, openSync } from 'node:fs';
import { dlopen, getInt32 } from 'node:ffi';
import { getSystemErrorMessage } from 'node:util';

const OPEN_TREE = 428n;
const MOVE_MOUNT = 429n;
const MOUNT_SETATTR = 442n;
const AT_FDCWD = -100n;
const AT_EMPTY_PATH = 0x1000n;
const AT_RECURSIVE = 0x8000n;
const OPEN_TREE_CLONE = 1n;
const OPEN_TREE_CLOEXEC = 0o2000000n;
const MOVE_MOUNT_F_EMPTY_PATH = 4n;
const MOUNT_ATTR_IDMAP = 0x100000n;
/** struct mount_attr: what is set, what is cleared, propagation, the user namespace. */
const ATTRIBUTES_BYTES = 32;
const MS_BIND = 4096n;
const MNT_DETACH = 2;
const EINVAL = 22;
const EPERM = 1;

const { functions: libc } = dlopen(null, {
  syscall: { arguments: ['i64', 'i64', 'buffer', 'i64', 'buffer', 'i64'], return: 'i64' },
  mount: { arguments: ['buffer', 'buffer', 'buffer', 'u64', 'u64'], return: 'i32' },
  umount2: { arguments: ['buffer', 'i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
});

/**
 * Mounts the tree at `source` at `target` too, as users of the namespace at `usersPath` (a pinned one) see it: owner 0 on disk is their root.
 * What is mounted below the source comes along as it is. Where the file system cannot be shown so, it throws as runc does.
 */
export function mountIdmapped(source: string, target: string, usersPath: string): void {
  const tree = call(`open_tree ${source}`, OPEN_TREE, AT_FDCWD, text(source), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE, Buffer.alloc(1), 0n);
  try {
    mapOwners(tree, source, usersPath);
    call(`move_mount ${source} to ${target}`, MOVE_MOUNT, BigInt(tree), text(''), AT_FDCWD, text(target), MOVE_MOUNT_F_EMPTY_PATH);
  } finally {
    closeSync(tree);
  }
}

function mapOwners(tree: number, source: string, usersPath: string): void {
  const users = openSync(usersPath, 'r');
  try {
    const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
    attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP, 0);
    attributes.writeBigUInt64LE(BigInt(users), ATTRIBUTES_BYTES - 8);
    if (libc.syscall(MOUNT_SETATTR, BigInt(tree), text(''), AT_EMPTY_PATH, attributes, BigInt(ATTRIBUTES_BYTES)) === 0n) return;
    const errno = lastError();
    const hint = errno === EINVAL || errno === EPERM ? " (maybe the filesystem used doesn't support idmap mounts on this kernel?)" : '';
    throw new Error(`failed to set MOUNT_ATTR_IDMAP on ${source}: ${getSystemErrorMessage(-errno)}${hint}`);
  } finally {
    closeSync(users);
  }
}

/** `target` is a file. */
export function bindNamespace(pid: number, name: string, target: string): void {
  if (libc.mount(text(`/proc/${String(pid)}/ns/${name}`), text(target), text(''), MS_BIND, 0n) !== 0) throw new Error(`the ${name} namespace cannot be bound at ${target}: ${getSystemErrorMessage(-lastError())}`);
}

/** All that is mounted there; nothing is no failure. */
export function detach(target: string): void {
  while (libc.umount2(text(target), MNT_DETACH) === 0);
  if (lastError() !== EINVAL) throw new Error(`${target} cannot be unmounted: ${getSystemErrorMessage(-lastError())}`);
}

function call(what: string, ...numbers: Parameters<typeof libc.syscall>): number {
  const result = Number(libc.syscall(...numbers));
  if (result < 0) throw new Error(`${what}: ${getSystemErrorMessage(-lastError())}`);
  return result;
}

function lastError(): number {
  return getInt32(libc.__errno_location());
}

function text(string: string): Buffer {
  return Buffer.from(`${string}\0`);
}
