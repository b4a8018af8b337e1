// A Job's status may only go forward: what has ended stays ended, counts do not fall, and an end is told in the right order. Each rule holds
// where the fields it is about change (upstream: ValidateJobStatusUpdate, getStatusValidationOptions).
import { duplicate, invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import type { Job, JobStatus } from '../generated/api-types.ts';
import { parseIndexSpans } from './job-indexes-text.ts';
import { nonNegative } from '../numbers.ts';

type Condition = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Suspended';

const CONDITIONS = 'status.conditions';

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const before = old.status ?? {};
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
  return [
    ...counts.flatMap((field) => nonNegative(status[field], `status.${field}`)),
    ...validateUncounted(status),
    ...validateConditions(job, status, before),
    ...validateTimes(job, status, before),
    ...validateFinished(job, status, before),
    ...validateIndexes(job, status, before),
    ...validateCounters(job, status, before),
  ];
}

function is(status: JobStatus, type: Condition, value: 'True' | 'False' = 'True'): boolean {
  return status.conditions?.some((condition) => condition.type === type && condition.status === value) === true;
}

function isFinished(status: JobStatus): boolean {
  return is(status, 'Complete') || is(status, 'Failed');
}

function changed(status: JobStatus, before: JobStatus, ...what: (Condition | keyof JobStatus)[]): boolean {
  return what.some((each) => (/^[A-Z]/.test(each) ? is(status, each as Condition) !== is(before, each as Condition) : !sameSemantically(status[each as keyof JobStatus], before[each as keyof JobStatus])));
}

function bad(detail: string): FieldError {
  return invalid(CONDITIONS, undefined, detail);
}

function validateUncounted({ uncountedTerminatedPods: { succeeded = [], failed = [] } = {} }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  const check = (uids: readonly string[], field: string): FieldError[] => uids.flatMap((uid, index) => {
    const path = `status.uncountedTerminatedPods.${field}[${String(index)}]`;
    const errors = uid === '' ? [invalid(path, uid, 'must not be empty')] : seen.has(uid) ? [duplicate(path, uid)] : [];
    seen.add(uid);
    return errors;
  });
  return [...check(succeeded, 'succeeded'), ...check(failed, 'failed')];
}

