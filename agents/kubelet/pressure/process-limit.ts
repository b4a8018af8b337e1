// Pods that run into their limit of processes: the kernel refuses them more, and they get an event that says so, as otherwise nobody would know.
import { join } from 'node:path';
import { foldersIn, readFileIfThere } from '../../../internal/base/files.ts';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';

export interface ProcessLimitWatch {
  look(): void;
}

export interface ProcessLimitOptions {
  node: Pick<NodeContext, 'cgroups' | 'event'>;
  pods: Pick<Pods, 'workers'>;
  /** Of one pod; below 1: none, and nothing to look at. */
  podPidsLimit: number;
}

export function createProcessLimitWatch({ node, pods, podPidsLimit }: ProcessLimitOptions): ProcessLimitWatch {
  let refused = new Map<string, number>();
  return {
    look() {
      if (podPidsLimit < 1) return;
      const now = new Map<string, number>();
      for (const { pod } of pods.workers()) {
        const { uid } = pod.metadata;
        now.set(uid, refusalsIn(node.cgroups.directory(node.cgroups.pathOf(pod), 'pids')));
        if ((now.get(uid) ?? 0) > (refused.get(uid) ?? 0)) node.event(pod, 'Warning', 'PidsLimitReached', `The pod has reached its limit of ${String(podPidsLimit)} processes: it was refused more`);
      }
      refused = now;
    },
  };
}

/** Kernels before 6.11 count where the process stands that was refused, later ones where the limit is. */
function refusalsIn(directory: string): number {
  const below = foldersIn(directory).map((name) => join(directory, name));
  return Math.max(0, ...[directory, ...below].map((path) => Number(/^max (\d+)/m.exec(readFileIfThere(join(path, 'pids.events')) ?? '')?.[1] ?? 0)));
}
