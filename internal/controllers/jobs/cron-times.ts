// When a CronJob is due, pure: the last time it should have run, whether many were missed, and when to look again (upstream:
// pkg/controller/cronjob/utils.go).
import type { CronJob } from '../../kinds/generated/api-types.ts';
import type { CronSchedule } from '../../kinds/batch/cron-schedule.ts';

/** Clocks differ a little: rather a moment late than a moment early. */
const PADDING_MS = 100;
const MANY = 100;

export interface Due {
  /** The time to run for; undefined: none since the last. */
  atMs?: number;
  tooMany: boolean;
  /** The schedule names no day that exists. */
  never: boolean;
}

export function lastDue(cronJob: CronJob, schedule: CronSchedule, now: number): Due {
  return since(earliest(cronJob, now, true), schedule, now);
}

export function nextCheckInMs(cronJob: CronJob, schedule: CronSchedule, now: number): number | undefined {
  const from = earliest(cronJob, now, false);
  const { atMs, never } = since(from, schedule, now);
  const missed = (schedule.next(from) ?? Infinity) <= now;
  const next = schedule.next(never ? now : (atMs ?? (missed ? now : from)));
  return next === undefined ? undefined : Math.max(0, next + PADDING_MS - now);
}

/** Nothing before is made up for: the last run, the CronJob's beginning, or the starting deadline. */
function earliest({ metadata, spec, status }: CronJob, now: number, withDeadline: boolean): number {
  const last = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  return withDeadline && spec.startingDeadlineSeconds !== undefined ? Math.max(last, now - Number(spec.startingDeadlineSeconds) * 1000) : last;
}

function since(from: number, schedule: CronSchedule, now: number): Due {
  const first = schedule.next(from);
  const second = first === undefined ? undefined : schedule.next(first);
  if (first === undefined || second === undefined) return { tooMany: false, never: first === undefined };
  if (now < first) return { tooMany: false, never: false };
  if (now < second) return { atMs: first, tooMany: false, never: false };
  // Guess how many there were, then walk the last few: years of a stopped clock cost no more than a minute.
  const interval = second - first;
  const missed = Math.floor((now - first) / interval) + 1;
  let atMs: number | undefined;
  for (let at = schedule.next(first + (missed - 2) * interval); at !== undefined && at <= now; at = schedule.next(at)) atMs = at;
  return { ...(atMs !== undefined && { atMs }), tooMany: missed > MANY, never: false };
}
