// What is known of one pod at one moment, as values: what `plan` and `status` look at and nothing else. The worker gathers it.
import type { ContainerStatus as RuntimeContainer, SandboxStatus } from '../runtime/runtime.ts';
import type { Pod, PodStatus, ResourceRequirements, ResourceStatus } from '../../internal/kinds/generated/api-types.ts';

export const BACKOFF_INITIAL_MS = 10_000;

export const BACKOFF_MAX_MS = 300_000;

/** Why a pod must end. `status` is what it ends as when it did not just come to its own end. */
export interface Ending {
  sinceMs: number;
  graceMs: number;
  status?: { phase: 'Failed'; reason: string; message: string };
}

export type ProbeOutcome = 'success' | 'failure' | 'unknown';
export interface ProbeState {
  startup?: ProbeOutcome;
  liveness?: ProbeOutcome;
  readiness?: ProbeOutcome;
}

export interface BackOff {
  durationMs: number;
  /** When it was last raised. */
  updatedAt: number;
}

/** Why a container does not run, as its waiting state shows it. */
export interface WaitingReason {
  reason: string;
  message: string;
}

export interface PodState {
  pod: Pod;
  now: number;
  ending: Ending | undefined;
  /** What the API showed when that began. */
  shownAtEnding?: PodStatus | undefined;
  /** The newest sandbox. */
  sandbox: SandboxStatus | undefined;
  /** Newest first. */
  containers: readonly RuntimeContainer[];
  /** Directories, volumes and sandbox: being made, standing, or not begun. */
  ground: 'none' | 'busy' | 'ready';
  /** Earliest time at which the ground may be tried again after it failed. */
  groundNotBefore: number;
  /** Names of containers that are being pulled, created or started. */
  starting: ReadonlySet<string>;
  /** Ids of containers that are being stopped, with the time by which they are killed. */
  stopping: ReadonlyMap<string, number>;
  /** Ids of sidecars that were told of their end and wait for their turn. */
  forewarned: ReadonlySet<string>;
  /** Ids of containers that were killed by us in order to be started again. */
  restart: ReadonlySet<string>;
  /** Earliest time of the next attempt, of containers whose last start failed. */
  notBefore: ReadonlyMap<string, number>;
  backOffs: ReadonlyMap<string, BackOff>;
  backOffMaxMs: number;
  waiting: ReadonlyMap<string, WaitingReason>;
  /** Resources that a container runs with now. */
  actuated(container: RuntimeContainer): ResourceRequirements;
  probes(containerId: string): ProbeState;
  /** The devices of a container, as their plugins have them. */
  devices(container: string): ResourceStatus[];
  /** Its containers are being removed, to begin again. */
  resetting: boolean;
  /** All that the pod had on this node (but its logs and dead containers) is gone. */
  dismantled: boolean;
  /** The status as last made here, or as the API has it. */
  previous: PodStatus;
  hostIps: readonly string[];
}

export function latest(state: Pick<PodState, 'containers'>, name: string): RuntimeContainer | undefined {
  return state.containers.find((container) => container.config.name === name);
}

export function isRunning(container: RuntimeContainer | undefined): boolean {
  return container?.state === 'running';
}
