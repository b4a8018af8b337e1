// A pod's life on the node is an ordered list of small steps, each undone in reverse when the pod goes. A step is idempotent: done again it
// finds its work there, so that a restart of Skiff simply does them all again.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import type { SandboxStatus } from '../../runtime/runtime.ts';
import type { NodeContext } from '../node-context.ts';
import type { MountedVolume } from '../volumes/volume.ts';

/** What the steps have made, for the containers that stand on it. */
export interface Ground {
  pod: Pod;
  attempt: number;
  volumes: MountedVolume[];
  /** Aborts when the pod ends. */
  signal: AbortSignal;
  sandbox?: SandboxStatus | undefined;
}

export interface Step {
  name: string;
  apply(ground: Ground, node: NodeContext): Promise<void>;
  undo(ground: Ground, node: NodeContext): Promise<void>;
}
