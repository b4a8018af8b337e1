// The loops together over a real store: from a Deployment to ready addresses, through a rollout, and away again.
import t from 'tap';
import { copy, type Draft } from '../../../internal/api/meta.ts';
import type { Deployment, Service } from '../../../internal/kinds/generated/api-types.ts';
import { CONFIGMAPS, DEPLOYMENTS, ENDPOINTS, ENDPOINTSLICES, NAMESPACES, NODES, PODS, REPLICASETS, SERVICEACCOUNTS, SERVICES } from '../../../internal/kinds/generated/resources.ts';
import { startCluster } from './cluster.ts';

const deployment = (namespace: string, replicas = 3): Draft<Deployment> => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } } as unknown as Deployment['metadata'], spec: { containers: [{ name: 'c', image: 'v1' }], terminationGracePeriodSeconds: 1 } } },
});
const service = (namespace: string): Draft<Service> => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace }, spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }] } });

const cluster = await startCluster();
t.teardown(() => cluster.stop());
const { client, until, events } = cluster;
const current = (namespace = 'default'): Deployment => copy(cluster.views.of(DEPLOYMENTS).get(namespace, 'web')) as Deployment;
const complete = (all: Deployment[], replicas: number): boolean => all.some(({ status, metadata }) => status?.updatedReplicas === replicas && status.replicas === replicas && status.availableReplicas === replicas && status.observedGeneration === metadata.generation);

await t.test('what every cluster has appears by itself', async (t) => {
  await until(NODES, (nodes) => nodes.some(({ spec }) => spec.podCIDR === '10.42.0.0/24'));
  await until(SERVICEACCOUNTS, (accounts) => accounts.filter(({ metadata }) => metadata.name === 'default').length === 2);
  await until(CONFIGMAPS, (maps) => maps.filter(({ metadata, data }) => metadata.name === 'kube-root-ca.crt' && data?.['ca.crt'] === 'PEM').length === 2);
  await until(ENDPOINTSLICES, (slices) => slices.some(({ metadata, endpoints }) => metadata.name === 'kubernetes' && endpoints?.[0]?.addresses[0] === '192.0.2.1'));
  t.pass();
});

await t.test('a Deployment becomes ready pods behind a Service', async (t) => {
  await client.create(SERVICES, service('default'));
  await client.create(DEPLOYMENTS, deployment('default'));
  await until(DEPLOYMENTS, (all) => complete(all, 3));
  await until(ENDPOINTSLICES, (slices) => slices.some(({ metadata, endpoints }) => metadata.labels?.['kubernetes.io/service-name'] === 'web' && endpoints?.filter(({ conditions }) => conditions?.ready).length === 3));
  await until(ENDPOINTS, (all) => all.some(({ metadata, subsets }) => metadata.name === 'web' && subsets?.[0]?.addresses?.length === 3));
  t.match(current().metadata.annotations, { 'deployment.kubernetes.io/revision': '1' });
  await until(DEPLOYMENTS, () => current().status?.conditions?.find(({ type }) => type === 'Progressing')?.reason === 'NewReplicaSetAvailable');
  t.ok(events.some((event) => /^ScalingReplicaSet: Scaled up replica set web-\S+ from 0 to 3$/.test(event)));
  t.ok(events.some((event) => /^Scheduled: Successfully assigned default\/web-\S+ to n1$/.test(event)));
});

