// CronJobs by values, at times of our choosing; one real run that notes what it made.
import t from 'tap';
import type { Draft, KubeObject } from '../../../internal/api/meta.ts';
import type { Action } from '../../../internal/controllers/action.ts';
import { plan } from '../../../internal/controllers/jobs/cronjob.ts';
import type { CronJob, CronJobSpec, CronJobStatus, Job } from '../../../internal/kinds/generated/api-types.ts';
import { CRONJOBS, JOBS } from '../../../internal/kinds/generated/resources.ts';
import { startCluster } from './cluster.ts';

const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);
const template: CronJobSpec['jobTemplate'] = { spec: { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', template: { metadata: {} as Job['metadata'], spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'exit-0' }] } } } };
const cronJob = (spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob => ({
  apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick', namespace: 'default', uid: 'C', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { schedule: '*/10 * * * *', timeZone: 'UTC', concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 1, jobTemplate: template, ...spec }, status,
});
const minutes = (time: string): string => String(at(time) / 60_000);
const job = (time: string, end?: 'Complete' | 'Failed'): Job => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: `tick-${minutes(time)}`, namespace: 'default', uid: `J${time}`, resourceVersion: '1', creationTimestamp: `2026-01-01T${time}Z` }, spec: template.spec as Job['spec'],
  status: { startTime: `2026-01-01T${time}Z`, ...(end !== undefined && { completionTime: `2026-01-01T${time}Z`, conditions: [{ type: end, status: 'True' }] }) },
});
const run = (object: CronJob, jobs: Job[], time: string): { created: string[]; deleted: string[]; events: string[]; status: CronJobStatus | undefined; againInMs: number | undefined } => {
  const { actions, againInMs } = plan({ cronJob: object, jobs, jobNamed: (name) => jobs.find(({ metadata }) => metadata.name === name) }, at(time));
  const of = (type: Action['type']): KubeObject[] => actions.filter((action) => action.type === type).map((action) => ('object' in action ? (action.object as KubeObject) : ({ metadata: 'key' in action ? action.key : {} } as KubeObject)));
  return {
    created: of('create').map(({ metadata }) => metadata.name), deleted: of('delete').map(({ metadata }) => metadata.name), againInMs,
    events: actions.flatMap((action) => (action.type === 'event' ? [action.note.reason] : [])),
    status: (of('update')[0] as CronJob | undefined)?.status,
  };
};

t.test('it waits for its time, then makes one Job, named after the minute', async (t) => {
  t.match(run(cronJob(), [], '00:03:00'), { created: [], againInMs: 7 * 60_000 + 100 });
  t.match(run(cronJob(), [], '00:10:01'), { created: [`tick-${minutes('00:10:00')}`], againInMs: 599_100 });
  t.match(run(cronJob(), [job('00:10:00')], '00:10:02'), { created: [], status: { lastScheduleTime: '2026-01-01T00:10:00Z', active: [{ kind: 'Job', name: `tick-${minutes('00:10:00')}`, uid: 'J00:10:00' }] } });
});

t.test('of many that were missed only the last is made up for, and only within the deadline', async (t) => {
  t.same(run(cronJob(), [], '05:05:00').created, [`tick-${minutes('05:00:00')}`]);
  t.same(run(cronJob({ schedule: '* * * * *' }), [], '05:05:30').events, ['TooManyMissedTimes']);
  t.match(run(cronJob({ startingDeadlineSeconds: 200 }), [], '00:15:00'), { created: [] });
});

t.test('what still runs: allowed, forbidden, replaced', async (t) => {
  const running: CronJobStatus = { lastScheduleTime: '2026-01-01T00:10:00Z', active: [{ kind: 'Job', name: job('00:10:00').metadata.name, uid: 'J00:10:00' }] };
  t.equal(run(cronJob({}, running), [job('00:10:00')], '00:20:01').created.length, 1);
  t.match(run(cronJob({ concurrencyPolicy: 'Forbid' }, running), [job('00:10:00')], '00:20:01'), { created: [], events: ['JobAlreadyActive'] });
  t.match(run(cronJob({ concurrencyPolicy: 'Replace' }, running), [job('00:10:00')], '00:20:01'), { created: [`tick-${minutes('00:20:00')}`], deleted: [`tick-${minutes('00:10:00')}`], status: { lastScheduleTime: '2026-01-01T00:10:00Z' } });
  t.match(run(cronJob({ suspend: true }), [], '00:20:01'), { created: [], againInMs: undefined });
});

t.test('finished Jobs leave the active list, and all but the last leave', async (t) => {
  const status: CronJobStatus = { lastScheduleTime: '2026-01-01T00:20:00Z', active: [{ name: 'x', uid: 'J00:20:00' }, { name: 'gone', uid: 'G' }] };
  const result = run(cronJob({}, status), [job('00:10:00', 'Complete'), job('00:20:00', 'Complete')], '00:21:00');
  t.same(result.events, ['SawCompletedJob', 'MissingJob']);
  t.same(result.deleted, [`tick-${minutes('00:10:00')}`]);
  t.match(result.status, { lastSuccessfulTime: '2026-01-01T00:20:00Z', active: undefined });
});

const cluster = await startCluster();
t.teardown(() => cluster.stop());

await t.test('a Job that was made is noted and its end too', async (t) => {
  const draft: Draft<CronJob> = { ...cronJob({ schedule: '@every 1s' }), metadata: { name: 'tick', namespace: 'default' } };
  await cluster.client.create(CRONJOBS, draft);
  await cluster.until(CRONJOBS, ([object]) => object?.status?.lastSuccessfulTime !== undefined && object.status.lastScheduleTime !== undefined);
  t.ok(cluster.views.of(JOBS).list('default').length > 0);
});
