// Step: the volumes that the pod's containers have.
import { existsSync } from 'node:fs';
import type { Container, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { podDirectory, podMemoryDirectory, subPathsDirectory, type NodeContext } from '../node-context.ts';
import { hasVolume, mountVolumes, unmountVolumes } from '../volumes/index.ts';
import { unbindSubPaths } from '../volumes/sub-path.ts';
import type { VolumeContext } from '../volumes/volume.ts';
import type { Ground, Step } from './step.ts';

export const VOLUMES: Step = {
  name: 'volumes',
  async apply(ground, node) {
    ground.volumes = await mountVolumes(volumeContext(ground.pod, node, ground.signal));
  },
  async undo({ pod }, node) {
    await unbindSubPaths(subPathsDirectory(node, pod.metadata.uid));
    await unmountCsi(pod.metadata.uid, node);
    await unmountVolumes(pod.spec.volumes ?? [], { podDirectory: podDirectory(node, pod.metadata.uid), memoryDirectory: podMemoryDirectory(node, pod.metadata.uid) });
    node.tokens.forget(pod.metadata.uid);
  },
};

/** An ephemeral container may be the first to have a volume. */
export async function mountMissing(container: Container, { ground, pod }: { ground: Ground; pod: Pod }, node: NodeContext): Promise<void> {
  ground.volumes.push(...await mountVolumes(volumeContext(pod, node, ground.signal), ({ name }) => hasVolume(container, name) && !ground.volumes.some((volume) => volume.name === name)));
}

/** By what lies in the pod's folder: a volume that was mounted in an earlier life is not in the spec alone. */
export async function unmountCsi(uid: string, node: Pick<NodeContext, 'kubeletDir' | 'csi'>): Promise<void> {
  const directory = podDirectory(node, uid);
  const isThere = [`${directory}/volumes/kubernetes.io~csi`, `${directory}/volumeDevices/kubernetes.io~csi`].some((path) => existsSync(path));
  const csi = isThere ? await node.csi.load() : node.csi.loaded();
  await csi?.unmountAll(uid);
}

export function volumeContext(pod: Pod, node: NodeContext, signal: AbortSignal): VolumeContext {
  return {
    pod, podDirectory: podDirectory(node, pod.metadata.uid), memoryDirectory: podMemoryDirectory(node, pod.metadata.uid),
    fields: { pod, podIps: [], hostIps: node.nodeIps, allocatable: node.allocatable() },
    objects: node.objects, tokens: node.tokens, clock: node.clock, fsGroup: pod.spec.securityContext?.fsGroup, ledger: node.ledger, csi: node.csi, self: () => node.self?.(), signal,
  };
}
