// Whether the node takes a new pod on: when it fits and has its devices, when others have ended to make room for it, or not at all.
//
//   offer ─► refused all? ─► devices ─► admit ─┬─► taken on
//                                              ├─► others end first (preemption.ts) ─► taken on
//                                              └─► rejected: its status says why
import { messageOf } from '../../internal/base/errors.ts';
import { objectKey } from '../../internal/api/meta.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { PODS } from '../../internal/kinds/generated/resources.ts';
import type { NodeContext } from './node-context.ts';
import { isStatic, isTerminalPhase } from './pod-spec.ts';
import type { PodWorker } from './pod-worker.ts';
import { createPreemption, isPreempted } from './preemption.ts';
import { toldReason } from './stats/pod-counts.ts';
import { rejectedStatus } from './status/pod-status.ts';
import { statusPatch } from './status/status-patch.ts';
import { admit } from './steps/admission.ts';
import type { Rejection } from './steps/rejection.ts';
import { checkResources } from './steps/room.ts';

export interface PodIntake {
  /** A pod that this node has nothing of yet. */
  offer(pod: Pod): void;
  /** Whether it still waits to be taken on; then it will be as it is seen now. */
  update(pod: Pod): boolean;
  forget(uid: string): void;
  /** Uids of those that wait. */
  waiting(): Iterable<string>;
  /** Why a bigger grant does not fit beside the others. */
  fits(pod: Pod): Rejection | undefined;
  /** There may be room now. */
  freed(): void;
  /** From now on no pod is taken on. */
  refuse(rejection: Rejection): void;
  stop(): void;
}

export interface IntakeOptions {
  node: NodeContext;
  workers: ReadonlyMap<string, PodWorker>;
  takeOn(pod: Pod): void;
}

export function createPodIntake({ node, workers, takeOn }: IntakeOptions): PodIntake {
  /** Pods that wait for their devices, or for others to make room, as they were last seen. */
  const waiting = new Map<string, Pod>();
  const preemption = createPreemption(node);
  let refusal: Rejection | undefined;
  let stopped = false;

  /** It is taken on with its devices, or not at all. */
  function giveDevices(pod: Pod): void {
    const { uid } = pod.metadata;
    waiting.set(uid, pod);
    node.devices.allocate(pod).then(() => undefined, (error: unknown) => ({ reason: 'UnexpectedAdmissionError', message: `Allocate failed due to ${messageOf(error)}, which is unexpected` })).then((failure) => {
      const latest = takeWaiting(uid);
      if (latest === undefined) return;
      settle(latest, latest.metadata.deletionTimestamp !== undefined ? undefined : failure ?? admit(latest, counted(), node));
    }).catch((error: unknown) => node.log.error('pod could not be taken on', { pod: pod.metadata.name, error: messageOf(error) }));
  }

  function settle(pod: Pod, rejection: Rejection | undefined): void {
    if (rejection === undefined) takeOn(pod);
    else if (rejection.preempts === undefined) reject(pod, rejection, node);
    else makeRoom(pod, rejection.preempts);
  }

  function makeRoom(pod: Pod, { victims, resource }: NonNullable<Rejection['preempts']>): void {
    const { uid } = pod.metadata;
    waiting.set(uid, pod);
    node.counts.count('kubelet_preemptions', { preemption_signal: resource }, victims.length);
    preemption.begin(pod, victims.flatMap((victim) => workers.get(victim.metadata.uid) ?? []), () => {
      const latest = takeWaiting(uid);
      if (latest !== undefined) takeOn(latest);
    });
  }

  /** Undefined: nobody wants it any more. */
  function takeWaiting(uid: string): Pod | undefined {
    const latest = waiting.get(uid);
    waiting.delete(uid);
    return stopped ? undefined : latest;
  }

  /** Pods that the API has: what was deleted without grace counts for nothing, as upstream has it, though it may still be ending. */
  function counted(): Pod[] {
    return [...[...workers.values()].filter((worker) => !worker.memory.gone && !isPreempted(worker)).map(({ pod }) => pod), ...preemption.waiting()];
  }

  return {
    offer(pod) {
      if (refusal === undefined && node.devices.concerns(pod)) giveDevices(pod);
      else settle(pod, refusal ?? admit(pod, counted(), node));
    },
    update(pod) {
      if (!waiting.has(pod.metadata.uid)) return false;
      waiting.set(pod.metadata.uid, pod);
      return true;
    },
    forget: (uid) => void waiting.delete(uid),
    waiting: () => waiting.keys(),
    fits(pod) {
      const others = counted().filter(({ metadata, status }) => metadata.uid !== pod.metadata.uid && !isTerminalPhase(status?.phase));
      return checkResources(pod, others, node.allocatable());
    },
    freed: () => preemption.freed(),
    refuse: (rejection) => void (refusal = rejection),
    stop() {
      stopped = true;
      preemption.stop();
    },
  };
}

function reject(pod: Pod, rejection: Rejection, node: NodeContext): void {
  node.counts.count('kubelet_admission_rejections_total', { reason: toldReason(rejection.reason) });
  node.event(pod, 'Warning', rejection.reason, rejection.message);
  if (isStatic(pod)) return;
  const patch = statusPatch(pod, rejectedStatus(pod, node.clock.now(), rejection));
  if (patch === undefined) return;
  node.client.patch(PODS, objectKey(pod), { type: 'strategic', body: patch }, { subresource: 'status' })
    .catch((error: unknown) => node.log.warn('pod could not be rejected', { pod: pod.metadata.name, error: messageOf(error) }));
}
