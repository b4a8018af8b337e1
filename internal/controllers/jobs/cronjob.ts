// CronJob: makes a Job whenever its schedule is due, named after the minute, so that none is made twice; keeps as much history as it is told.
// What has run is read from the Jobs themselves: a Job that was made but not noted before a crash is noted in the next pass.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, formatTime, keyOf, parseKey, type Draft } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import { parseCronSchedule, type CronSchedule } from '../../kinds/batch/cron-schedule.ts';
import { zoneOf } from '../../kinds/batch/zoned-time.ts';
import type { CronJob, CronJobStatus, Job } from '../../kinds/generated/api-types.ts';
import { CRONJOBS, JOBS } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, note, remove, updateStatus, type Action, type ControllerLoop } from '../action.ts';
import { controllerReference, ownedBy, ownerKeys } from '../pod-state.ts';
import { conditionTrue, isJobFinished } from './conditions.ts';
import { lastDue, nextCheckInMs } from './cron-times.ts';

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const MINUTE_MS = 60_000;

export interface CronJobState {
  cronJob: CronJob;
  jobs: Job[];
  jobNamed(name: string): Job | undefined;
}

export function cronJobLoop(): ControllerLoop<CronJobState> {
  return controllerLoop<CronJobState>({
    name: 'cronjob-controller',
    wakes: [
      wake(CRONJOBS, (cronJob) => [keyOf(cronJob)]),
      wake(JOBS, (job, _views, previous) => [job, ...(previous === undefined ? [] : [previous])].flatMap((each) => ownerKeys(each, 'CronJob') ?? [])),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const cronJob = views.of(CRONJOBS).get(namespace, name);
      const jobs = views.of(JOBS);
      return cronJob === undefined ? undefined : { cronJob, jobs: ownedBy(jobs, cronJob.metadata.uid), jobNamed: (wanted) => jobs.get(namespace, wanted) };
    },
    plan,
  });
}

/** The pass in the making. */
interface Pass {
  cronJob: CronJob;
  status: CronJobStatus;
  /** Before the status is written, and after. */
  actions: Action[];
  creates: Action[];
}

export function plan({ cronJob, jobs, jobNamed }: CronJobState, now: number): Plan<Action> {
  const pass: Pass = { cronJob, status: copy(cronJob.status ?? {}), actions: [], creates: [] };
  noteJobs(pass, jobs);
  clearHistory(pass, jobs);
  const againInMs = cronJob.metadata.deletionTimestamp === undefined && cronJob.spec.suspend !== true ? schedule(pass, { jobs, jobNamed, now }) : undefined;
  if (pass.status.active?.length === 0) delete pass.status.active;
  const changed = !sameWhenWritten(pass.status, cronJob.status);
  const written = changed ? [updateStatus(CRONJOBS, { ...copy(cronJob), status: pass.status })] : [];
  return { actions: [...pass.actions, ...written, ...pass.creates], ...(againInMs !== undefined && { againInMs }) };
}

/** Active ones, the newest time that was run for, the last success. */
function noteJobs({ cronJob, status, actions }: Pass, jobs: readonly Job[]): void {
  const uids = new Set((status.active ?? []).map(({ uid }) => uid));
  for (const job of jobs) {
    const listed = uids.has(job.metadata.uid);
    const minute = scheduledMinute(cronJob, job);
    if (minute !== undefined && minute * MINUTE_MS > Date.parse(status.lastScheduleTime ?? '1970-01-01')) status.lastScheduleTime = formatTime(Date.parse(job.metadata.annotations?.[SCHEDULED_AT] ?? '') || minute * MINUTE_MS);
    if (isJobFinished(job)) {
      noteFinished({ cronJob, status, actions }, job, listed);
    } else if (!listed && job.metadata.deletionTimestamp === undefined) {
      if (minute === undefined) tell(actions, cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);
      else status.active = [...(status.active ?? []), referenceTo(job)];
    }
  }
  for (const { uid, name } of status.active ?? []) {
    if (jobs.some(({ metadata }) => metadata.uid === uid)) continue;
    tell(actions, cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name ?? ''}`);
    dropActive(status, uid);
  }
}

function noteFinished({ cronJob, status, actions }: Pick<Pass, 'cronJob' | 'status' | 'actions'>, job: Job, listed: boolean): void {
  const success = conditionTrue(job.status, 'Complete') !== undefined;
  if (listed) {
    dropActive(status, job.metadata.uid);
    tell(actions, cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${success ? 'Complete' : 'Failed'}`);
  }
  const at = job.status?.completionTime;
  if (success && at !== undefined && (status.lastSuccessfulTime === undefined || Date.parse(at) > Date.parse(status.lastSuccessfulTime))) status.lastSuccessfulTime = at;
}

