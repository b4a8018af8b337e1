// One pod's worker: gathers the state, asks the plan, carries it out, and writes the status when it has changed. It is woken by the API, by
// the runtime, by probes, by its own finished work and by one timer; between those it does nothing. Long work (pulling, starting,
// stopping) runs beside it and is part of the next state, so that a deletion is seen at once whatever is under way.
//
//   wake ─► gather ─► planPod ─► perform ─► status ─► (patch)        ended ─► dismantle ─► final status ─► delete ─► clean up
import type { Timer } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from './node-context.ts';
import { readAllocation } from './allocation.ts';
import { planPod } from './plan.ts';
import { createPodMemory, endingOf, gather, type PodMemory } from './pod-memory.ts';
import type { PodState } from './pod-state.ts';
import { createPodReporter } from './pod-reporter.ts';
import { perform } from './pod-work.ts';
import { actuateResize, grantedBefore, judgeResize, resizeConditions } from './resize.ts';
import { superviseProbes } from './pod-probes.ts';
import { podStatusOf } from './status/pod-status.ts';
import { createWorkerTimes } from './stats/worker-times.ts';
import { applyVolumeChanges } from './pod-volumes.ts';
import type { Rejection } from './steps/rejection.ts';

export interface PodWorker {
  readonly pod: Pod;
  readonly memory: PodMemory;
  /** The API shows it so now. */
  update(pod: Pod): void;
  /** The API no longer has it. */
  gone(): void;
  /** Something about it has changed. */
  wake(): void;
  /** What its volumes show may have changed. */
  volumesChanged(): void;
  end(reason: string, message: string, graceMs: number): void;
  stop(): void;
}

const RETRY_MS = 5_000;

/** What a worker needs of the other pods. */
export interface Neighbours {
  /** Whether a bigger grant fits beside them. */
  fits(pod: Pod): Rejection | undefined;
  /** This pod holds less than before. */
  freed(): void;
  /** The API's pod that shows a static one; undefined while there is none. */
  mirror(): Pod | undefined;
  cleanedUp(): void;
}

/** Nothing of the pod is left to end here. */
export function hasEnded({ memory }: PodWorker): boolean {
  return memory.stopped || memory.dismantled;
}

export function createPodWorker(first: Pod, node: NodeContext, neighbours: Neighbours): PodWorker {
  const memory = createPodMemory(first);
  memory.allocation = readAllocation(first.metadata.uid, node) ?? grantedBefore(memory, node);
  memory.see(first);
  let queued = false;
  const times = createWorkerTimes(first, node);
  let timer: Timer | undefined;
  let released = false;
  const reporter = createPodReporter({
    memory, node, times, wake,
    mirror: neighbours.mirror,
    retry: () => again(RETRY_MS),
    cleanedUp() {
      timer?.cancel();
      neighbours.cleanedUp();
    },
  });

  function wake(): void {
    if (queued || memory.stopped) return;
    queued = true;
    queueMicrotask(() => {
      queued = false;
      if (memory.stopped) return;
      try {
        times.turn(turn);
      } catch (error) {
        node.log.error('pod could not be planned', { pod: memory.pod.metadata.name, namespace: memory.pod.metadata.namespace, error: messageOf(error) });
        again(RETRY_MS);
      }
    });
  }

  function again(inMs: number): void {
    timer?.cancel();
    timer = node.clock.setTimer(Math.max(1, inMs), wake);
  }

  function turn(): void {
    timer?.cancel();
    noticeEnding(memory, node);
    superviseProbes(memory, node, wake);
    if (judgeResize(memory, node, () => neighbours.fits(memory.desired))) neighbours.freed();
    actuateResize(memory, node, wake);
    const plan = planPod(gather(memory, node));
    for (const action of plan.actions) perform(action, memory, node, wake);
    const state = gather(memory, node);
    memory.status = podStatusOf(state, resizeConditions(memory.resize));
    times.shows(memory.status);
    const dueIn = dueInMs(state, memory, plan.againInMs);
    if (memory.refreshAt !== undefined && memory.refreshAt <= state.now) applyVolumeChanges(memory, node, wake);
    if (dueIn < Infinity) again(dueIn);
    if (memory.dismantled && !released) neighbours.freed();
    released = memory.dismantled;
    if (!memory.writing && !replacesImage(state)) void reporter.writeStatus();
    void reporter.finish();
  }

  return {
    get pod() {
      return memory.pod;
    },
    memory,
    wake,
    update(pod) {
      const before = memory.pod;
      memory.see(pod);
      times.updated();
      if (before.metadata.labels !== memory.pod.metadata.labels || before.metadata.annotations !== memory.pod.metadata.annotations) applyVolumeChanges(memory, node, wake);
      wake();
    },
    gone() {
      memory.gone = true;
      wake();
    },
    volumesChanged: () => applyVolumeChanges(memory, node, wake),
    end(reason, message, graceMs) {
      memory.forced ??= { sinceMs: node.clock.now(), graceMs, status: { phase: 'Failed', reason, message } };
      wake();
    },
    stop() {
      memory.stopped = true;
      timer?.cancel();
      for (const prober of memory.probers.values()) prober.stop();
    },
  };
}

function noticeEnding(memory: PodMemory, node: NodeContext): void {
  const isNew = memory.ending === undefined;
  memory.ending = endingOf(memory, node.clock.now());
  if (memory.ending === undefined) return;
  if (isNew) {
    memory.shownAtEnding = memory.pod.status;
    const { reason, message } = memory.ending.status ?? {};
    if (reason === 'DeadlineExceeded' && message !== undefined) node.event(memory.pod, 'Normal', reason, message);
  }
  memory.ended.abort();
}

/** Until whatever comes first: a back-off, the deadline of the pod, a token, a resize. Infinity: nothing does. */
function dueInMs({ pod, now }: PodState, memory: PodMemory, againInMs = Infinity): number {
  const deadline = pod.spec.activeDeadlineSeconds;
  const startTime = memory.status.startTime;
  // It may have come since this turn looked: the next one sees it.
  const deadlineIn = deadline === undefined || startTime === undefined || memory.ending !== undefined ? Infinity : Math.max(1, Date.parse(startTime) + deadline * 1000 - now);
  const refreshIn = (memory.refreshAt ?? Infinity) - now;
  const resizeIn = memory.resize.retryAt === 0 ? Infinity : memory.resize.retryAt - now;
  return Math.min(...[againInMs, deadlineIn, refreshIn, resizeIn].filter((ms) => ms > 0));
}

/** A container gets another image: its end and its new start are one change, which the API is told of when it is made (as upstream's, whose sync waits for both). */
function replacesImage({ pod, containers, starting, restart }: PodState): boolean {
  return pod.spec.containers.some(({ name, image }) => starting.has(name) && containers.some(({ id, state, config }) => config.name === name && state === 'exited' && restart.has(id) && config.imageName !== image));
}
