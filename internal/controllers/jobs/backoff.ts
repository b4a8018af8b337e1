// How long a Job waits before it replaces failed pods: 10 s, doubling to 10 min, counted from the last failure since the last success. The
// pods themselves tell, so that nothing need be remembered across restarts (upstream: pkg/controller/job/backoff_utils.go).
import type { ContainerStatus, Job, Pod } from '../../kinds/generated/api-types.ts';
import { conditionOf, isSidecar } from '../pod-state.ts';
import { isFailed, isTracked } from './policy.ts';

const FIRST_MS = 10_000;
const MAX_MS = 600_000;

const FAILURES = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export function jobBackoffMs(job: Job, pods: readonly Pod[], now: number): number {
  const lastSuccess = Math.max(-Infinity, ...pods.filter(({ status }) => status?.phase === 'Succeeded').map(finishedAt));
  // A pod that was taken back (suspend, less parallelism) goes without its finalizer and is no failure.
  const failures = pods.filter((pod) => isFailed(pod, job) && (pod.status?.phase === 'Failed' || isTracked(pod))).map(finishedAt).filter((at) => at > lastSuccess);
  return remainingMs(failures.length, Math.max(0, ...failures), now);
}

/** `last`: the failed pod that the new one replaces at its index. */
export function indexBackoffMs(last: Pod | undefined, now: number): number {
  return last === undefined ? 0 : remainingMs(allFailures(last) + 1, finishedAt(last), now);
}

export function countedFailures(pod: Pod): number {
  return annotated(pod, FAILURES);
}

/** Counted and ignored ones, before this pod. */
export function allFailures(pod: Pod): number {
  return annotated(pod, FAILURES) + annotated(pod, IGNORED_FAILURES);
}

/** What the pod that replaces `last` is told of its index. */
export function failureAnnotations(last: Pod | undefined, counts: boolean): Record<string, string> {
  if (last === undefined) return { [FAILURES]: '0' };
  const ignored = annotated(last, IGNORED_FAILURES) + (counts ? 0 : 1);
  return { [FAILURES]: String(countedFailures(last) + (counts ? 1 : 0)), ...(ignored > 0 && { [IGNORED_FAILURES]: String(ignored) }) };
}

/** When its containers ended; else since when it is not ready; else when it was deleted; else when it was made. */
export function finishedAt(pod: Pod): number {
  const { metadata, spec, status } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const ends = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name))].map(endOf);
  if (ends.length > 0 && ends.every((end) => !Number.isNaN(end))) return Math.max(...ends);
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status === 'False' && ready.lastTransitionTime !== undefined) return Date.parse(ready.lastTransitionTime);
  if (metadata.deletionTimestamp !== undefined) return Date.parse(metadata.deletionTimestamp) - Number(metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return Date.parse(metadata.creationTimestamp);
}

function endOf({ state }: ContainerStatus): number {
  return Date.parse(state?.terminated?.finishedAt ?? '');
}

function remainingMs(failures: number, last: number, now: number): number {
  if (failures === 0) return 0;
  return Math.max(0, last + Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(30, failures - 1)) - now);
}

function annotated({ metadata }: Pod, name: string): number {
  const text = metadata.annotations?.[name] ?? '';
  return /^\d{1,10}$/.test(text) ? Number(text) : 0;
}
