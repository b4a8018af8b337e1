// How long a pod's worker takes, for the metrics: to begin, for each turn, until the pod runs, until the API knows of a status.
import type { Pod, PodStatus } from '../../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from '../node-context.ts';

export interface WorkerTimes {
  turn(work: () => void): void;
  /** The API shows the pod otherwise: the next turn is for that. */
  updated(): void;
  /** The pod's status, after a turn. */
  shows(status: PodStatus): void;
  /** Is to be written; told again when that is tried again. */
  statusChanged(): void;
  statusWritten(): void;
}

export function createWorkerTimes(pod: Pod, { clock, counts }: Pick<NodeContext, 'clock' | 'counts'>): WorkerTimes {
  const seenMs = clock.monotonicMs();
  const since = (ms: number): number => (clock.monotonicMs() - ms) / 1000;
  let operation = 'create';
  // Of one that ran before this process did it is not known when it was first seen.
  let awaitsStart = pod.status?.phase === undefined || pod.status.phase === 'Pending';
  let changedMs: number | undefined;
  return {
    turn(work) {
      const begun = clock.monotonicMs();
      if (operation === 'create') counts.observe('kubelet_pod_worker_start_duration_seconds', since(seenMs));
      try {
        work();
      } finally {
        counts.observe('kubelet_pod_worker_duration_seconds', since(begun), { operation_type: operation });
        operation = 'sync';
      }
    },
    updated() {
      if (operation === 'sync') operation = 'update';
    },
    shows({ phase }) {
      if (!awaitsStart || phase === 'Pending') return;
      awaitsStart = false;
      if (phase === 'Running') counts.observe('kubelet_pod_start_duration_seconds', since(seenMs));
    },
    statusChanged() {
      changedMs ??= clock.monotonicMs();
    },
    statusWritten() {
      if (changedMs !== undefined) counts.observe('kubelet_pod_status_sync_duration_seconds', since(changedMs));
      changedMs = undefined;
    },
  };
}
