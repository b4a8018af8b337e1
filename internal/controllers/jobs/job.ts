// Job: runs pods until enough of them have succeeded, or too many have failed. One pass counts what has ended (tracking.ts), decides
// whether that is the end, and else starts or takes back pods (pods.ts). The end is told before it is complete, see conditions.ts.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, formatTime, keyOf, parseKey } from '../../api/meta.ts';
import { selectorOf } from '../../api/selectors.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { Job, JobCondition, JobStatus, Pod } from '../../kinds/generated/api-types.ts';
import { JOBS, PODS } from '../../kinds/generated/resources.ts';
import { controllerLoop, note, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { claim } from '../claim.ts';
import { adopterKeys, isReady, orphansIn, ownedBy, ownerKeys } from '../pod-state.ts';
import { countedFailures } from './backoff.ts';
import { conditionTrue, ensureCondition, isJobFinished, jobCondition } from './conditions.ts';
import { countIndexes, indexesOf, mergeIndexes, parseIndexes, type Indexes } from './indexes.ts';
import { activeOf, changeActions, isTerminating, podChanges, predecessorsOf, untrack, type PodChanges, type Progress } from './pods.ts';
import { completionIndex, hasValidIndex, isFailed, isIndexed, isLimitedByIndex, isTracked, successMessage, TRACKING, verdictOn } from './policy.ts';
import { countUntracked, noteFinished } from './tracking.ts';

export interface JobState {
  job: Job;
  /** Owned, and orphans of the namespace that the Job selects. */
  pods: Pod[];
}

export function jobLoop(): ControllerLoop<JobState> {
  return controllerLoop<JobState>({
    name: 'job-controller',
    wakes: [
      wake(JOBS, (job) => [keyOf(job)]),
      wake(PODS, (pod, views, previous) => [pod, ...(previous === undefined ? [] : [previous])].flatMap((each) => keysOfPod(each, views))),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const job = views.of(JOBS).get(namespace, name);
      if (job === undefined || isManagedElsewhere(job) || isJobFinished(job)) return undefined;
      const pods = views.of(PODS);
      const selector = selectorOf(job.spec.selector);
      return { job, pods: [...ownedBy(pods, job.metadata.uid), ...orphansIn(pods, namespace).filter(({ metadata }) => selector.matches(metadata.labels))] };
    },
    plan,
  });
}

export function isManagedElsewhere({ spec }: Job): boolean {
  return spec.managedBy !== undefined && spec.managedBy !== 'kubernetes.io/job-controller';
}

function keysOfPod(pod: Pod, views: Views): string[] {
  return ownerKeys(pod, 'Job') ?? adopterKeys(pod, views.of(JOBS), ({ spec }) => spec.selector);
}

export function plan({ job, pods }: JobState, now: number): Plan<Action> {
  const claimed = claim(job, job.spec.selector, pods, PODS, [TRACKING]);
  // What is adopted or released shows in the next pass.
  if (claimed.actions.length > 0) return { actions: claimed.actions };
  const status = copy(job.status ?? {});
  countUntracked(status, claimed.owned);
  const known = parseIndexes(status.completedIndexes, job.spec.completions ?? 0);
  const progress = progressOf(job, status, { pods: claimed.owned, known, now });
  const suspended = job.spec.suspend === true;
  if (status.startTime === undefined && !suspended) status.startTime = formatTime(now);
  const failedCount = (status.failed ?? 0) + (status.uncountedTerminatedPods?.failed?.length ?? 0) + newFailures(progress, status);
  const end = decidedEnd(progress, status, failedCount);
  const changes: PodChanges = end !== undefined ? { creates: [], deletes: [...progress.active] } : job.metadata.deletionTimestamp !== undefined ? { creates: [], deletes: [] } : podChanges(progress);
  const activeAfter = progress.active.length + changes.creates.length - changes.deletes.length;
  const completed = end ?? completion(progress, activeAfter);
  const events = completed === undefined && job.metadata.deletionTimestamp === undefined ? noteSuspension(status, job, now) : [];
  const failing = completed !== undefined && completed.type !== 'SuccessCriteriaMet';
  const { release, all } = noteFinished(status, progress, { ending: { decided: completed !== undefined, failed: failing }, known });
  if (completed !== undefined) ensureCondition(status, completed);
  const failedWrite = settle(status, progress, { creates: [], deletes: [] });
  const written = settle(status, progress, changes);
  const mayFinish = all && release.length === 0 && (written.terminating ?? 0) === 0;
  if (completed !== undefined && mayFinish) events.push(...finish(written, completed, { job, now }));
  const actions = actionsFor(job, { changes, written, failedWrite, release, ended: end !== undefined });
  return { actions: [...actions, ...events], ...again(job, status, { changes, now, ended: completed !== undefined }) };
}

function progressOf(job: Job, status: JobStatus, { pods, known, now }: { pods: readonly Pod[]; known: Indexes; now: number }): Progress {
  const completions = job.spec.completions ?? 0;
  const active = activeOf(pods);
  const fresh = pods.filter((pod) => pod.status?.phase === 'Succeeded' && isTracked(pod));
  const succeededIndexes = isIndexed(job) ? mergeIndexes(known, indexesOf(fresh.filter((pod) => hasValidIndex(job, pod)).map(completionIndex))) : [];
  const uncounted = new Set(status.uncountedTerminatedPods?.succeeded ?? []);
  const succeeded = isIndexed(job) ? countIndexes(succeededIndexes) : (status.succeeded ?? 0) + uncounted.size + fresh.filter(({ metadata }) => !uncounted.has(metadata.uid)).length;
  const failed = isLimitedByIndex(job) ? pods.filter((pod) => isTracked(pod) && hasValidIndex(job, pod) && endsIndex(pod, job)).map(completionIndex) : [];
  const failedIndexes = mergeIndexes(parseIndexes(status.failedIndexes, completions), indexesOf(failed));
  const partial = { job, pods, active, succeededIndexes, failedIndexes };
  return { ...partial, succeeded, predecessors: predecessorsOf(partial), now };
}

/** The pod's failure is the last that its index may have. */
function endsIndex(pod: Pod, job: Job): boolean {
  if (!isFailed(pod, job)) return false;
  const { counts, action } = verdictOn(pod, job);
  return action === 'FailIndex' || (counts && countedFailures(pod) >= (job.spec.backoffLimitPerIndex ?? 0));
}

function newFailures({ job, pods }: Progress, status: JobStatus): number {
  const noted = new Set(status.uncountedTerminatedPods?.failed ?? []);
  return pods.filter((pod) => isTracked(pod) && !noted.has(pod.metadata.uid) && isFailed(pod, job) && (!isIndexed(job) || hasValidIndex(job, pod)) && verdictOn(pod, job).counts).length;
}

/** What ends the Job before its completions are reached: told in an earlier pass, or to be told now. */
function decidedEnd(progress: Progress, status: JobStatus, failed: number): JobCondition | undefined {
  const { job, pods, now, succeededIndexes, failedIndexes } = progress;
  const told = conditionTrue(status, 'SuccessCriteriaMet') ?? conditionTrue(status, 'FailureTarget');
  if (told !== undefined) return told;
  const failure = (reason: string, message: string): JobCondition => jobCondition('FailureTarget', { reason, message }, now);
  const byPolicy = job.spec.podFailurePolicy === undefined ? undefined : pods.filter((pod) => isFailed(pod, job)).map((pod) => verdictOn(pod, job).jobFailure).find((message) => message !== undefined);
  if (byPolicy !== undefined) return failure('PodFailurePolicy', byPolicy);
  if (failed > (job.spec.backoffLimit ?? 6) || restartedTooOften(job, pods)) return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if ((deadlineInMs(job, status, now) ?? 1) <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (!isIndexed(job)) return undefined;
  const failedCount = countIndexes(failedIndexes);
  if (isLimitedByIndex(job)) {
    if (job.spec.maxFailedIndexes !== undefined && failedCount > job.spec.maxFailedIndexes) return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
    if (failedCount > 0 && failedCount + countIndexes(succeededIndexes) >= (job.spec.completions ?? 0)) return failure('FailedIndexes', 'Job has failed indexes');
  }
  const message = successMessage(job, succeededIndexes);
  return message === undefined ? undefined : jobCondition('SuccessCriteriaMet', { reason: 'SuccessPolicy', message }, now);
}

/** With restartPolicy OnFailure it is containers that are counted, not pods. */
function restartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const running = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  const restarts = running.flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]).reduce((sum, { restartCount }) => sum + restartCount, 0);
  return spec.backoffLimit === 0 ? restarts > 0 : restarts >= (spec.backoffLimit ?? 6);
}

