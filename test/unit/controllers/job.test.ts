// Jobs over a real store: completions, indexes, limits, policies, suspension, adoption, and that every pod is counted once.
import t from 'tap';
import { copy, type Draft, type KubeObject } from '../../../internal/api/meta.ts';
import { finishedAt, jobBackoffMs } from '../../../internal/controllers/jobs/backoff.ts';
import { countCommon, firstFree, formatIndexes, indexesOf, mergeIndexes, parseIndexes } from '../../../internal/controllers/jobs/indexes.ts';
import { plan as ttlPlan } from '../../../internal/controllers/jobs/ttl.ts';
import type { Job, JobSpec, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { JOBS, PODS } from '../../../internal/kinds/generated/resources.ts';
import { startCluster } from './cluster.ts';

const job = (name: string, image: string, extra: Partial<JobSpec> = {}): Draft<Job> => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: 'default' },
  spec: { parallelism: 2, backoffLimit: 6, completionMode: 'NonIndexed', template: { metadata: {} as Job['metadata'], spec: { restartPolicy: 'Never', containers: [{ name: 'c', image }], terminationGracePeriodSeconds: 1 } }, ...extra },
});

const cluster = await startCluster();
t.teardown(() => cluster.stop());
const { client, until, views, events } = cluster;
const current = (name: string): Job => copy(views.of(JOBS).get('default', name)) as Job;
const podsOf = (name: string): Pod[] => views.of(PODS).list('default').filter(({ metadata }) => metadata.labels?.['job-name'] === name);
const has = (name: string, type: string): boolean => current(name).status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
const ended = (name: string, type: 'Complete' | 'Failed'): Promise<unknown> => until(JOBS, () => has(name, type));
const reason = (name: string): string | undefined => current(name).status?.conditions?.find(({ type }) => type === 'Failed')?.reason;

await t.test('a Job is complete when enough pods have succeeded, each counted once, none held back', async (t) => {
  await client.create(JOBS, job('five', 'exit-0', { completions: 5 }));
  await ended('five', 'Complete');
  t.match(current('five').status, { succeeded: 5, ready: 0, terminating: 0 });
  t.equal(current('five').status?.failed, undefined);
  t.same(current('five').status?.conditions?.map(({ type }) => type), ['SuccessCriteriaMet', 'Complete']);
  t.ok(current('five').status?.completionTime);
  t.equal(podsOf('five').length, 5);
  t.ok(podsOf('five').every(({ metadata }) => (metadata.finalizers ?? []).length === 0));
});

await t.test('too many failures end it', async (t) => {
  await client.create(JOBS, job('bad', 'exit-1', { completions: 3, backoffLimit: 1 }));
  await ended('bad', 'Failed');
  t.equal(reason('bad'), 'BackoffLimitExceeded');
  t.match(current('bad').status, { failed: 2 });
  t.same(current('bad').status?.conditions?.map(({ type }) => type), ['FailureTarget', 'Failed']);
  t.ok(events.includes('Completed: Job completed'), 'the first one told its end by now');
});

