// The cgroups that a node makes, in every hierarchy there is: for those who take them away when the node is no more. The runtime joins
// hierarchies that the kubelet does not limit in, so these are more than the kubelet's own.
import { join } from 'node:path';
import { CGROUP_MOUNT, LEAF, cgroupRoot } from '../../cgroup-root.ts';

export function nodeCgroups(): string[] {
  const root = cgroupRoot();
  if (root.version === 2) return ['kubepods', 'kubepods.slice', LEAF].map((name) => join(root.directory(''), name));
  return [...root.controllers.map((controller) => join(root.directory(controller), 'kubepods')), join(CGROUP_MOUNT, 'unified/kubepods')];
}
