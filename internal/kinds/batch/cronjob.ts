// CronJob: defaults and row (upstream: pkg/apis/batch).
import { ageOf, objectAge } from '../../api/age.ts';
import { copy } from '../../api/meta.ts';
import { invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { subdomainName } from '../../api/names.ts';
import type { CronJob, JobSpec } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { containerCells } from '../cells.ts';
import { parseCronSchedule } from './cron-schedule.ts';
import { validateJobTemplate } from './job-validation.ts';
import { formatLabelSelector } from '../label-selector.ts';
import { nonNegative } from '../numbers.ts';
import { podSpecDefaults } from '../pod-spec/defaults.ts';
import { isTimeZone } from './zoned-time.ts';
import { isNews, podNameWarnings } from '../pod-spec/warnings.ts';
import { jobSpecWarnings } from './job-warnings.ts';

/** A Job's name is this and eleven more. */
const NAME_MAX = 52;
const POLICIES = ['Allow', 'Forbid', 'Replace'];

export const cronJob: KindRules<CronJob> = {
  warnings: (object, old) => [...(old === undefined ? podNameWarnings(object.metadata.name) : []), ...(isNews(object, old) && object.spec?.jobTemplate?.spec !== undefined ? jobSpecWarnings(object.spec.jobTemplate.spec, 'spec.jobTemplate.spec') : [])],
  validateName: (name, prefix) => (name.length > NAME_MAX ? [...subdomainName(name, prefix), 'must be no more than 52 characters'] : subdomainName(name, prefix)),
  applyDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    // The Job inside is defaulted when it is made, but for its pods.
    podSpecDefaults(spec.jobTemplate?.spec?.template?.spec);
  },
  prepareForCreate: (draft) => { draft.status = {}; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? {}); },
  validate: validateCronJob,
  validateUpdate: ({ spec }, old) => (spec.timeZone === old.spec.timeZone ? [] : validateTimeZone(spec.timeZone)),
  cells: (object, now) => {
    const { spec, status = {} } = object;
    const inner = spec.jobTemplate.spec;
    return [
      object.metadata.name, spec.schedule, spec.timeZone ?? '<none>', spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False', (status.active ?? []).length,
      status.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now), objectAge(object, now), ...containerCells(inner?.template.spec?.containers), formatLabelSelector(inner?.selector),
    ];
  },
};

function validateCronJob({ metadata, spec }: CronJob): FieldError[] {
  const errors = validateSchedule(spec.schedule);
  for (const field of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) errors.push(...nonNegative(spec[field], `spec.${field}`));
  // Zones that were good when they were set are not asked for again.
  if (metadata.resourceVersion === undefined || metadata.resourceVersion === '') errors.push(...validateTimeZone(spec.timeZone));
  if (!POLICIES.includes(spec.concurrencyPolicy ?? '')) errors.push(spec.concurrencyPolicy ? notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, POLICIES) : required('spec.concurrencyPolicy'));
  errors.push(...validateJobTemplate(spec.jobTemplate?.spec ?? ({ template: {} } as JobSpec), 'spec.jobTemplate.spec'));
  return errors;
}

function validateSchedule(schedule = ''): FieldError[] {
  const path = 'spec.schedule';
  if (schedule === '') return [required(path)];
  const errors: FieldError[] = [];
  try {
    parseCronSchedule(schedule, 'UTC');
  } catch (error) {
    errors.push(invalid(path, schedule, (error as Error).message));
  }
  if (schedule.includes('TZ')) errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  return errors;
}

function validateTimeZone(timeZone: string | undefined): FieldError[] {
  const path = 'spec.timeZone';
  if (timeZone === undefined) return [];
  if (timeZone === '') return [invalid(path, timeZone, 'timeZone must be nil or non-empty string')];
  const proper = timeZone.split('/').every((part) => part !== '.' && part !== '..' && !part.startsWith('-') && /^[A-Za-z.\-_0-9+]{1,14}$/.test(part));
  if (timeZone.toLowerCase() === 'local') return [invalid(path, timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')];
  return proper && isTimeZone(timeZone) ? [] : [invalid(path, timeZone, `unknown time zone ${timeZone}`)];
}
