// When a Job's pod counts as failed, what podFailurePolicy makes of it, and when successPolicy is content (upstream: pkg/controller/job
// pod_failure_policy.go, success_policy.go).
import type { ContainerStatus, Job, Pod, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '../../kinds/generated/api-types.ts';
import { countCommon, countIndexes, parseIndexes, type Indexes } from './indexes.ts';

export const TRACKING = 'batch.kubernetes.io/job-tracking';
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

export interface Verdict {
  /** The failure counts towards the limits. */
  counts: boolean;
  action?: PodFailurePolicyRule['action'];
  /** The whole Job fails for this. */
  jobFailure?: string;
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) === true;
}

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed';
}

/** Failures are limited for each index by itself. */
export function isLimitedByIndex({ spec }: Job): boolean {
  return spec.backoffLimitPerIndex !== undefined;
}

/** -1: none. */
export function completionIndex({ metadata }: Pod): number {
  const text = metadata.annotations?.[COMPLETION_INDEX];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : -1;
}

export function hasValidIndex(job: Job, pod: Pod): boolean {
  const index = completionIndex(pod);
  return index >= 0 && index < (job.spec.completions ?? 0);
}

/** A terminating pod is replaced only when it has ended. */
export function waitsForEnd({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

/** Unless one waits for its end, a deleted pod is as good as failed: it may never get to say so. */
export function isFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !waitsForEnd(job) && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** Of a failed pod: the first rule that matches speaks. */
export function verdictOn(pod: Pod, job: Job): Verdict {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const cause = causeOf(rule, pod);
    if (cause === undefined) continue;
    const { action } = rule;
    if (action === 'FailJob') return { counts: true, action, jobFailure: `${cause} matching FailJob rule at index ${String(index)}` };
    return { counts: action !== 'Ignore', action };
  }
  return { counts: true };
}

function causeOf(rule: PodFailurePolicyRule, { metadata, status }: Pod): string | undefined {
  const pod = `${metadata.namespace ?? ''}/${metadata.name}`;
  if (rule.onExitCodes !== undefined) {
    const wanted = rule.onExitCodes;
    const ended = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find((each) => matchesExit(each, wanted));
    return ended === undefined ? undefined : `Container ${ended.name} for pod ${pod} failed with exit code ${String(ended.state?.terminated?.exitCode)}`;
  }
  const met = status?.conditions?.find((condition) => rule.onPodConditions?.some(({ type, status: wanted = 'True' }) => condition.type === type && condition.status === wanted));
  return met === undefined ? undefined : `Pod ${pod} has condition ${met.type}`;
}

function matchesExit({ name, state }: ContainerStatus, { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0 || (containerName !== undefined && containerName !== name)) return false;
  return (operator === 'In') === values.includes(code);
}

/** What made the Job a success before all its indexes are; undefined: nothing yet. */
export function successMessage({ spec }: Job, succeeded: Indexes): string | undefined {
  if (succeeded.length === 0) return undefined;
  const index = (spec.successPolicy?.rules ?? []).findIndex((rule) => {
    if (rule.succeededIndexes === undefined) return rule.succeededCount !== undefined && countIndexes(succeeded) >= rule.succeededCount;
    const required = parseIndexes(rule.succeededIndexes, spec.completions ?? 0);
    const met = countCommon(required, succeeded);
    return required.length > 0 && (met === countIndexes(required) || (rule.succeededCount !== undefined && met >= rule.succeededCount));
  });
  return index < 0 ? undefined : `Matched rules at index ${String(index)}`;
}
