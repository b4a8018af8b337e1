// NFS exports, mounted for the pod alone by the node's own mount.nfs. Neither owner nor group of what is on the server is changed: fsGroup is not applied, as upstream.
// A server that does not answer keeps whoever asks it waiting: only programs do, which can be killed, and for so long only.
import { mkdirSync, rmdirSync } from 'node:fs';
import { findProgram, tryCommand } from '../../../internal/base/command.ts';
import { mountPointsUnder } from './mount-table.ts';
import { volumeDirectory, type VolumeKind } from './volume.ts';

export interface NfsSource {
  server: string;
  path: string;
  readOnly?: boolean;
}

/** The pod is told then, and it is tried again. mount.nfs gives up by itself about as late. */
const MOUNT_MS = 150_000;
const UNMOUNT_MS = 60_000;
/** A command's exit code when it was killed. */
const KILLED = 137;

export const NFS: VolumeKind = {
  directory: 'nfs',
  matches: ({ nfs }) => nfs !== undefined,
  async mount({ name, nfs }, { podDirectory, signal }) {
    const path = volumeDirectory(podDirectory, 'nfs', name);
    if (nfs !== undefined) await mountNfs(nfs, path, { signal });
    return { name, hostPath: path, readOnly: nfs?.readOnly === true };
  },
  unmount: (_volume, { podDirectory }) => unmountNfs(podDirectory),
};

/** `signal` aborts the waiting. */
export async function mountNfs({ server, path, readOnly = false }: NfsSource, directory: string, { options = [], signal }: { options?: readonly string[]; signal: AbortSignal }): Promise<void> {
  if (mountPointsUnder(directory).includes(directory)) return;
  if (findProgram('mount.nfs') === undefined) throw new Error('mount.nfs is not on this node: NFS volumes need it (package nfs-common on Debian and Ubuntu, nfs-utils elsewhere)');
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const all = [...new Set([...options, ...(readOnly ? ['ro'] : [])])].filter((option) => option !== '').sort();
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  const how = ['-t', 'nfs', ...(all.length > 0 ? ['-o', all.join(',')] : [])];
  const what = [`${host}:${path}`, directory];
  const { code, stdout, stderr } = await tryCommand('mount', [...how, '--', ...what], { timeoutMs: MOUNT_MS, signal, group: true });
  if (code === 0) return;
  await unmount(directory);
  signal.throwIfAborted();
  const output = code === KILLED ? `${server} did not answer within ${String(MOUNT_MS / 1000)} s\n` : `${stdout}${stderr}`;
  throw new Error(`mount failed: ${code === KILLED ? 'signal: killed' : `exit status ${String(code)}`}\nMounting command: mount\nMounting arguments: ${[...how, ...what].join(' ')}\nOutput: ${output}`);
}

/** All of the pod: what a claim stood for may not be known any more. */
export async function unmountNfs(podDirectory: string): Promise<void> {
  const folder = `${podDirectory}/volumes/kubernetes.io~nfs`;
  // Exports below an export are mounted by the kernel, inside: their folders are the server's.
  const isOwn = (point: string): boolean => !point.slice(folder.length + 1).includes('/');
  for (const point of mountPointsUnder(folder)) await (isOwn(point) ? unmount(point) : detach(point));
}

/** Takes its folder away too. */
async function unmount(point: string): Promise<void> {
  if (mountPointsUnder(point).includes(point)) await detach(point);
  if (!mountPointsUnder(point).includes(point)) rmdirSync(point);
}

/** What was written is with the server when this is done. Of a server that is away its requests are given up, as upstream does; what somebody has open goes with him. */
async function detach(point: string): Promise<void> {
  const isMounted = (): boolean => mountPointsUnder(point).includes(point);
  const umount = (...options: string[]): ReturnType<typeof tryCommand> => tryCommand('umount', [...options, point], { timeoutMs: UNMOUNT_MS, group: true });
  const { code } = await umount();
  // One that was killed may have done its part; the rest goes on in the kernel.
  if (code === 0 || !isMounted()) return;
  if (code === KILLED) await umount('-f');
  if (!isMounted()) return;
  const { stderr } = await umount('-l');
  if (isMounted()) throw new Error(`${point} cannot be unmounted: ${stderr.trim()}`);
}