function validateConditions(job: Job, status: JobStatus, before: JobStatus): FieldError[] {
  const [complete, failed, target, met] = [is(status, 'Complete'), is(status, 'Failed'), is(status, 'FailureTarget'), is(status, 'SuccessCriteriaMet')];
  const errors: FieldError[] = [];
  if (complete && failed && changed(status, before, 'Complete', 'Failed')) errors.push(bad('cannot set Complete=True and Failed=true conditions'));
  if (complete && target && changed(status, before, 'Complete', 'FailureTarget')) errors.push(bad('cannot set Complete=True and FailureTarget=true conditions'));
  if (failed && !target && changed(status, before, 'Failed', 'failedIndexes')) errors.push(bad('cannot set Failed=True condition without the FailureTarget=true condition'));
  if (complete && !met && changed(status, before, 'Complete', 'SuccessCriteriaMet')) errors.push(bad('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  if (met && failed) errors.push(bad('cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  if (met && target) errors.push(bad('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  if (job.spec.successPolicy !== undefined && complete && !met) errors.push(bad('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'));
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) if (is(before, type) && !is(status, type)) errors.push(bad(`cannot disable the terminal ${type}=True condition`));
  if (is(before, 'SuccessCriteriaMet') && !met) errors.push(bad('cannot disable the SuccessCriteriaMet=True condition'));
  if (is(before, 'Complete') && !is(before, 'SuccessCriteriaMet') && met) errors.push(bad('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  return errors;
}

function validateTimes(job: Job, status: JobStatus, before: JobStatus): FieldError[] {
  const { startTime, completionTime } = status;
  const path = 'status.completionTime';
  const complete = is(status, 'Complete');
  const errors: FieldError[] = [];
  if (changed(status, before, 'Complete', 'completionTime')) {
    if (completionTime !== undefined && !complete) errors.push(invalid(path, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
    if (completionTime === undefined && complete) errors.push(required(path, 'completionTime is required for Complete jobs'));
  }
  if (startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime) && changed(status, before, 'startTime', 'completionTime')) errors.push(invalid(path, completionTime, 'must be equal to or after `startTime`'));
  if (completionTime !== undefined && before.completionTime !== undefined && completionTime !== before.completionTime) errors.push(invalid(path, completionTime, 'field is immutable'));
  const resuming = is(before, 'Suspended') && is(status, 'Suspended', 'False');
  if (before.startTime !== undefined && startTime !== before.startTime && job.spec.suspend !== true && !resuming) errors.push(invalid('status.startTime', startTime ?? null, 'field is immutable for unsuspended job once set'));
  return errors;
}

function validateFinished(job: Job, status: JobStatus, before: JobStatus): FieldError[] {
  const errors: FieldError[] = [];
  const ended = (...what: (Condition | keyof JobStatus)[]): boolean => isFinished(status) && (isFinished(before) !== isFinished(status) || changed(status, before, ...what));
  const { active = 0, ready = 0, terminating = 0, uncountedTerminatedPods: { succeeded = [], failed = [] } = {} } = status;
  if (active > 0 && ended('active')) errors.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
  if (status.startTime === undefined && ended('startTime') && !(job.spec.suspend === true && job.spec.completions === 0)) errors.push(required('status.startTime', 'startTime is required for finished job'));
  if (succeeded.length + failed.length > 0 && ended('uncountedTerminatedPods')) errors.push(invalid('status.uncountedTerminatedPods', status.uncountedTerminatedPods, 'must be empty for finished job'));
  if (terminating > 0 && ended('terminating')) errors.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  if (ready > active && changed(status, before, 'ready', 'active')) errors.push(invalid('status.ready', ready, 'cannot set more ready pods than active'));
  return errors;
}

function validateIndexes({ spec }: Job, status: JobStatus, before: JobStatus): FieldError[] {
  const { completedIndexes = '', failedIndexes } = status;
  const [completedChanged, failedChanged] = [changed(status, before, 'completedIndexes'), status.failedIndexes !== before.failedIndexes];
  const errors: FieldError[] = [];
  const check = (field: 'completedIndexes' | 'failedIndexes', text: string): void => {
    try {
      parseIndexSpans(text, spec.completions ?? 0);
    } catch (error) {
      errors.push(invalid(`status.${field}`, text, `error parsing ${field}: ${(error as Error).message}`));
    }
  };
  if (completedChanged && spec.completions !== undefined) check('completedIndexes', completedIndexes);
  if (failedChanged && spec.completions !== undefined && spec.backoffLimitPerIndex !== undefined && failedIndexes !== undefined) check('failedIndexes', failedIndexes);
  if (completedChanged && completedIndexes !== '' && spec.completionMode !== 'Indexed') errors.push(invalid('status.completedIndexes', completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode'));
  if (failedChanged && failedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) errors.push(invalid('status.failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'));
  const common = errors.length === 0 && failedIndexes !== undefined ? firstCommon(completedIndexes, failedIndexes, spec.completions ?? 0) : undefined;
  if (common !== undefined && (completedChanged || failedChanged)) errors.push(invalid('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${String(common)}`));
  return errors;
}

function firstCommon(left: string, right: string, completions: number): number | undefined {
  try {
    const others = parseIndexSpans(right, completions);
    const pair = parseIndexSpans(left, completions).flatMap((a) => others.filter((b) => a.first <= b.last && b.first <= a.last).map((b) => Math.max(a.first, b.first)));
    return pair[0];
  } catch {
    return undefined; // told already, or not new
  }
}

function validateCounters({ spec }: Job, status: JobStatus, before: JobStatus): FieldError[] {
  const errors: FieldError[] = [];
  const mayShrink = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  if ((status.failed ?? 0) < (before.failed ?? 0)) errors.push(invalid('status.failed', status.failed ?? 0, 'cannot decrease the failed counter'));
  if (!mayShrink && (status.succeeded ?? 0) < (before.succeeded ?? 0)) errors.push(invalid('status.succeeded', status.succeeded ?? 0, 'cannot decrease the succeeded counter'));
  return errors;
}
