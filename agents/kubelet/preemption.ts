// Others end so that a critical pod has room (which of them: steps/preemption.ts). It waits until none of them holds anything, or their time is over;
// meanwhile it counts as if it were there, and they as if they were gone.
import type { Timer } from '../../internal/base/clock.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from './node-context.ts';
import { gracePeriodMs } from './pod-spec.ts';
import { hasEnded, type PodWorker } from './pod-worker.ts';
import { PREEMPTED, PREEMPTING } from './steps/preemption.ts';

export interface Preemption {
  /** Ends them and calls back once. */
  begin(pod: Pod, victims: readonly PodWorker[], done: () => void): void;
  /** A pod has ended. */
  freed(): void;
  /** Pods that wait. */
  waiting(): Pod[];
  stop(): void;
}

interface Waiting {
  pod: Pod;
  victims: readonly PodWorker[];
  timer: Timer;
  done(): void;
}

/** At least so long, else half as long again as the pod's own grace: for the runtime to do it. */
const PATIENCE_MS = 10_000;

export function createPreemption(node: Pick<NodeContext, 'clock' | 'event' | 'log'>): Preemption {
  const all = new Set<Waiting>();

  function settle(one: Waiting): void {
    if (!all.delete(one)) return;
    one.timer.cancel();
    one.done();
  }

  function giveUp(one: Waiting): void {
    for (const { pod } of one.victims.filter((worker) => !hasEnded(worker))) node.event(pod, 'Warning', 'ExceededGracePeriod', 'Container runtime did not kill the pod within specified grace period.');
    settle(one);
  }

  return {
    begin(pod, victims, done) {
      const patienceMs = Math.max(PATIENCE_MS, ...victims.map((worker) => gracePeriodMs(worker.pod) * 1.5));
      const one: Waiting = { pod, victims, done, timer: node.clock.setTimer(patienceMs, () => giveUp(one)) };
      all.add(one);
      for (const worker of victims) {
        node.event(worker.pod, 'Warning', PREEMPTING, PREEMPTED);
        node.log.warn('pod ends to make room for a critical one', { pod: worker.pod.metadata.name, namespace: worker.pod.metadata.namespace, critical: pod.metadata.name });
        worker.end(PREEMPTING, PREEMPTED, gracePeriodMs(worker.pod));
      }
      if (victims.every(hasEnded)) settle(one);
    },
    freed() {
      for (const one of all) if (one.victims.every(hasEnded)) settle(one);
    },
    waiting: () => [...all].map(({ pod }) => pod),
    stop() {
      for (const { timer } of all) timer.cancel();
      all.clear();
    },
  };
}

export function isPreempted({ memory }: PodWorker): boolean {
  return memory.forced?.status?.reason === PREEMPTING;
}