await t.test('indexes each get their pod; with a limit of their own the others go on', async (t) => {
  await client.create(JOBS, job('each', 'exit-1-at-1-3', { completions: 5, parallelism: 5, completionMode: 'Indexed', backoffLimitPerIndex: 0, backoffLimit: 2147483647 }));
  await ended('each', 'Failed');
  t.match(current('each').status, { completedIndexes: '0,2,4', failedIndexes: '1,3', succeeded: 3, failed: 2 });
  t.equal(reason('each'), 'FailedIndexes');
  const pod = podsOf('each').find(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-completion-index'] === '2');
  t.match(pod, { spec: { hostname: 'each-2', containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX' }] }] } });
  t.match(pod?.metadata.name, /^each-2-/);
});

await t.test('a policy fails the Job, an index, or looks away', async (t) => {
  const rule = (action: 'FailJob' | 'FailIndex' | 'Ignore'): Partial<JobSpec> => ({ podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] }, podReplacementPolicy: 'Failed' });
  await client.create(JOBS, job('policy', 'exit-42', { completions: 1, ...rule('FailJob') }));
  await ended('policy', 'Failed');
  t.equal(reason('policy'), 'PodFailurePolicy');
  t.match(current('policy').status?.conditions?.[0]?.message, /^Container c for pod default\/policy-\S+ failed with exit code 42 matching FailJob rule at index 0$/);
  await client.create(JOBS, job('index', 'exit-42-at-0', { completions: 3, parallelism: 3, completionMode: 'Indexed', backoffLimitPerIndex: 5, maxFailedIndexes: 0, backoffLimit: 2147483647, ...rule('FailIndex') }));
  await ended('index', 'Failed');
  t.equal(reason('index'), 'MaxFailedIndexesExceeded');
  t.match(current('index').status, { failedIndexes: '0' });
  await client.create(JOBS, job('ignored', 'exit-42', { completions: 1, backoffLimit: 0, ...rule('Ignore') }));
  await until(PODS, () => podsOf('ignored').some(({ status, metadata }) => status?.phase === 'Failed' && (metadata.finalizers ?? []).length === 0));
  t.notOk(has('ignored', 'FailureTarget'));
  t.equal(current('ignored').status?.failed, undefined);
  await client.delete(JOBS, { namespace: 'default', name: 'ignored' }, { propagationPolicy: 'Background' });
});

await t.test('some indexes can be enough', async (t) => {
  await client.create(JOBS, job('enough', 'exit-0', { completions: 4, parallelism: 4, completionMode: 'Indexed', successPolicy: { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] } }));
  await ended('enough', 'Complete');
  t.equal(current('enough').status?.conditions?.find(({ type }) => type === 'Complete')?.reason, 'SuccessPolicy');
  t.equal(current('enough').status?.conditions?.find(({ type }) => type === 'Complete')?.message, 'Matched rules at index 0');
});

await t.test('suspended it has no pods, resumed it goes on; an orphan is taken in, a stranger let go', async (t) => {
  await client.create(JOBS, job('rest', 'v1', { completions: 2 }));
  await until(JOBS, () => current('rest').status?.ready === 2);
  await client.update(JOBS, { ...current('rest'), spec: { ...current('rest').spec, suspend: true } });
  await until(JOBS, () => has('rest', 'Suspended') && (current('rest').status?.active ?? 0) === 0 && current('rest').status?.terminating === 0);
  t.equal(podsOf('rest').length, 0);
  t.equal(current('rest').status?.startTime, undefined);
  t.equal(current('rest').status?.failed, undefined);
  await client.update(JOBS, { ...current('rest'), spec: { ...current('rest').spec, suspend: false } });
  await until(JOBS, () => current('rest').status?.ready === 2 && !has('rest', 'Suspended'));
  const [pod] = podsOf('rest');
  const { ownerReferences: _, ...metadata } = copy(pod as Pod).metadata;
  await client.update(PODS, { ...copy(pod as Pod), metadata });
  await until(PODS, () => podsOf('rest').some(({ metadata: { uid, ownerReferences, finalizers } }) => uid === pod?.metadata.uid && ownerReferences?.[0]?.controller === true && finalizers?.length === 1));
  const again = copy(views.of(PODS).get('default', pod?.metadata.name ?? '') as Pod);
  await client.update(PODS, { ...again, metadata: { ...again.metadata, labels: {} } });
  await until(PODS, (pods) => pods.some(({ metadata: { uid, ownerReferences = [], finalizers = [] } }) => uid === pod?.metadata.uid && ownerReferences.length === 0 && finalizers.length === 0));
  await until(JOBS, () => current('rest').status?.ready === 2);
  await client.delete(JOBS, { namespace: 'default', name: 'rest' }, { propagationPolicy: 'Background' });
  await until(PODS, () => podsOf('rest').length === 0);
  t.pass();
});

const stored = <T extends KubeObject>(object: Draft<T>): T => ({ ...object, metadata: { ...object.metadata, uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' } }) as unknown as T;

t.test('indexes as text and back', async (t) => {
  t.equal(formatIndexes(indexesOf([5, 1, 2, 3, 7, 8])), '1-3,5,7,8');
  t.same(parseIndexes('1-3,5,x,7-20', 10), [{ first: 1, last: 3 }, { first: 5, last: 5 }, { first: 7, last: 9 }]);
  t.same(mergeIndexes(indexesOf([1, 2]), indexesOf([3])), [{ first: 1, last: 3 }]);
  t.same(firstFree(parseIndexes('0,2-3', 10), 3, 6), [1, 4, 5]);
  t.same(firstFree([], 9, 3), [0, 1, 2]);
  t.equal(countCommon(parseIndexes('0-4', 9), parseIndexes('3-8', 9)), 2);
});

t.test('failures in a row wait longer, a success starts anew', async (t) => {
  const pod = (phase: 'Failed' | 'Succeeded', second: number): Pod => stored<Pod>({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] }, status: { phase, conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z` }] } });
  const owner = stored(job('j', 'x'));
  const now = Date.parse('2026-01-01T00:00:20Z');
  t.equal(jobBackoffMs(owner, [pod('Failed', 15)], now), 5000);
  t.equal(jobBackoffMs(owner, [pod('Failed', 10), pod('Failed', 15)], now), 15000);
  t.equal(jobBackoffMs(owner, [pod('Failed', 10), pod('Failed', 15), pod('Succeeded', 12)], now), 5000);
  t.equal(jobBackoffMs(owner, [pod('Failed', 10), pod('Succeeded', 12)], now), 0);
  t.equal(finishedAt(pod('Failed', 9)), Date.parse('2026-01-01T00:00:09Z'));
});

t.test('a finished Job goes when its time is over', async (t) => {
  const done = stored<Job>({ ...job('j', 'x', { ttlSecondsAfterFinished: 60 }), status: { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] } });
  t.same(ttlPlan(done, Date.parse('2026-01-01T00:00:10Z')), { actions: [], againInMs: 50_000 });
  t.match(ttlPlan(done, Date.parse('2026-01-01T00:01:00Z')).actions, [{ type: 'delete', options: { propagationPolicy: 'Foreground' } }]);
});
