// NFS exports, mounted for the pod alone by the node's own mount.nfs. Neither owner nor group of what is on the server is changed: fsGroup is not applied, as upstream.
import { mkdirSync, rmdirSync } from 'node:fs';
import { command, findProgram } from '../../../internal/base/command.ts';
import { mountPointsUnder } from './mount-table.ts';
import { volumeDirectory, type VolumeKind } from './volume.ts';

export interface NfsSource {
  server: string;
  path: string;
  readOnly?: boolean;
}

/** A server that does not answer keeps mount.nfs waiting: the pod is told, and it is tried again. */
const TIMEOUT_MS = 120_000;

export const NFS: VolumeKind = {
  directory: 'nfs',
  matches: ({ nfs }) => nfs !== undefined,
  async mount({ name, nfs }, { podDirectory }) {
    const path = volumeDirectory(podDirectory, 'nfs', name);
    if (nfs !== undefined) await mountNfs(nfs, path, []);
    return { name, hostPath: path, readOnly: nfs?.readOnly === true };
  },
  unmount: (_volume, { podDirectory }) => unmountNfs(podDirectory),
};

export async function mountNfs({ server, path, readOnly = false }: NfsSource, directory: string, options: readonly string[]): Promise<void> {
  if (mountPointsUnder(directory).includes(directory)) return;
  if (findProgram('mount.nfs') === undefined) throw new Error('mount.nfs is not on this node: NFS volumes need it (package nfs-common on Debian and Ubuntu, nfs-utils elsewhere)');
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const all = [...options, ...(readOnly ? ['ro'] : [])];
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  await command('mount', ['-t', 'nfs', ...(all.length > 0 ? ['-o', all.join(',')] : []), '--', `${host}:${path}`, directory], { timeoutMs: TIMEOUT_MS });
}

/** All of the pod: what a claim stood for may not be known any more. */
export async function unmountNfs(podDirectory: string): Promise<void> {
  for (const point of mountPointsUnder(`${podDirectory}/volumes/kubernetes.io~nfs`)) {
    await command('umount', ['-l', point]);
    rmdirSync(point);
  }
}
