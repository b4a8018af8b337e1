// What Jobs and CronJobs may say, in upstream's words.
import t from 'tap';
import { errorBody, type FieldError } from '../../../internal/api/field-error.ts';
import { cronJob } from '../../../internal/kinds/batch/cronjob.ts';
import { job } from '../../../internal/kinds/batch/job.ts';
import type { CronJob, CronJobSpec, Job, JobSpec, JobStatus } from '../../../internal/kinds/generated/api-types.ts';

const context = { now: 0, user: 'u' };
const words = (errors: FieldError[] | undefined): string[] => (errors ?? []).map((error) => `${error.field}: ${errorBody(error)}`);
const made = (spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job => {
  const draft: Job = {
    apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'default', uid: 'U', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { parallelism: 1, completions: 1, template: { metadata: {} as Job['metadata'], spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }, ...spec },
  };
  job.applyDefaults?.(draft);
  for (const container of draft.spec.template.spec?.containers ?? []) Object.assign(container, { terminationMessagePolicy: 'File', imagePullPolicy: 'Always' });
  draft.spec.template.spec = { dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, ...draft.spec.template.spec, containers: draft.spec.template.spec?.containers ?? [] };
  job.prepareForCreate?.(draft, context);
  draft.status = status;
  return draft;
};

t.test('a good Job; labels of another are refused', async (t) => {
  t.same(words(job.validate?.(made(), context)), []);
  const other = made({ template: { metadata: { labels: { 'job-name': 'x' } } as unknown as Job['metadata'], spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } });
  t.match(words(job.validate?.(other, context)), [/^spec\.template\.metadata\.labels: Invalid value: .*: must be 'j'$/]);
});

t.test('modes, policies', async (t) => {
  t.same(words(job.validate?.(made({ backoffLimitPerIndex: 1 }), context)), ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']);
  t.match(words(job.validate?.(made({ completionMode: 'Indexed', completions: 3, successPolicy: { rules: [{ succeededIndexes: '0-5' }] } }), context)), ['spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large index: "5"']);
  t.match(words(job.validate?.(made({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [0] } }] } }), context)), ['spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator']);
});

t.test('what may change', async (t) => {
  t.same(words(job.validateUpdate?.(made({ completions: 2 }), made(), context)), ['spec.completions: Invalid value: 2: field is immutable']);
  t.same(words(job.validateUpdate?.(made({ completionMode: 'Indexed', completions: 2, parallelism: 2 }), made({ completionMode: 'Indexed' }), context)), []);
  const node = { ...made().spec.template, spec: { ...made().spec.template.spec, containers: made().spec.template.spec?.containers ?? [], nodeSelector: { a: 'b' } } };
  t.equal(job.validateUpdate?.(made({ template: node }), made(), context).length, 1);
  t.same(words(job.validateUpdate?.(made({ template: node, suspend: true }), made({ suspend: true }), context)), []);
});

t.test('a status only goes forward', async (t) => {
  const status = (next: JobStatus, before: JobStatus): string[] => words(job.validateStatusUpdate?.(made({}, next), made({}, before), context));
  const condition = (type: string): { type: string; status: 'True' } => ({ type, status: 'True' });
  t.same(status({ failed: 1 }, { failed: 2 }), ['status.failed: Invalid value: 1: cannot decrease the failed counter']);
  t.match(status({ conditions: [condition('Failed')], startTime: '2026-01-01T00:00:00Z' }, { startTime: '2026-01-01T00:00:00Z' }), [/cannot set Failed=True condition without the FailureTarget=true condition$/]);
  t.same(status({ conditions: [condition('SuccessCriteriaMet'), condition('Complete')], startTime: '2026-01-01T00:00:00Z', completionTime: '2026-01-01T00:00:01Z' }, { startTime: '2026-01-01T00:00:00Z' }), []);
  t.match(status({}, { conditions: [condition('SuccessCriteriaMet')] }), [/cannot disable the SuccessCriteriaMet=True condition$/]);
  t.same(status({ ready: 2, active: 1 }, {}), ['status.ready: Invalid value: 2: cannot set more ready pods than active']);
});

const JOB = { spec: { template: { spec: { restartPolicy: 'Never', dnsPolicy: 'Default', containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }] } } } };

t.test('schedules and zones', async (t) => {
  const check = (spec: Partial<CronJobSpec>): string[] => words(cronJob.validate?.({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'c', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '' }, spec: { schedule: '* * * * *', concurrencyPolicy: 'Allow', jobTemplate: JOB, ...spec } } as CronJob, context));
  t.same(check({}), []);
  t.same(check({ schedule: '* * *' }), ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']);
  t.same(check({ schedule: 'TZ=UTC * * * * *' }), ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']);
  t.same(check({ timeZone: 'Nowhere/Land' }), ['spec.timeZone: Invalid value: "Nowhere/Land": unknown time zone Nowhere/Land']);
  t.same(check({ timeZone: 'Europe/Berlin' }), []);
});
