// Conditions of a Job. The end is told twice: FailureTarget or SuccessCriteriaMet as soon as it is decided, Failed or Complete when no pod
// is left running and all are counted.
import { formatTime } from '../../api/meta.ts';
import type { Job, JobCondition, JobStatus } from '../../kinds/generated/api-types.ts';

export type JobConditionType = 'Suspended' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Failed' | 'Complete';

export function conditionTrue(status: JobStatus | undefined, type: JobConditionType): JobCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function isJobFinished({ status }: Job): boolean {
  return conditionTrue(status, 'Complete') !== undefined || conditionTrue(status, 'Failed') !== undefined;
}

export function jobCondition(type: JobConditionType, { reason = '', message = '' }: { reason?: string | undefined; message?: string | undefined }, now: number): JobCondition {
  const time = formatTime(now);
  return { type, status: 'True', lastProbeTime: time, lastTransitionTime: time, reason, message };
}

/** Sets it in place; going from nothing to False means nothing. true: something changed. */
export function ensureCondition(status: JobStatus, next: JobCondition): boolean {
  const old = status.conditions?.find(({ type }) => type === next.type);
  if (old === undefined) {
    if (next.status === 'False') return false;
    status.conditions = [...(status.conditions ?? []), next];
    return true;
  }
  if (old.status === next.status && (old.reason ?? '') === (next.reason ?? '') && (old.message ?? '') === (next.message ?? '')) return false;
  status.conditions = (status.conditions ?? []).map((condition) => (condition === old ? next : condition));
  return true;
}
