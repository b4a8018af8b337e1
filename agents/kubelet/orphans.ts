// What is left of pods that the API no longer knows: their containers are stopped with the grace they were started with, then everything goes.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { command } from '../../internal/base/command.ts';
import { messageOf } from '../../internal/base/errors.ts';
import { ANNOTATION } from './labels.ts';
import { podDirectory, podMemoryDirectory, type NodeContext } from './node-context.ts';
import { unmountCsi } from './steps/volumes.ts';
import { unmountLocalDisks } from './volumes/local-disk.ts';
import { mountPointsUnder } from './volumes/mount-table.ts';
import { unmountNfs } from './volumes/nfs.ts';

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 122_000;

export async function removeOrphans(known: ReadonlySet<string>, node: NodeContext): Promise<void> {
  const orphans = node.runtime.listSandboxes().filter(({ config }) => !known.has(config.uid));
  await Promise.all(orphans.map(async ({ id, config }) => {
    const running = node.runtime.listContainers(id).filter(({ state }) => state === 'running');
    await Promise.all(running.map((container) => node.runtime.stopContainer(container.id, Number(container.config.annotations[ANNOTATION.gracePeriod] ?? '30') * 1000)));
    await node.runtime.stopSandbox(id);
    await node.runtime.removeSandbox(id);
    rmSync(config.logDirectory, { recursive: true, force: true });
  }));
  for (const uid of existsSync(`${node.kubeletDir}/pods`) ? readdirSync(`${node.kubeletDir}/pods`) : []) if (!known.has(uid)) await removeLeftovers(uid, node);
  await node.cgroups.removeOthers(known);
}

/** What a CSI driver mounted, it unmounts: while it is away, the folder stays; so with a server of files. */
async function removeLeftovers(uid: string, node: NodeContext, delayMs = RETRY_FIRST_MS): Promise<void> {
  try {
    await unmountCsi(uid, node);
    await unmountNfs(podDirectory(node, uid));
    await unmountLocalDisks(podDirectory(node, uid));
  } catch (error) {
    node.log.warn('volumes of a pod that is gone could not be unmounted', { pod: uid, error: messageOf(error) });
    node.clock.setTimer(delayMs, () => void removeLeftovers(uid, node, Math.min(delayMs * 2, RETRY_MAX_MS)));
    return;
  }
  for (const point of mountPointsUnder(podDirectory(node, uid))) await command('umount', ['-l', point]);
  rmSync(podMemoryDirectory(node, uid), { recursive: true, force: true });
  rmSync(podDirectory(node, uid), { recursive: true, force: true });
}
