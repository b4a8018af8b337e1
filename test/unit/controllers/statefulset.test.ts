// StatefulSets over a real store: order, halting, partitioned updates, going back; claims and their owners by values.
import t from 'tap';
import { copy, type Draft, type KubeObject } from '../../../internal/api/meta.ts';
import type { Action } from '../../../internal/controllers/action.ts';
import { claimWithOwners, isClaimStale } from '../../../internal/controllers/statefulsets/claims.ts';
import { plan, type StatefulSetState } from '../../../internal/controllers/statefulsets/statefulset.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../../internal/kinds/generated/api-types.ts';
import { CONTROLLERREVISIONS, PODS, STATEFULSETS } from '../../../internal/kinds/generated/resources.ts';
import { startCluster } from './cluster.ts';

const statefulSet = (name: string, extra: Partial<StatefulSet['spec']> = {}): Draft<StatefulSet> => ({
  apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace: 'default' },
  spec: { replicas: 3, serviceName: 'db', selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } } as unknown as StatefulSet['metadata'], spec: { containers: [{ name: 'c', image: 'v1' }], terminationGracePeriodSeconds: 1 } }, ...extra },
});

const cluster = await startCluster();
t.teardown(() => cluster.stop());
const { client, until, views } = cluster;
const current = (name: string): StatefulSet => copy(views.of(STATEFULSETS).get('default', name)) as StatefulSet;
const podsOf = (name: string): Pod[] => views.of(PODS).list('default').filter(({ metadata }) => metadata.name.startsWith(`${name}-`));
const images = (name: string): string[] => podsOf(name).filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ spec }) => spec.containers[0]?.image ?? '');
const settled = (name: string, replicas: number): boolean => {
  const { status, metadata } = current(name);
  return status?.replicas === replicas && (status.readyReplicas ?? 0) === replicas && status.availableReplicas === replicas && status.observedGeneration === metadata.generation;
};
async function change(name: string, edit: (spec: StatefulSet['spec']) => void): Promise<void> {
  const next = current(name);
  edit(next.spec);
  await client.update(STATEFULSETS, next);
}
const setImage = (name: string, image: string): Promise<void> => change(name, (spec) => { spec.template.spec = { ...spec.template.spec, containers: [{ name: 'c', image }] }; });

await t.test('pods come up in order, each with its name, and go down in reverse', async (t) => {
  const order: string[] = [];
  const end = views.of(PODS).subscribe(({ type, object, previous }) => {
    if (type === 'ADDED' || (type === 'MODIFIED' && object.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined)) order.push(`${type === 'ADDED' ? '+' : '-'}${object.metadata.name}`);
  });
  await client.create(STATEFULSETS, statefulSet('db'));
  await until(STATEFULSETS, () => settled('db', 3));
  await change('db', (spec) => { spec.replicas = 1; });
  await until(STATEFULSETS, () => settled('db', 1));
  end();
  t.same(order, ['+db-0', '+db-1', '+db-2', '-db-2', '-db-1']);
  const [pod] = podsOf('db');
  t.match(pod, { metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'db-0', 'apps.kubernetes.io/pod-index': '0' } }, spec: { hostname: 'db-0', subdomain: 'db' } });
  t.equal(pod?.metadata.labels?.['controller-revision-hash'], current('db').status?.currentRevision);
  t.ok(cluster.events.includes('SuccessfulCreate: Create Pod db-0 in StatefulSet db successful'));
});

await t.test('an update stops at the partition and completes when it is lowered; a lost pod comes back as it was', async (t) => {
  await change('db', (spec) => { spec.replicas = 3; spec.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }; });
  await until(STATEFULSETS, () => settled('db', 3));
  await setImage('db', 'v2');
  await until(STATEFULSETS, () => settled('db', 3) && current('db').status?.updatedReplicas === 1);
  t.same(images('db'), ['v1', 'v1', 'v2']);
  t.not(current('db').status?.currentRevision, current('db').status?.updateRevision);
  const uid = podsOf('db')[0]?.metadata.uid;
  await client.delete(PODS, { namespace: 'default', name: 'db-0' });
  await until(PODS, () => podsOf('db').length === 3 && podsOf('db').every(({ metadata, status }) => metadata.uid !== uid && status?.phase === 'Running'));
  t.same(images('db'), ['v1', 'v1', 'v2']);
  await change('db', (spec) => { spec.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }; });
  await until(STATEFULSETS, () => settled('db', 3) && current('db').status?.currentRevision === current('db').status?.updateRevision);
  t.same(images('db'), ['v2', 'v2', 'v2']);
});

