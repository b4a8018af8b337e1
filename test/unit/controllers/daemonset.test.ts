// DaemonSets over a real store: a pod on every node that fits, rollout with and without surge, back to an old template without restarts.
import t from 'tap';
import { copy, type Draft } from '../../../internal/api/meta.ts';
import type { DaemonSet, Node, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { CONTROLLERREVISIONS, DAEMONSETS, NODES, PODS } from '../../../internal/kinds/generated/resources.ts';
import { daemonPod, targetNode, verdictOn } from '../../../internal/controllers/daemonsets/pods.ts';
import { startCluster, testNode } from './cluster.ts';

const daemonSet = (strategy: DaemonSet['spec']['updateStrategy'] = {}): Draft<DaemonSet> => ({
  apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'agent' } }, updateStrategy: strategy, template: { metadata: { labels: { app: 'agent' } } as unknown as DaemonSet['metadata'], spec: { containers: [{ name: 'c', image: 'v1' }], terminationGracePeriodSeconds: 1 } } },
});

const cluster = await startCluster();
t.teardown(() => cluster.stop());
const { client, until, views } = cluster;
const current = (): DaemonSet => copy(views.of(DAEMONSETS).get('default', 'agent')) as DaemonSet;
const podsOf = (): Pod[] => views.of(PODS).list('default').filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const complete = (nodes: number): boolean => {
  const { status, metadata } = current();
  return status?.desiredNumberScheduled === nodes && status.updatedNumberScheduled === nodes && status.numberAvailable === nodes && status.observedGeneration === metadata.generation;
};
async function setImage(image: string): Promise<void> {
  const next = current();
  next.spec.template.spec = { ...next.spec.template.spec, containers: [{ name: 'c', image }] };
  await client.update(DAEMONSETS, next);
}

await t.test('every node gets one pod, bound to it by affinity on its name', async (t) => {
  await client.create(NODES, testNode('n2'));
  await client.create(DAEMONSETS, daemonSet());
  await until(DAEMONSETS, () => complete(2));
  t.same(podsOf().map(({ spec }) => spec.nodeName).sort(), ['n1', 'n2']);
  t.ok(podsOf().every((pod) => pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] === pod.spec.nodeName));
  const [revision] = views.of(CONTROLLERREVISIONS).list('default');
  t.match(revision?.data, { spec: { template: { $patch: 'replace', metadata: { labels: { app: 'agent' } } } } });
  t.ok(podsOf().every(({ metadata }) => metadata.labels?.['controller-revision-hash'] === revision?.metadata.labels?.['controller-revision-hash']));
});

await t.test('a new node gets one; a failed pod is replaced', async (t) => {
  await client.create(NODES, testNode('n3'));
  await until(DAEMONSETS, () => complete(3));
  const [first] = podsOf();
  await client.updateStatus(PODS, { ...copy(first as Pod), status: { ...first?.status, phase: 'Failed' } });
  await until(PODS, () => views.of(PODS).get('default', first?.metadata.name ?? '') === undefined && podsOf().length === 3);
  await until(DAEMONSETS, () => complete(3));
  t.ok(cluster.events.some((event) => event.startsWith(`FailedDaemonPod: Found failed daemon pod default/${first?.metadata.name ?? ''} on node`)));
});

await t.test('a rollout replaces one after the other; going back leaves what is already old alone', async (t) => {
  let least = 3;
  const end = views.of(PODS).subscribe(() => { least = Math.min(least, podsOf().length); });
  await setImage('v2');
  await until(DAEMONSETS, () => complete(3));
  end();
  t.equal(least, 2);
  t.same(views.of(CONTROLLERREVISIONS).list('default').map(({ revision }) => revision).sort(), [1, 2]);
  await setImage('bad');
  await until(PODS, () => podsOf().some(({ spec, status }) => spec.containers[0]?.image === 'bad' && status?.phase === 'Running'));
  const untouched = podsOf().filter(({ spec }) => spec.containers[0]?.image === 'v2').map(({ metadata }) => metadata.uid);
  await setImage('v2');
  await until(DAEMONSETS, () => complete(3));
  t.equal(untouched.length, 2);
  t.ok(untouched.every((uid) => podsOf().some(({ metadata }) => metadata.uid === uid)));
});

await t.test('with surge no node is ever without a ready pod', async (t) => {
  const next = current();
  next.spec.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } };
  await client.update(DAEMONSETS, next);
  const ready = (): number => new Set(podsOf().filter(({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')).map(({ spec }) => spec.nodeName)).size;
  let least = 3;
  const end = views.of(PODS).subscribe(() => { least = Math.min(least, ready()); });
  await setImage('v4');
  await until(DAEMONSETS, () => complete(3));
  await until(PODS, () => podsOf().length === 3);
  end();
  t.equal(least, 3);
});

await t.test('a node that no longer fits loses its pod; deleting the set empties all', async (t) => {
  const next = current();
  next.spec.template.spec = { containers: [], ...next.spec.template.spec, nodeSelector: { color: 'blue' } };
  await client.update(DAEMONSETS, next);
  await until(PODS, (pods) => pods.length === 0);
  await client.update(NODES, { ...copy(views.of(NODES).get('', 'n1') as Node), metadata: { ...copy(views.of(NODES).get('', 'n1') as Node).metadata, labels: { color: 'blue' } } });
  await until(DAEMONSETS, () => complete(1));
  await client.delete(DAEMONSETS, { namespace: 'default', name: 'agent' });
  await until(PODS, (pods) => pods.length === 0);
  await until(CONTROLLERREVISIONS, (all) => all.length === 0);
  t.pass();
});

t.test('troubles of a node are tolerated, other taints are not', async (t) => {
  const set = daemonSet() as DaemonSet;
  const tainted = (key: string, effect: 'NoSchedule' | 'NoExecute'): Node => ({ ...testNode('n'), spec: { taints: [{ key, effect }] } });
  t.same(verdictOn(tainted('node.kubernetes.io/unschedulable', 'NoSchedule'), set), { shouldRun: true, mayStay: true });
  t.same(verdictOn(tainted('node.kubernetes.io/not-ready', 'NoExecute'), set), { shouldRun: true, mayStay: true });
  t.same(verdictOn(tainted('mine', 'NoSchedule'), set), { shouldRun: false, mayStay: true });
  t.same(verdictOn(tainted('mine', 'NoExecute'), set), { shouldRun: false, mayStay: false });
  t.equal(targetNode(daemonPod(set, 'n7', 'h') as Pod), 'n7');
});