await t.test('a new image rolls over without going below what must be available; undo finds the old ReplicaSet', async (t) => {
  let least = 3;
  const end = cluster.views.of(PODS).subscribe(() => {
    least = Math.min(least, cluster.views.of(PODS).list('default').filter(({ status, metadata }) => metadata.deletionTimestamp === undefined && status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')).length);
  });
  const next = current();
  next.spec.template.spec = { ...next.spec.template.spec, containers: [{ name: 'c', image: 'v2' }] };
  await client.update(DEPLOYMENTS, next);
  await until(DEPLOYMENTS, (all) => complete(all, 3) && current().metadata.annotations?.['deployment.kubernetes.io/revision'] === '2');
  end();
  t.ok(least >= 3, `at least ${String(least)} were available`);
  const back = current();
  back.spec.template.spec = { ...back.spec.template.spec, containers: [{ name: 'c', image: 'v1' }] };
  await client.update(DEPLOYMENTS, back);
  await until(DEPLOYMENTS, (all) => complete(all, 3) && current().metadata.annotations?.['deployment.kubernetes.io/revision'] === '3');
  t.equal(cluster.views.of(REPLICASETS).list('default').length, 2);
});

await t.test('scaling, also in the middle of a rollout that cannot finish', async (t) => {
  const bad = current();
  bad.spec.template.spec = { ...bad.spec.template.spec, containers: [{ name: 'c', image: 'bad' }] };
  await client.update(DEPLOYMENTS, bad);
  await until(REPLICASETS, (sets) => sets.length === 3 && sets.some(({ spec, status }) => spec.template?.spec?.containers[0]?.image === 'bad' && status?.replicas === 1));
  const more = current();
  more.spec.replicas = 9;
  await client.update(DEPLOYMENTS, more);
  const sizes = (): number[] => cluster.views.of(REPLICASETS).list('default').map(({ spec }) => spec.replicas ?? 0).filter((size) => size > 0).sort();
  await until(REPLICASETS, () => sizes().reduce((sum, size) => sum + size, 0) === 12);
  t.same(sizes(), [3, 9].sort());
  const zero = current();
  zero.spec.replicas = 0;
  await client.update(DEPLOYMENTS, zero);
  await until(PODS, (pods) => pods.length === 0);
  await until(DEPLOYMENTS, (all) => all.some(({ status, metadata }) => !status?.replicas && status?.observedGeneration === metadata.generation)); // nothing is written any more
});

await t.test('deleting the Deployment takes ReplicaSets and pods along', async (t) => {
  const again = current();
  again.spec.replicas = 2;
  await client.update(DEPLOYMENTS, again);
  await until(PODS, (pods) => pods.length > 1);
  await client.delete(DEPLOYMENTS, { namespace: 'default', name: 'web' });
  await until(REPLICASETS, (sets) => sets.length === 0);
  await until(PODS, (pods) => pods.length === 0);
  await client.delete(SERVICES, { namespace: 'default', name: 'web' });
  await until(ENDPOINTS, (all) => all.every(({ metadata }) => metadata.name !== 'web'));
  t.pass();
});

await t.test('foreground waits for dependents, orphan lets them live', async (t) => {
  await client.create(DEPLOYMENTS, deployment('default', 2));
  await until(DEPLOYMENTS, (all) => complete(all, 2));
  await client.delete(DEPLOYMENTS, { namespace: 'default', name: 'web' }, { propagationPolicy: 'Orphan' });
  await until(DEPLOYMENTS, (all) => all.length === 0);
  const [set] = await until(REPLICASETS, (sets) => sets.length === 1 && sets[0]?.metadata.ownerReferences === undefined || sets[0]?.metadata.ownerReferences?.length === 0);
  t.equal(cluster.views.of(PODS).list().length, 2);
  let podsAtEnd = -1;
  const end = cluster.views.of(REPLICASETS).subscribe(({ type }) => { if (type === 'DELETED') podsAtEnd = cluster.views.of(PODS).list().length; });
  await client.delete(REPLICASETS, { namespace: 'default', name: set?.metadata.name ?? '' }, { propagationPolicy: 'Foreground' });
  await until(REPLICASETS, (sets) => sets.length === 0);
  end();
  t.equal(podsAtEnd, 0);
});

await t.test('a namespace is emptied, pods first, and goes', async (t) => {
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' }, spec: {} });
  await client.create(DEPLOYMENTS, deployment('team', 2));
  await client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: 'team' }, data: {} });
  await until(DEPLOYMENTS, (all) => complete(all, 2));
  await client.delete(NAMESPACES, { namespace: '', name: 'team' });
  await until(NAMESPACES, (all) => all.every(({ metadata }) => metadata.name !== 'team'));
  t.equal(cluster.views.of(PODS).list('team').length, 0);
  t.equal(cluster.views.of(CONFIGMAPS).list('team').length, 0);
});
