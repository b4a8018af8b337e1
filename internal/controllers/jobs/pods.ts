// Pods of a Job: how many there should be at once, which are too many, which indexes come next, and how a new one looks (upstream: manageJob
// and indexed_job_utils.go).
import { copy, objectKey, type Draft } from '../../api/meta.ts';
import type { Container, Job, Pod } from '../../kinds/generated/api-types.ts';
import { PODS } from '../../kinds/generated/resources.ts';
import type { Action } from '../action.ts';
import { deletionOrder, isActive, isFinished, podFromTemplate } from '../pod-state.ts';
import { createPod, deletePod } from '../replicasets/replicas.ts';
import { allFailures, failureAnnotations, finishedAt, indexBackoffMs, jobBackoffMs } from './backoff.ts';
import { firstFree, hasIndex, indexesOf, mergeIndexes, type Indexes } from './indexes.ts';
import { completionIndex, hasValidIndex, isFailed, isIndexed, isLimitedByIndex, isTracked, TRACKING, verdictOn, waitsForEnd } from './policy.ts';

const CHANGES_MAX = 500;
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
const NAME_PREFIX_MAX = 58;

/** What is known of the Job's progress. */
export interface Progress {
  job: Job;
  pods: readonly Pod[];
  active: readonly Pod[];
  /** Counted, and about to be. */
  succeeded: number;
  succeededIndexes: Indexes;
  failedIndexes: Indexes;
  /** Failed pods by index whose successor is still to be made: it inherits their count of failures. */
  predecessors: ReadonlyMap<number, Pod>;
  now: number;
}

export interface PodChanges {
  creates: Draft<Pod>[];
  deletes: Pod[];
  againInMs?: number;
}

export function podChanges(progress: Progress): PodChanges {
  const { job, active } = progress;
  if (job.spec.suspend === true) return { creates: [], deletes: [...active] };
  const wanted = wantedActive(progress);
  const deletes = surplus(progress, Math.max(0, active.length - wanted)).slice(0, CHANGES_MAX);
  // Either deletes or creates in one pass, deletes first.
  if (deletes.length > 0) return { creates: [], deletes };
  const terminating = waitsForEnd(job) ? progress.pods.filter(isTerminating).length : 0;
  const missing = Math.min(wanted - terminating - active.length, CHANGES_MAX);
  return missing > 0 ? newPods(progress, missing) : { creates: [], deletes: [] };
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);
}

/** Without a number of completions, one success is the signal to start no more. */
function wantedActive({ job: { spec }, active, succeeded }: Progress): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - succeeded));
}

// Whatever has no index of its own goes in any case.
function surplus({ job, active, now }: Progress, atLeast: number): Pod[] {
  const ordered = deletionOrder(active, [], now);
  if (!isIndexed(job)) return ordered.slice(0, atLeast);
  const last = new Map(ordered.filter((pod) => hasValidIndex(job, pod)).map((pod) => [completionIndex(pod), pod]));
  const misplaced = ordered.filter((pod) => last.get(completionIndex(pod)) !== pod);
  const others = ordered.filter((pod) => last.get(completionIndex(pod)) === pod);
  return [...misplaced, ...others.slice(0, Math.max(0, atLeast - misplaced.length))];
}

function newPods(progress: Progress, missing: number): PodChanges {
  const { job, pods, now, predecessors } = progress;
  const wait = isLimitedByIndex(job) ? 0 : jobBackoffMs(job, pods, now);
  if (wait > 0) return { creates: [], deletes: [], againInMs: wait };
  if (!isIndexed(job)) {
    const draft = newPod(job);
    return { creates: Array.from({ length: missing }, () => draft), deletes: [] };
  }
  const indexes = pendingIndexes(progress, missing);
  const waits = isLimitedByIndex(job) ? indexes.map((index) => indexBackoffMs(predecessors.get(index), now)) : indexes.map(() => 0);
  const creates = indexes.filter((_, position) => waits[position] === 0).map((index) => newIndexedPod(job, index, predecessors.get(index)));
  const later = waits.filter((each) => each > 0);
  return { creates, deletes: [], ...(later.length > 0 && { againInMs: Math.min(...later) }) };
}

