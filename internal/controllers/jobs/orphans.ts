// Pods that no Job waits for any more (it is gone, or has finished, or has let them go) lose its finalizer, so that they can be deleted.
import { controllerOf, keyOf, parseKey } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { Job, Pod } from '../../kinds/generated/api-types.ts';
import { JOBS, PODS } from '../../kinds/generated/resources.ts';
import { controllerLoop, type Action, type ControllerLoop } from '../action.ts';
import { ownedBy } from '../pod-state.ts';
import { isJobFinished } from './conditions.ts';
import { isManagedElsewhere } from './job.ts';
import { untrack } from './pods.ts';
import { isTracked } from './policy.ts';

export interface JobOrphanState {
  pod: Pod;
  /** The Job that controls it, when it is there. */
  job: Job | undefined;
}

export function jobOrphanLoop(): ControllerLoop<JobOrphanState> {
  return controllerLoop<JobOrphanState>({
    name: 'job-orphans',
    user: 'system:serviceaccount:kube-system:job-controller',
    wakes: [
      wake(PODS, (pod) => (isTracked(pod) ? [keyOf(pod)] : [])),
      wake(JOBS, (job, views) => (isJobFinished(job) || views.of(JOBS).get(job.metadata.namespace ?? '', job.metadata.name)?.metadata.uid !== job.metadata.uid ? trackedPods(job, views) : [])),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const pod = views.of(PODS).get(namespace, name);
      if (pod === undefined || !isTracked(pod)) return undefined;
      const owner = controllerOf(pod);
      if (owner !== undefined && owner.kind !== 'Job') return undefined;
      const job = owner === undefined ? undefined : views.of(JOBS).get(namespace, owner.name);
      return { pod, job: job?.metadata.uid === owner?.uid ? job : undefined };
    },
    plan,
  });
}

function trackedPods(job: Job, views: Views): string[] {
  return ownedBy(views.of(PODS), job.metadata.uid).filter(isTracked).map(keyOf);
}

export function plan({ pod, job }: JobOrphanState): Plan<Action> {
  return { actions: job === undefined || (!isManagedElsewhere(job) && isJobFinished(job)) ? untrack(pod) : [] };
}
