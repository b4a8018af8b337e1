// CSI on two nodes, the second an agent with no more rights than a node has: a volume moves between them, and leaves a node that is out of service. The test
// plays attacher.
import t from 'tap';
import { addAgent, joining } from '../support/agent.ts';
import { createSuppliedCluster } from '../support/cluster.ts';
import { driverOn } from '../support/csi-host.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(300_000);

const NAME = 'folders.example.com';
const cluster = await createSuppliedCluster('z', '10.97.64');
const { kubectl, host: first, lab, apply, field, events } = cluster;
const agent = addAgent(cluster, 'n2');
const second = agent.host;
const drivers = [driverOn(first, { lab, name: NAME, nodeId: 'id-1' }), driverOn(second, { lab, name: NAME, nodeId: 'id-2' })] as const;
t.teardown(() => cluster.remove());

const pod = (name: string, node: string): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, nodeSelector: { 'kubernetes.io/hostname': node }, tolerations: [{ operator: 'Exists' }], containers: [{ name: 'c', image: 'busybox:1', command: ['sleep', '1000'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'v' } }] },
});
const attachments = (): string => field('volumeattachments', '.items[*].spec.nodeName');
const running = (name: string): boolean => field(`pod ${name}`, '.status.phase') === 'Running';

/** What an external attacher does. */
async function attach(node: string): Promise<void> {
  const name = (): string => field('volumeattachments', `.items[?(@.spec.nodeName=="${node}")].metadata.name`);
  await until(() => name() !== '', `the attachment to ${node}`);
  kubectl('patch', 'volumeattachment', name(), '--subresource=status', '--type=merge', '-p', '{"status":{"attached":true}}');
}

await t.test('two nodes come up, each with the driver', async () => {
  await cluster.start();
  agent.start(...joining(cluster));
  await until(agent.ready, 'the second node');
  for (const { start } of drivers) start();
  await until(() => field('csinodes', '.items[*].spec.drivers[*].nodeID') === 'id-1 id-2', 'the driver on both');
  await until(() => field('node n2', '.metadata.annotations.csi\\.volume\\.kubernetes\\.io/nodeid') === `{"${NAME}":"id-2"}`, 'the node to be told its id');
});

await t.test('a volume on the agent: its secrets, a token in the pod\'s name, and growth that waited for a pod', async (t) => {
  apply(
    { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: NAME }, spec: { podInfoOnMount: true, fsGroupPolicy: 'None', tokenRequests: [{ audience: 'vault' }], serviceAccountTokenInSecrets: true } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'keys' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: 'keys' }, stringData: { key: 'value' } },
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'folders', claimRef: { namespace: 'default', name: 'v' }, csi: { driver: NAME, volumeHandle: 'h', nodeStageSecretRef: { namespace: 'keys', name: 'keys' }, nodePublishSecretRef: { namespace: 'keys', name: 'keys' } } } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'v' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'folders', volumeName: 'v', resources: { requests: { storage: '1Gi' } } } },
  );
  await until(() => field('pvc v', '.status.capacity.storage') === '1Gi', 'the claim to be bound');
  kubectl('patch', 'pv', 'v', '-p', '{"spec":{"capacity":{"storage":"2Gi"}}}');
  apply(pod('there', 'n2'));
  await attach('n2');
  await until(() => running('there'), 'the pod to run');
  const [, { calls }] = drivers;
  t.match(calls('NodeStageVolume'), [{ secrets: { key: 'value' } }]);
  t.match(calls('NodePublishVolume'), [{ secrets: { key: 'value', 'csi.storage.k8s.io/serviceAccount.tokens': /^\{"vault":\{"token":"ey/ }, volumeContext: { 'csi.storage.k8s.io/pod.name': 'there' } }]);
  t.equal(field('node n2', '.status.volumesInUse[*]'), `kubernetes.io/csi/${NAME}^h`);
  t.equal(calls('NodeExpandVolume').length, 1);
  await until(() => field('pvc v', '.status.capacity.storage') === '2Gi', 'the claim to have grown');
});

await t.test('a pod elsewhere waits until the first has let go', async (t) => {
  apply(pod('here', 'n1'));
  await until(() => events('here').includes('FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) there'), 'the event');
  t.equal(attachments(), 'n2');
  kubectl('delete', 'pod', 'there');
  await attach('n1');
  await until(() => running('here'), 'the pod to run');
  t.equal(attachments(), 'n1');
  t.equal(drivers[1].calls('NodeUnstageVolume').length, 1);
  kubectl('delete', 'pod', 'here');
  await until(() => attachments() === '', 'the volume to be detached');
});

await t.test('from a node that is out of service it is taken', async (t) => {
  apply(pod('lost', 'n2'));
  await attach('n2');
  await until(() => running('lost'), 'the pod to run');
  second.kill();
  kubectl('taint', 'node', 'n2', 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute');
  kubectl('delete', 'pod', 'lost', '--force', '--grace-period=0');
  apply(pod('found', 'n1'));
  await attach('n1');
  await until(() => running('found'), 'the pod to run');
  t.equal(attachments(), 'n1');
});