function pendingIndexes({ job, pods, active, succeededIndexes, failedIndexes }: Progress, count: number): number[] {
  const held = waitsForEnd(job) ? [...active, ...pods.filter(isTerminating)] : active;
  const taken = mergeIndexes(succeededIndexes, failedIndexes, indexesOf(held.map(completionIndex).filter((index) => index >= 0)));
  return firstFree(taken, count, job.spec.completions ?? 0);
}

/** Failed pods that keep their finalizer until a successor carries their count on. */
export function predecessorsOf({ job, pods, active, succeededIndexes, failedIndexes }: Omit<Progress, 'predecessors' | 'succeeded' | 'now'>): Map<number, Pod> {
  const result = new Map<number, Pod>();
  if (!isLimitedByIndex(job)) return result;
  const held = new Set(active.map(completionIndex));
  for (const pod of pods) {
    const index = completionIndex(pod);
    if (!isTracked(pod) || !isFailed(pod, job) || !hasValidIndex(job, pod)) continue;
    if (hasIndex(succeededIndexes, index) || hasIndex(failedIndexes, index) || held.has(index)) continue;
    const other = result.get(index);
    if (other === undefined || (allFailures(other) <= allFailures(pod) && finishedAt(pod) >= finishedAt(other))) result.set(index, pod);
  }
  return result;
}

function newPod(job: Job, generateName?: string): Draft<Pod> {
  const draft = podFromTemplate(job.spec.template, job, generateName === undefined ? {} : { generateName });
  draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), TRACKING])];
  return draft;
}

function newIndexedPod(job: Job, index: number, predecessor: Pod | undefined): Draft<Pod> {
  const suffix = `-${String(index)}-`;
  const draft = newPod(job, `${job.metadata.name.slice(0, NAME_PREFIX_MAX - suffix.length)}${suffix}`);
  const told = isLimitedByIndex(job) ? failureAnnotations(predecessor, predecessor === undefined || verdictOn(predecessor, job).counts) : {};
  draft.metadata.annotations = { ...draft.metadata.annotations, [COMPLETION_INDEX]: String(index), ...told };
  draft.metadata.labels = { ...draft.metadata.labels, [COMPLETION_INDEX]: String(index) };
  const { containers, initContainers } = draft.spec;
  draft.spec = { ...draft.spec, hostname: `${job.metadata.name}-${String(index)}`, containers: containers.map(withIndex), ...(initContainers !== undefined && { initContainers: initContainers.map(withIndex) }) };
  return draft;
}

function withIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === 'JOB_COMPLETION_INDEX') === true) return container;
  return { ...copy(container), env: [...(container.env ?? []), { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` } } }] };
}

/** Makes and ends pods. A pod that is taken back goes `uncounted`, without its finalizer: it is neither success nor failure. */
export function changeActions(job: Job, { creates, deletes }: PodChanges, uncounted: boolean): { actions: Action[]; slowStart: boolean } {
  if (creates.length > 0) return { actions: creates.map((draft) => createPod(job, draft)), slowStart: true };
  return { actions: deletes.map((pod): Action => ({ type: 'sequence', actions: [...(uncounted ? untrack(pod) : []), deletePod(job, pod)] })), slowStart: false };
}

export function untrack(pod: Pod): Action[] {
  if (!isTracked(pod)) return [];
  const key = objectKey(pod);
  return [{ type: 'patch', resource: PODS, key, patch: { type: 'strategic', body: { metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] } } }, tolerate: ['NotFound', 'Invalid', 'Conflict'] }];
}

export function activeOf(pods: readonly Pod[]): Pod[] {
  return pods.filter(isActive);
}