function deadlineInMs({ spec }: Job, status: JobStatus, now: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || status.startTime === undefined || spec.suspend === true) return undefined;
  return Date.parse(status.startTime) + Number(spec.activeDeadlineSeconds) * 1000 - now;
}

function completion({ job: { spec }, succeeded, now }: Progress, active: number): JobCondition | undefined {
  const reached = spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions;
  return reached && active === 0 ? jobCondition('SuccessCriteriaMet', { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }, now) : undefined;
}

/** A deadline counts from when the Job last went to work. */
function noteSuspension(status: JobStatus, job: Job, now: number): Action[] {
  const suspended = job.spec.suspend === true;
  const next = jobCondition('Suspended', { reason: suspended ? 'JobSuspended' : 'JobResumed', message: suspended ? 'Job suspended' : 'Job resumed' }, now);
  if (!ensureCondition(status, { ...next, status: suspended ? 'True' : 'False' })) return [];
  if (suspended) delete status.startTime;
  else status.startTime = formatTime(now);
  return [{ type: 'event', note: note(job, 'Normal', suspended ? 'Suspended' : 'Resumed', suspended ? 'Job suspended' : 'Job resumed') }];
}

/** The status with the counts that hold once `changes` are made. */
function settle(status: JobStatus, { pods, active }: Progress, { creates, deletes }: PodChanges): JobStatus {
  const { active: _old, ...rest } = copy(status);
  const count = active.length + creates.length - deletes.length;
  return { ...rest, ...(count > 0 && { active: count }), ready: active.filter(isReady).length - deletes.filter(isReady).length, terminating: pods.filter(isTerminating).length + deletes.length };
}

