// One pod's worker: gathers the state, asks the plan, carries it out, and writes the status when it has changed. It is woken by the API, by
// the runtime, by probes, by its own finished work and by one timer; between those it does nothing. Long work (pulling, starting,
// stopping) runs beside it and is part of the next state, so that a deletion is seen at once whatever is under way.
//
//   wake ─► gather ─► planPod ─► perform ─► status ─► (patch)        ended ─► dismantle ─► final status ─► delete ─► clean up
import type { Timer } from '../../internal/base/clock.ts';
import { isReason, messageOf } from '../../internal/base/errors.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { PODS } from '../../internal/kinds/generated/resources.ts';
import type { NodeContext } from './node-context.ts';
import { readAllocation } from './allocation.ts';
import { isStatic } from './pod-spec.ts';
import { planPod } from './plan.ts';
import { createPodMemory, endingOf, gather, type PodMemory } from './pod-memory.ts';
import type { PodState } from './pod-state.ts';
import { perform } from './pod-work.ts';
import { actuateResize, grantedBefore, judgeResize, resizeConditions } from './resize.ts';
import { superviseProbes } from './pod-probes.ts';
import { podStatusOf } from './status/pod-status.ts';
import { statusPatch } from './status/status-patch.ts';
import { createWorkerTimes } from './stats/worker-times.ts';
import { removeDirectories } from './steps/directories.ts';
import { removeSandboxes } from './steps/sandbox.ts';
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
    const before = memory.ending;
    memory.ending = endingOf(memory, node.clock.now());
    if (before === undefined && memory.ending !== undefined) memory.shownAtEnding = memory.pod.status;
    const { reason, message } = memory.ending?.status ?? {};
    if (before === undefined && reason === 'DeadlineExceeded' && message !== undefined) node.event(memory.pod, 'Normal', reason, message);
    if (memory.ending !== undefined) memory.ended.abort();
    superviseProbes(memory, node, wake);
    if (judgeResize(memory, node, () => neighbours.fits(memory.desired))) neighbours.freed();
    actuateResize(memory, node, wake);
    const plan = planPod(gather(memory, node));
    for (const action of plan.actions) perform(action, memory, node, wake);
    const state = gather(memory, node);
    memory.status = podStatusOf(state, resizeConditions(memory.resize));
    times.shows(memory.status);
    superviseDeadline(state, plan.againInMs);
    if (memory.dismantled && !released) neighbours.freed();
    released = memory.dismantled;
    if (!memory.writing && !replacesImage(state)) void writeStatus();
    void finish();
  }

  /** One timer for whatever comes first: a back-off, the deadline of the pod, a token. */
  function superviseDeadline({ pod, now }: PodState, againInMs: number | undefined): void {
    const deadline = pod.spec.activeDeadlineSeconds;
    const startTime = memory.status.startTime;
    // It may have come since this turn looked: the next one sees it.
    const deadlineIn = deadline === undefined || startTime === undefined || memory.ending !== undefined ? undefined : Math.max(1, Date.parse(startTime) + deadline * 1000 - now);
    const refreshIn = memory.refreshAt === undefined ? undefined : memory.refreshAt - now;
    if (refreshIn !== undefined && refreshIn <= 0) applyVolumeChanges(memory, node, wake);
    const resizeIn = memory.resize.retryAt === 0 ? undefined : memory.resize.retryAt - now;
    const due = [againInMs, deadlineIn, refreshIn, resizeIn].filter((ms) => ms !== undefined && ms > 0) as number[];
    if (due.length > 0) again(Math.min(...due));
  }

  async function writeStatus(): Promise<void> {
    const shown = isStatic(memory.pod) ? neighbours.mirror() : memory.pod;
    const patch = memory.gone || shown === undefined ? undefined : statusPatch(shown, memory.status);
    if (patch === undefined) return;
    memory.writing = true;
    times.statusChanged();
    try {
      const written = await node.client.patch(PODS, keyOfPod(memory.pod), { type: 'strategic', body: patch }, { subresource: 'status' });
      times.statusWritten();
      if (written.metadata.uid === memory.pod.metadata.uid) memory.see(written);
    } catch (error) {
      memory.writing = false;
      // Not there, or another pod of that name by now: the view will say so, but to a static pod, whose mirror is not itself.
      if (isReason(error, 'NotFound', 'Conflict')) return void finish();
      node.log.debug('pod status could not be written', { pod: memory.pod.metadata.name, error: messageOf(error) });
      again(RETRY_MS);
      return;
    }
    memory.writing = false;
    wake();
  }

  /** After the containers: the last status is out, the API lets go of the pod, then everything of it goes. */
  async function finish(): Promise<void> {
    if (!memory.dismantled || memory.finishing || memory.writing) return;
    if (memory.gone || (isStatic(memory.pod) && memory.pod.metadata.deletionTimestamp !== undefined)) return cleanUp();
    if (memory.pod.metadata.deletionTimestamp === undefined || statusPatch(memory.pod, memory.status) !== undefined) return;
    memory.finishing = true;
    try {
      await node.client.delete(PODS, keyOfPod(memory.pod), { gracePeriodSeconds: 0, preconditions: { uid: memory.pod.metadata.uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) again(RETRY_MS);
    }
    memory.finishing = false;
    // On a server the view tells of the deletion before its answer is here: what woke us then was turned away.
    if (memory.gone) wake();
  }

  async function cleanUp(): Promise<void> {
    memory.finishing = true;
    try {
      await removeSandboxes(memory.pod, node);
      removeDirectories(memory.pod, node);
      memory.stopped = true;
      timer?.cancel();
      neighbours.cleanedUp();
    } catch (error) {
      node.log.warn('pod could not be cleaned up', { pod: memory.pod.metadata.name, error: messageOf(error) });
      memory.finishing = false;
      again(RETRY_MS);
    }
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

/** A container gets another image: its end and its new start are one change, which the API is told of when it is made (as upstream's, whose sync waits for both). */
function replacesImage({ pod, containers, starting, restart }: PodState): boolean {
  return pod.spec.containers.some(({ name, image }) => starting.has(name) && containers.some(({ id, state, config }) => config.name === name && state === 'exited' && restart.has(id) && config.imageName !== image));
}

function keyOfPod({ metadata }: Pod): { namespace: string; name: string } {
  return { namespace: metadata.namespace ?? '', name: metadata.name };
}