function clearHistory(pass: Pass, jobs: readonly Job[]): void {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = pass.cronJob.spec;
  const ended = (type: 'Complete' | 'Failed'): Job[] => jobs.filter(({ status }) => conditionTrue(status, type) !== undefined).sort(byStart);
  const limits = [[ended('Complete'), successfulJobsHistoryLimit], [ended('Failed'), failedJobsHistoryLimit]] as const;
  for (const [all, limit] of limits) for (const job of all.slice(0, limit === undefined ? 0 : Math.max(0, all.length - limit))) drop(pass, job);
}

function byStart({ metadata: left, status: a }: Job, { metadata: right, status: b }: Job): number {
  const start = (time: string | undefined): number => (time === undefined ? Infinity : Date.parse(time));
  return start(a?.startTime) === start(b?.startTime) ? (left.name < right.name ? -1 : 1) : start(a?.startTime) - start(b?.startTime);
}

/** Starts what is due. Gives when to look again. */
function schedule(pass: Pass, { jobs, jobNamed, now }: { jobs: readonly Job[]; jobNamed(name: string): Job | undefined; now: number }): number | undefined {
  const { cronJob, status, actions } = pass;
  const times = scheduleOf(pass);
  if (times === undefined) return undefined;
  const seen: CronJob = { ...cronJob, status };
  const { atMs, tooMany, never } = lastDue(seen, times, now);
  if (never) tell(actions, cronJob, 'Warning', 'InvalidSchedule', `invalid schedule: ${cronJob.spec.schedule} : time difference between two schedules is less than 1 second`);
  const next = nextCheckInMs(seen, times, now);
  if (atMs === undefined) return next;
  if (tooMany) tell(actions, cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew');
  const deadline = cronJob.spec.startingDeadlineSeconds;
  if (deadline !== undefined && atMs + deadline * 1000 < now) {
    tell(actions, cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(atMs).toUTCString().replace('GMT', '+0000')}`);
    return next;
  }
  const name = `${cronJob.metadata.name}-${String(Math.floor(atMs / MINUTE_MS))}`;
  if (jobNamed(name) !== undefined || atMs === Date.parse(status.lastScheduleTime ?? '')) return next;
  const active = status.active ?? [];
  if (cronJob.spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
    tell(actions, cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid');
    return next;
  }
  if (cronJob.spec.concurrencyPolicy === 'Replace') for (const job of jobs.filter(({ metadata }) => active.some(({ uid }) => uid === metadata.uid))) drop(pass, job);
  pass.creates.push(create(JOBS, jobFor(cronJob, name, atMs), {
    done: note(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`),
    failed: note(cronJob, 'Warning', 'FailedCreate', 'Error creating job: $error'),
  }));
  return next;
}

function scheduleOf({ cronJob, actions }: Pass): CronSchedule | undefined {
  const { schedule: text, timeZone } = cronJob.spec;
  try {
    return parseCronSchedule(text, timeZone);
  } catch (error) {
    if (error instanceof RangeError) tell(actions, cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone ?? ''}`);
    else tell(actions, cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(text)} : ${(error as Error).message}`);
    return undefined;
  }
}

function jobFor(cronJob: CronJob, name: string, atMs: number): Draft<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: cronJob.metadata.namespace ?? '',
      ...(metadata?.labels !== undefined && { labels: { ...metadata.labels } }),
      annotations: { ...metadata?.annotations, [SCHEDULED_AT]: zonedTime(atMs, cronJob.spec.timeZone ?? 'UTC') },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: copy(spec) as Job['spec'],
  };
}

/** RFC 3339 with the zone's offset. */
function zonedTime(atMs: number, timeZone: string): string {
  const offset = zoneOf(timeZone).offsetMinutes(atMs);
  if (offset === 0) return formatTime(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${formatTime(atMs + offset * MINUTE_MS).slice(0, 19)}${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
}

/** The minute (since 1970) that the Job was made for; undefined when this CronJob did not make it by its schedule. */
function scheduledMinute(cronJob: CronJob, { metadata: { name } }: Job): number | undefined {
  const prefix = `${cronJob.metadata.name}-`;
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d{1,10}$/.test(rest) ? Number(rest) : undefined;
}

function drop({ cronJob, status, actions }: Pass, job: Job): void {
  if (job.metadata.deletionTimestamp !== undefined) return;
  dropActive(status, job.metadata.uid);
  actions.push(remove(JOBS, job, { propagationPolicy: 'Background' }, {
    done: note(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`),
    failed: note(cronJob, 'Warning', 'FailedDelete', 'Deleted job: $error'),
  }));
}

function dropActive(status: CronJobStatus, uid: string | undefined): void {
  status.active = (status.active ?? []).filter((reference) => reference.uid !== uid);
}

function referenceTo({ apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } }: Job): NonNullable<CronJobStatus['active']>[number] {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name, uid, resourceVersion };
}

function tell(actions: Action[], about: CronJob, type: 'Normal' | 'Warning', reason: string, message: string): void {
  actions.push({ type: 'event', note: note(about, type, reason, message) });
}
