// Step: all volumes of the pod.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { podDirectory, podMemoryDirectory, subPathsDirectory, type NodeContext } from '../node-context.ts';
import { mountVolumes, unmountVolumes } from '../volumes/index.ts';
import { unbindSubPaths } from '../volumes/sub-path.ts';
import type { VolumeContext } from '../volumes/volume.ts';
import type { Step } from './step.ts';

export const VOLUMES: Step = {
  name: 'volumes',
  async apply(ground, node) {
    ground.volumes = await mountVolumes(volumeContext(ground.pod, node));
  },
  async undo({ pod }, node) {
    await unbindSubPaths(subPathsDirectory(node, pod.metadata.uid));
    await unmountVolumes(pod.spec.volumes ?? [], { podDirectory: podDirectory(node, pod.metadata.uid), memoryDirectory: podMemoryDirectory(node, pod.metadata.uid) });
    node.tokens.forget(pod.metadata.uid);
  },
};

export function volumeContext(pod: Pod, node: NodeContext): VolumeContext {
  return {
    pod, podDirectory: podDirectory(node, pod.metadata.uid), memoryDirectory: podMemoryDirectory(node, pod.metadata.uid),
    fields: { pod, podIps: [], hostIps: node.nodeIps, allocatable: node.allocatable() },
    objects: node.objects, tokens: node.tokens, clock: node.clock, fsGroup: pod.spec.securityContext?.fsGroup, ledger: node.ledger,
  };
}
