// What a worker remembers of its pod between two turns. Nothing here must survive a restart of Skiff: what matters is in the API, in the
// runtime's list and on the containers' labels; what is lost is a back-off or a retry time.
import { parseDuration } from '../../internal/api/duration.ts';
import type { Pod, PodStatus } from '../../internal/kinds/generated/api-types.ts';
import type { ContainerStatus } from '../runtime/runtime.ts';
import { actuatedOf, type Resize } from './actuation.ts';
import { withAllocation, type Allocation } from './allocation.ts';
import { podLogDirectory, type NodeContext } from './node-context.ts';
import { gracePeriodMs, isTerminalPhase } from './pod-spec.ts';
import type { BackOff, Ending, PodState, WaitingReason } from './pod-state.ts';
import type { Prober } from './probes/prober.ts';
import type { PullBackOff } from './steps/image.ts';
import { sandboxesOf } from './steps/sandbox.ts';
import type { Ground } from './steps/step.ts';
import { terminationMessage } from './steps/termination-message.ts';

export interface PodMemory {
  /** With the resources that are granted (allocation.ts). */
  pod: Pod;
  /** As the API shows it. */
  desired: Pod;
  /** undefined: all that it asks for. */
  allocation: Allocation | undefined;
  resize: Resize;
  status: PodStatus;
  gone: boolean;
  stopped: boolean;
  writing: boolean;
  finishing: boolean;
  dismantled: boolean;
  dismantling: boolean;
  resetting: boolean;
  ending: Ending | undefined;
  /** What the API showed when that began. */
  shownAtEnding: PodStatus | undefined;
  /** Eviction and the like: an end that the API did not ask for. */
  forced: Ending | undefined;
  ground: Promise<Ground | undefined> | undefined;
  standing: Ground | undefined;
  /** Aborts when the pod ends. */
  ended: AbortController;
  groundNotBefore: number;
  groundFailures: number;
  dismantleFailures: number;
  starting: Map<string, AbortController>;
  stopping: Map<string, number>;
  /** Ids of sidecars whose preStop hook was begun before their turn, with its end. */
  forewarned: Map<string, Promise<number>>;
  restart: Set<string>;
  notBefore: Map<string, number>;
  backOffs: Map<string, BackOff>;
  waiting: Map<string, WaitingReason>;
  pullBackOffs: Map<string, PullBackOff>;
  probers: Map<string, Prober>;
  /** Last words of ended containers, read once. */
  messages: Map<string, string>;
  refreshAt: number | undefined;
  /** Takes the pod as the API shows it, unless it is known newer. */
  see(pod: Pod): void;
}

export function createPodMemory(pod: Pod): PodMemory {
  return {
    pod, desired: pod, status: pod.status ?? {},
    allocation: undefined, resize: { busy: false, retryAt: 0, actuated: new Map() },
    gone: false, stopped: false, writing: false, finishing: false, dismantled: false, dismantling: false, resetting: false,
    ending: undefined, shownAtEnding: undefined, forced: undefined, ended: new AbortController(),
    ground: undefined, standing: undefined, groundNotBefore: 0, groundFailures: 0, dismantleFailures: 0,
    starting: new Map(), stopping: new Map(), forewarned: new Map(), restart: new Set(), notBefore: new Map(), backOffs: new Map(), waiting: new Map(), pullBackOffs: new Map(),
    probers: new Map(), messages: new Map(), refreshAt: undefined,
    see(next) {
      if (Number(next.metadata.resourceVersion) < Number(this.pod.metadata.resourceVersion)) return;
      this.desired = next;
      this.pod = withAllocation(next, this.allocation);
    },
  };
}

export function gather(memory: PodMemory, node: NodeContext): PodState {
  const { pod } = memory;
  const sandboxes = sandboxesOf(node, pod.metadata.uid);
  const containers = sandboxes.flatMap(({ id }) => node.runtime.listContainers(id)).sort((a, b) => b.createdAt - a.createdAt || b.config.attempt - a.config.attempt);
  return {
    pod, previous: memory.status, now: node.clock.now(), hostIps: node.nodeIps,
    ending: memory.ending, shownAtEnding: memory.shownAtEnding, dismantled: memory.dismantled || memory.dismantling, resetting: memory.resetting,
    sandbox: sandboxes[0], containers: containers.map((container) => withMessage(container, memory, node)),
    ground: memory.ground !== undefined ? 'busy' : memory.standing !== undefined ? 'ready' : 'none', groundNotBefore: memory.groundNotBefore,
    starting: new Set(memory.starting.keys()), stopping: memory.stopping, forewarned: new Set(memory.forewarned.keys()), restart: memory.restart, waiting: memory.waiting,
    notBefore: memory.notBefore, backOffs: memory.backOffs, backOffMaxMs: parseDuration(node.settings.maxContainerRestartPeriod),
    actuated: (container) => actuatedOf(container, memory.resize),
    devices: (container) => node.devices.statuses(pod.metadata.uid, container),
    probes: (id) => memory.probers.get(id)?.state ?? {},
  };
}

function withMessage(container: ContainerStatus, memory: PodMemory, node: NodeContext): ContainerStatus {
  if (container.state !== 'exited') return container;
  let message = memory.messages.get(container.id);
  if (message === undefined) memory.messages.set(container.id, (message = terminationMessage(container, podLogDirectory(node, memory.pod))));
  return message === '' ? container : { ...container, message };
}

/** Why the pod must end now, if it must: deleted, gone from the API, evicted, past its deadline, or ended already. */
export function endingOf({ pod, gone, forced, ending, status }: PodMemory, now: number): Ending | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || gone) {
    const graceMs = gone && pod.metadata.deletionTimestamp === undefined ? 0 : gracePeriodMs(pod);
    const sooner = ending !== undefined && ending.sinceMs + ending.graceMs <= now + graceMs;
    return sooner ? ending : { sinceMs: now, graceMs, ...(forced?.status !== undefined && { status: forced.status }) };
  }
  if (ending !== undefined) return ending;
  if (forced !== undefined) return forced;
  if (isTerminalPhase(pod.status?.phase)) return { sinceMs: now, graceMs: gracePeriodMs(pod) };
  const deadline = pod.spec.activeDeadlineSeconds;
  const startTime = status.startTime ?? pod.status?.startTime;
  if (deadline !== undefined && startTime !== undefined && now >= Date.parse(startTime) + deadline * 1000) {
    return { sinceMs: now, graceMs: gracePeriodMs(pod), status: { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' } };
  }
  return undefined;
}
