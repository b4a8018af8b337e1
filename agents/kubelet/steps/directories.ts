// Step: the pod's directories on disk and on tmpfs (that of its logs is made with the sandbox). They go when the API has let the pod go (cleanUp), not when its containers end:
// logs and termination messages are still asked for then.
import { mkdirSync, rmSync } from 'node:fs';
import { mountPointsUnder } from '../volumes/mount-table.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { podDirectory, podLogDirectory, podMemoryDirectory, type NodeContext } from '../node-context.ts';
import type { Step } from './step.ts';

export const DIRECTORIES: Step = {
  name: 'directories',
  async apply({ pod }, node) {
    const path = podDirectory(node, pod.metadata.uid);
    mkdirSync(`${path}/volumes`, { recursive: true, mode: 0o750 });
    mkdirSync(`${path}/containers`, { recursive: true, mode: 0o750 });
    mkdirSync(podMemoryDirectory(node, pod.metadata.uid), { recursive: true, mode: 0o755 });
  },
  undo: () => Promise.resolve(),
};

/** Volumes must be unmounted by now: what is mounted is never walked into. */
export function removeDirectories(pod: Pod, node: NodeContext): void {
  const { uid } = pod.metadata;
  rmSync(podMemoryDirectory(node, uid), { recursive: true, force: true });
  const [mounted] = mountPointsUnder(podDirectory(node, uid));
  if (mounted !== undefined) throw new Error(`${mounted} is still mounted`);
  rmSync(podDirectory(node, uid), { recursive: true, force: true });
  rmSync(podLogDirectory(node, pod), { recursive: true, force: true });
}