/** Told when nothing runs and nothing is left to count. */
function finish(status: JobStatus, told: JobCondition, { job, now }: { job: Job; now: number }): Action[] {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length > 0) return [];
  const success = told.type === 'SuccessCriteriaMet';
  ensureCondition(status, jobCondition(success ? 'Complete' : 'Failed', told, now));
  if (!success) return [{ type: 'event', note: note(job, 'Warning', told.reason ?? '', told.message ?? '') }];
  status.completionTime = formatTime(now);
  const tooMany = job.spec.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions;
  return [...(tooMany ? [{ type: 'event' as const, note: note(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached') }] : []), { type: 'event', note: note(job, 'Normal', 'Completed', 'Job completed') }];
}

interface Work {
  changes: PodChanges;
  written: JobStatus;
  failedWrite: JobStatus;
  release: Pod[];
  ended: boolean;
}

// Finalizers go only after the status that remembers their pods is written. At the end of the Job its pods keep them while they are deleted,
// so that they are counted.
function actionsFor(job: Job, { changes, written, failedWrite, release, ended }: Work): Action[] {
  const record = (status: JobStatus): Action[] => [
    ...(sameWhenWritten(shown(status), shown(job.status)) ? [] : [updateStatus(JOBS, { ...copy(job), status: shown(status) })]),
    ...(release.length > 0 ? [{ type: 'batch' as const, slowStart: false, actions: release.flatMap(untrack) }] : []),
  ];
  const { actions, slowStart } = changeActions(job, changes, !ended);
  const work: Action[] = actions.length === 0 ? [] : [{ type: 'batch', slowStart, actions, onFailure: record(failedWrite) }];
  return [...work, ...record(written)];
}

// Zero and empty are left out where the API leaves them out.
function shown(status: JobStatus | undefined): JobStatus {
  const { succeeded = 0, failed = 0, completedIndexes = '', ...rest } = status ?? {};
  return { ...rest, ...(succeeded > 0 && { succeeded }), ...(failed > 0 && { failed }), ...(completedIndexes !== '' && { completedIndexes }) };
}

function again(job: Job, status: JobStatus, { changes, now, ended }: { changes: PodChanges; now: number; ended: boolean }): { againInMs?: number } {
  const waits = [changes.againInMs, ended ? undefined : deadlineInMs(job, status, now)].filter((wait) => wait !== undefined);
  return waits.length === 0 ? {} : { againInMs: Math.max(0, Math.min(...waits)) };
}