await t.test('going back finds the first revision again', async (t) => {
  const [first] = views.of(CONTROLLERREVISIONS).list('default').filter(({ revision }) => revision === 1);
  await setImage('db', 'v1');
  await until(STATEFULSETS, () => settled('db', 3) && current('db').status?.currentRevision === first?.metadata.name);
  t.same(views.of(CONTROLLERREVISIONS).list('default').map(({ revision }) => revision).sort(), [2, 3]);
  t.same(images('db'), ['v1', 'v1', 'v1']);
});

await t.test('Parallel does not wait; a failed pod is replaced', async (t) => {
  await client.create(STATEFULSETS, statefulSet('many', { podManagementPolicy: 'Parallel', replicas: 4, ordinals: { start: 5 } }));
  await until(STATEFULSETS, () => settled('many', 4));
  t.same(podsOf('many').map(({ metadata }) => metadata.name), ['many-5', 'many-6', 'many-7', 'many-8']);
  const failed = podsOf('many')[1] as Pod;
  await client.updateStatus(PODS, { ...copy(failed), status: { ...failed.status, phase: 'Failed' } });
  await until(PODS, () => podsOf('many').length === 4 && podsOf('many').every(({ metadata, status }) => metadata.uid !== failed.metadata.uid && status?.phase === 'Running'));
  await client.delete(STATEFULSETS, { namespace: 'default', name: 'many' });
  await until(PODS, () => podsOf('many').length === 0);
  t.pass();
});

const stored = <T extends KubeObject>(object: Draft<T>, uid: string): T => ({ ...object, metadata: { ...object.metadata, uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 } }) as unknown as T;
const template = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } } as unknown as PersistentVolumeClaim;

t.test('claims are made before their pod, and a claim that ends holds it up', async (t) => {
  const set = stored(statefulSet('db', { volumeClaimTemplates: [template] }), 'S');
  const state = (claims: PersistentVolumeClaim[]): StatefulSetState => ({ set, pods: [], revisions: [], revisionNamed: () => undefined, claimNamed: (name) => claims.find(({ metadata }) => metadata.name === name) });
  const created = (actions: Action[]): string[] => actions.flatMap((action) => (action.type === 'batch' || action.type === 'sequence' ? created(action.actions) : action.type === 'create' && action.resource.resource !== 'controllerrevisions' ? [`${action.resource.resource}/${action.object.metadata.name ?? ''}`] : []));
  t.same(created(plan(state([]), 0).actions), ['persistentvolumeclaims/data-db-0', 'pods/db-0']);
  const ending = stored<PersistentVolumeClaim>({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data-db-0', deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: {} }, 'C');
  t.same(created(plan(state([ending]), 0).actions), []);
});

t.test('who owns a claim follows the retention policy', async (t) => {
  const claim = stored<PersistentVolumeClaim>({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data-db-0' }, spec: {} }, 'C');
  const pod = (ordinal: number): Pod => stored<Pod>({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `db-${String(ordinal)}` }, spec: { containers: [] } }, `P${String(ordinal)}`);
  const owners = (whenDeleted: 'Retain' | 'Delete', whenScaled: 'Retain' | 'Delete', ordinal: number): string[] | undefined =>
    claimWithOwners(claim, stored(statefulSet('db', { persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } }), 'S'), pod(ordinal))?.metadata.ownerReferences?.map(({ uid }) => uid);
  t.equal(owners('Retain', 'Retain', 0), undefined);
  t.same(owners('Delete', 'Retain', 0), ['S']);
  t.same(owners('Delete', 'Retain', 5), ['S']);
  t.equal(owners('Retain', 'Delete', 0), undefined);
  t.same(owners('Retain', 'Delete', 5), ['P5']);
  t.same(owners('Delete', 'Delete', 0), ['S']);
  t.same(owners('Delete', 'Delete', 5), ['P5']);
  const left = { ...claim, metadata: { ...claim.metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'db-0', uid: 'gone', controller: true }] } };
  t.ok(isClaimStale(left, stored(statefulSet('db', { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } }), 'S'), pod(0)));
});
