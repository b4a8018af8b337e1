// Counting finished pods exactly once, whatever crashes when: a pod keeps a finalizer until it is counted. First its uid goes into
// status.uncountedTerminatedPods (or its index into completedIndexes), then the finalizer goes, then the uid turns into a count. Each step
// is seen in the next pass from what the cluster shows (upstream: trackJobStatusAndRemoveFinalizers).
import type { JobStatus, Pod } from '../../kinds/generated/api-types.ts';
import { formatIndexes, countIndexes, hasIndex, indexesOf, mergeIndexes, type Indexes } from './indexes.ts';
import type { Progress } from './pods.ts';
import { completionIndex, hasValidIndex, isFailed, isIndexed, isLimitedByIndex, isTracked, verdictOn } from './policy.ts';

const UNCOUNTED_MAX = 500;

export interface Ending {
  /** The Job has come to an end; pods are let go whatever their state. */
  decided: boolean;
  /** ... and not by success: what still runs then counts as failed. */
  failed: boolean;
}

/** Moves uids of pods without finalizer to the counts, in place. */
export function countUntracked(status: JobStatus, pods: readonly Pod[]): void {
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const still = (uids: readonly string[]): string[] => uids.filter((uid) => tracked.has(uid));
  addTo(status, 'succeeded', succeeded.length - still(succeeded).length);
  addTo(status, 'failed', failed.length - still(failed).length);
  status.uncountedTerminatedPods = uncounted(still(succeeded), still(failed));
}

/** Notes newly finished pods in the status, in place. Gives those whose finalizer may go once the status is written. */
export function noteFinished(status: JobStatus, progress: Progress, { ending, known }: { ending: Ending; known: Indexes }): { release: Pod[]; all: boolean } {
  const { job } = progress;
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const notes = { succeeded: new Set(succeeded), failed: new Set(failed), indexes: new Set<number>() };
  const release: Pod[] = [];
  let all = true;
  for (const pod of inOrder(progress)) {
    if (!isTracked(pod) || !mayRelease(progress, pod, ending)) continue;
    release.push(pod);
    noteOne(progress, pod, { notes, ending, known });
    if (notes.succeeded.size + notes.failed.size + notes.indexes.size < UNCOUNTED_MAX) continue;
    all = false;
    break;
  }
  status.uncountedTerminatedPods = uncounted([...notes.succeeded], [...notes.failed]);
  if (isIndexed(job)) writeIndexes(status, progress, mergeIndexes(known, indexesOf(notes.indexes)));
  return { release, all };
}

function noteOne({ job }: Progress, pod: Pod, { notes, ending, known }: { notes: { succeeded: Set<string>; failed: Set<string>; indexes: Set<number> }; ending: Ending; known: Indexes }): void {
  const { uid } = pod.metadata;
  if (pod.status?.phase === 'Succeeded' && !notes.failed.has(uid)) {
    if (!isIndexed(job)) notes.succeeded.add(uid);
    else if (hasValidIndex(job, pod) && !hasIndex(known, completionIndex(pod))) notes.indexes.add(completionIndex(pod));
    return;
  }
  if (!isFailed(pod, job) && !ending.failed) return;
  if (isIndexed(job) && !hasValidIndex(job, pod)) return;
  if (job.spec.podFailurePolicy === undefined || verdictOn(pod, job).counts) notes.failed.add(uid);
}

function mayRelease({ job, predecessors }: Progress, pod: Pod, ending: Ending): boolean {
  if (job.metadata.deletionTimestamp !== undefined || ending.decided || pod.status?.phase === 'Succeeded') return true;
  return isFailed(pod, job) && predecessors.get(completionIndex(pod))?.metadata.uid !== pod.metadata.uid;
}

function inOrder({ job, pods }: Progress): readonly Pod[] {
  return isIndexed(job) ? [...pods].sort((left, right) => completionIndex(left) - completionIndex(right)) : pods;
}

function writeIndexes(status: JobStatus, { job, failedIndexes }: Progress, completed: Indexes): void {
  status.succeeded = countIndexes(completed);
  status.completedIndexes = formatIndexes(completed);
  if (isLimitedByIndex(job)) status.failedIndexes = formatIndexes(failedIndexes);
}

function uncounted(succeeded: string[], failed: string[]): NonNullable<JobStatus['uncountedTerminatedPods']> {
  return { ...(failed.length > 0 && { failed }), ...(succeeded.length > 0 && { succeeded }) };
}

function addTo(status: JobStatus, field: 'succeeded' | 'failed', count: number): void {
  if (count > 0) status[field] = (status[field] ?? 0) + count;
}
