// ttlSecondsAfterFinished: a finished Job goes, with its pods, when its time is over.
import { keyOf, parseKey } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Job } from '../../kinds/generated/api-types.ts';
import { JOBS } from '../../kinds/generated/resources.ts';
import { controllerLoop, remove, type Action, type ControllerLoop } from '../action.ts';
import { conditionTrue, isJobFinished } from './conditions.ts';

export function jobTtlLoop(): ControllerLoop<Job> {
  return controllerLoop<Job>({
    name: 'ttl-after-finished-controller',
    wakes: [wake(JOBS, (job) => (job.spec.ttlSecondsAfterFinished !== undefined && isJobFinished(job) ? [keyOf(job)] : []))],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      return views.of(JOBS).get(namespace, name);
    },
    plan,
  });
}

export function plan(job: Job, now: number): Plan<Action> {
  const ttl = job.spec.ttlSecondsAfterFinished;
  const end = (conditionTrue(job.status, 'Complete') ?? conditionTrue(job.status, 'Failed'))?.lastTransitionTime;
  if (ttl === undefined || end === undefined || job.metadata.deletionTimestamp !== undefined) return { actions: [] };
  const againInMs = Date.parse(end) + ttl * 1000 - now;
  return againInMs > 0 ? { actions: [], againInMs } : { actions: [remove(JOBS, job, { propagationPolicy: 'Foreground' })] };
}
