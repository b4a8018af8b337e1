// File systems that another machine serves. Who asks a server that is away waits until it is back, and in this process everybody would wait with him: so a
// program asks first, and only what has answered is looked at from here. (Asked how full it is: that is never answered from what is remembered.)
import { readFileSync } from 'node:fs';
import { tryCommand } from '../../../internal/base/command.ts';
import type { FileSystem } from '../stats/machine.ts';
import { unescapeMountPath } from './mount-table.ts';

const REMOTE = /^(nfs4?|cifs|smb3|ceph|9p|afs|lustre|fuse\..+)$/;
const PATIENCE_MS = 10_000;
/** A command's exit code when it was killed. */
const KILLED = 137;

/** Where the file system of the path is mounted, if it is one of those: the longest mount point that its text begins with. `table`: /proc/self/mountinfo. */
export function remoteMountOf(path: string, table = readFileSync('/proc/self/mountinfo', 'utf8')): string | undefined {
  let [longest, remote] = ['', false];
  for (const line of table.split('\n')) {
    const [, escaped = '', type = ''] = /^\d+ \d+ \S+ \S+ (\S+) .* - (\S+) /.exec(line) ?? [];
    const point = unescapeMountPath(escaped);
    if (point.length < longest.length || (path !== point && !path.startsWith(point === '/' ? point : `${point}/`))) continue;
    [longest, remote] = [point, REMOTE.test(type)];
  }
  return remote ? longest : undefined;
}

/** Throws where a server does not answer. */
export async function checkAnswers(...paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  for (const point of new Set(paths.flatMap((path) => remoteMountOf(path, table) ?? []))) {
    const { code } = await ask(point);
    if (code === KILLED) throw new Error(`${point}: its server has not answered within ${String(PATIENCE_MS / 1000)} s`);
  }
}

/** How full the one mounted there is; undefined when that cannot be known. */
export async function remoteFileSystem(point: string): Promise<FileSystem | undefined> {
  const { code, stdout } = await ask(point);
  if (code !== 0) return undefined;
  const [size = 0, blocks = 0, free = 0, available = 0, inodes = 0, inodesFree = 0] = stdout.trim().split(' ').map(Number);
  return { availableBytes: available * size, capacityBytes: blocks * size, usedBytes: (blocks - free) * size, inodesFree, inodes, inodesUsed: inodes - inodesFree };
}

function ask(point: string): ReturnType<typeof tryCommand> {
  return tryCommand('stat', ['-f', '-c', '%S %b %f %a %c %d', point], { timeoutMs: PATIENCE_MS });
}
