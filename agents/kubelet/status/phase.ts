// The pod's phase from its containers' statuses, by upstream's rules (pod lifecycle; KEP-753 for sidecars; KEP-5307 for restart rules).
import type { ContainerStatus, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { hasBegunAgain } from '../restart-all.ts';
import { initContainersOf, mainContainersOf, restartsAfter } from '../pod-spec.ts';

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** `ended`: the pod will start nothing any more, so that what would be restarted is not. */
export function phaseOf(pod: Pod, statuses: readonly ContainerStatus[], options: { ended: boolean; initialized: boolean }): Phase {
  const init = countInit(pod, statuses);
  const main = countMain(pod, statuses);
  if (init.failed) return 'Failed';
  if (init.pending || (init.sidecarPending && !options.initialized) || main.waiting > 0 || init.sidecarWaiting > 0) return 'Pending';
  const running = main.running + init.sidecarRunning;
  if (main.unknown > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (main.stopped === 0) return 'Pending';
  if (!options.ended && main.restartable > 0) return 'Running';
  return main.stopped === main.succeeded ? 'Succeeded' : 'Failed';
}

function countInit(pod: Pod, statuses: readonly ContainerStatus[]) {
  const counts = { failed: false, pending: false, sidecarPending: false, sidecarRunning: 0, sidecarWaiting: 0 };
  for (const container of initContainersOf(pod)) {
    const status = statuses.find(({ name }) => name === container.spec.name);
    const terminated = status?.state?.terminated ?? (status?.state?.waiting === undefined ? undefined : status.lastState?.terminated);
    if (container.kind === 'sidecar') {
      if (status?.state?.running !== undefined) {
        counts.sidecarRunning++;
        if (status.started !== true) counts.sidecarPending = true;
      } else if (terminated === undefined) {
        counts.sidecarPending = true;
        if (status?.state?.waiting !== undefined) counts.sidecarWaiting++;
      }
    } else if (terminated === undefined) {
      counts.pending = true;
    } else if (terminated.exitCode !== 0 && !hasBegunAgain(terminated) && !restartsAfter(pod, container, terminated.exitCode)) {
      counts.failed = true;
    }
  }
  return counts;
}

function countMain(pod: Pod, statuses: readonly ContainerStatus[]) {
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0, restartable: 0, unknown: 0 };
  for (const container of mainContainersOf(pod)) {
    const status = statuses.find(({ name }) => name === container.spec.name);
    const ended = status?.state?.terminated ?? (status?.state?.waiting === undefined ? undefined : status.lastState?.terminated);
    if (status?.state?.running !== undefined) counts.running++;
    else if (ended !== undefined) {
      counts.stopped++;
      if (status?.state?.terminated?.exitCode === 0) counts.succeeded++;
      if (hasBegunAgain(ended) || restartsAfter(pod, container, ended.exitCode)) counts.restartable++;
    } else if (status?.state?.waiting !== undefined) counts.waiting++;
    else counts.unknown++;
  }
  return counts;
}
