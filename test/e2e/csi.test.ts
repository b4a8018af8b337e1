// CSI with a driver of our own that mounts for real (test/support/csi-driver.ts); the test plays attacher and resizer. Upstream's driver: test/e2e/csi-drivers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { driverOn } from '../support/csi-host.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(300_000);

const NAME = 'folders.example.com';
const cluster = await createSuppliedCluster('y', '10.97.63');
const { kubectl, host, lab, apply, field, events, told } = cluster;
const { calls, fail, folder, start: startDriver, stop: stopDriver, remove } = driverOn(host, { lab, name: NAME, nodeId: 'id-1' });
t.teardown(async () => {
  remove();
  await cluster.remove();
});

const volume = (name: string, { spec = {}, csi = {} }: { spec?: object; csi?: object } = {}): object[] => [
  { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'folders', persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'default', name }, csi: { driver: NAME, volumeHandle: `handle-${name}`, fsType: 'ext4', ...csi }, ...spec } },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'folders', volumeName: name, resources: { requests: { storage: '1Gi' } }, ...('volumeMode' in spec && { volumeMode: spec.volumeMode }) } },
];
const pod = (name: string, source: object, container: object = {}, spec: object = {}): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'busybox:1', command: ['sleep', '1000'], volumeMounts: [{ name: 'data', mountPath: '/data' }], ...container }], volumes: [{ name: 'data', ...source }], ...spec },
});
const of = (claimName: string): object => ({ persistentVolumeClaim: { claimName } });
const phase = (resource: string): string => field(resource, '.status.phase');
const inUse = (): string => field('node n1', '.status.volumesInUse').replace('[]', '');
const mounts = (): string => host.run('sh', '-c', 'grep -E "kubernetes.io.csi" /proc/self/mountinfo || true');
const files = (): string => host.run('sh', '-c', 'find /var/lib/kubelet/plugins/kubernetes.io/csi /var/lib/kubelet/pods -name "vol_data.json" 2>/dev/null || true');
const UNIQUE = (name: string): string => `kubernetes.io/csi/${NAME}^handle-${name}`;

/** What an external attacher does. */
async function attach(name: string): Promise<void> {
  await until(() => field('volumeattachments', `.items[?(@.spec.source.persistentVolumeName=="${name}")].metadata.name`) !== '', `the attachment of ${name}`);
  const attachment = field('volumeattachments', `.items[?(@.spec.source.persistentVolumeName=="${name}")].metadata.name`);
  kubectl('patch', 'volumeattachment', attachment, '--subresource=status', '--type=merge', '-p', '{"status":{"attached":true,"attachmentMetadata":{"device":"vdb"}}}');
}

await t.test('a driver registers', async (t) => {
  await cluster.start();
  apply(
    { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: NAME }, spec: { volumeLifecycleModes: ['Persistent', 'Ephemeral'], podInfoOnMount: true, fsGroupPolicy: 'File', attachRequired: true, tokenRequests: [{ audience: 'vault' }] } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { key: 'stage' } },
  );
  t.match(field('csinode n1', '.spec.drivers'), /^(\[\])?$/);
  startDriver();
  await until(() => calls('NotifyRegistrationStatus').length > 0, 'the driver to be told');
  t.match(calls('NotifyRegistrationStatus'), [{ registered: true, error: '' }]);
  t.same(JSON.parse(field('csinode n1', '.spec.drivers')), [{ name: NAME, nodeID: 'id-1', topologyKeys: [`topology.${NAME}/node`], allocatable: { count: 2 } }]);
  t.equal(field('node n1', '.metadata.annotations.csi\\.volume\\.kubernetes\\.io/nodeid'), `{"${NAME}":"id-1"}`);
  t.equal(field('node n1', `.metadata.labels.topology\\.folders\\.example\\.com/node`), 'id-1');
});

await t.test('a volume is attached, staged and published with what it and its driver ask for', async (t) => {
  apply(...volume('a', { spec: { mountOptions: ['noatime'] }, csi: { nodeStageSecretRef: { namespace: 'default', name: 'keys' }, volumeAttributes: { color: 'red' } } }), pod('first', of('a'), {}, { securityContext: { fsGroup: 3000 } }));
  await attach('a');
  await until(() => phase('pod first') === 'Running', 'the pod to run');
  t.equal(inUse(), JSON.stringify([UNIQUE('a')]));
  t.equal(field('node n1', '.status.volumesAttached[*].name'), UNIQUE('a'));
  const capability = { mount: { fsType: 'ext4', mountFlags: ['noatime'] }, accessMode: { mode: 7 } };
  t.match(calls('NodeStageVolume', 'handle-a'), [{ publishContext: { device: 'vdb' }, secrets: { key: 'stage' }, volumeContext: { color: 'red' }, volumeCapability: capability, stagingTargetPath: /^\/var\/lib\/kubelet\/plugins\/kubernetes\.io\/csi\/folders\.example\.com\/[0-9a-f]{64}\/globalmount$/ }]);
  const [published] = calls('NodePublishVolume', 'handle-a');
  const uid = field('pod first', '.metadata.uid');
  t.equal(published?.targetPath, `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~csi/a/mount`);
  t.match(published?.['volumeContext'], { color: 'red', 'csi.storage.k8s.io/pod.name': 'first', 'csi.storage.k8s.io/pod.uid': uid, 'csi.storage.k8s.io/ephemeral': 'false', 'csi.storage.k8s.io/serviceAccount.tokens': /^\{"vault":\{"token":"ey[^"]+","expirationTimestamp":"[^"]+Z"\}\}$/ });
  t.match(JSON.parse(host.run('cat', `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~csi/a/vol_data.json`)), { driverName: NAME, volumeHandle: 'handle-a', specVolID: 'a', nodeName: 'n1', volumeLifecycleMode: 'Persistent', attachmentID: /^csi-/ });
  t.equal(kubectl('exec', 'first', '--', 'stat', '-c', '%g', '/data').trim(), '3000');
  const summary = JSON.parse(kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/stats/summary')) as { pods: { podRef: { name: string }; volume?: object[] }[] };
  t.match(summary.pods.find(({ podRef }) => podRef.name === 'first')?.volume, [{ name: 'data', pvcRef: { name: 'a', namespace: 'default' }, capacityBytes: Number, inodesUsed: Number }]);
});

await t.test('it grows while it is used', async (t) => {
  const resized = (status: object): string => kubectl('patch', 'pvc', 'a', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  resized({ allocatedResources: { storage: '2Gi' }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } });
  kubectl('patch', 'pv', 'a', '-p', '{"spec":{"capacity":{"storage":"2Gi"}}}');
  resized({ allocatedResourceStatuses: { storage: 'NodeResizePending' }, conditions: [{ type: 'FileSystemResizePending', status: 'True' }] });
  await until(() => field('pvc a', '.status.capacity.storage') === '2Gi', 'the claim to have grown');
  t.match(calls('NodeExpandVolume', 'handle-a'), [{ capacityRange: { requiredBytes: 2 << 30 >>> 0 }, volumePath: /\/mount$/, stagingTargetPath: /globalmount$/ }]);
  t.equal(field('pvc a', '.status.allocatedResourceStatuses') + field('pvc a', '.status.conditions[*].type'), '');
});

await t.test('two pods share what is staged once; the last one takes it away', async (t) => {
  apply(pod('second', of('a')));
  await until(() => phase('pod second') === 'Running', 'the second pod to run');
  kubectl('exec', 'second', '--', 'sh', '-c', 'echo x > /data/file');
  t.equal(kubectl('exec', 'first', '--', 'cat', '/data/file'), 'x\n');
  t.equal(calls('NodeStageVolume', 'handle-a').length, 1);
  kubectl('delete', 'pod', 'first');
  t.equal(calls('NodeUnpublishVolume', 'handle-a').length, 1);
  t.equal(calls('NodeUnstageVolume').length, 0);
  kubectl('delete', 'pod', 'second');
  await until(() => field('volumeattachments', '.items[*].metadata.name') === '', 'the volume to be detached');
  t.equal(calls('NodeUnstageVolume', 'handle-a').length, 1);
  t.equal(inUse(), '');
  t.equal(mounts() + files(), '');
  t.equal(readFileSync(join(folder, 'volumes/handle-a/file'), 'utf8'), 'x\n');
});

await t.test('what the driver says goes to the pod; what it did not do is not taken for done', async (t) => {
  fail('NodePublishVolume 13 no such shelf');
  apply(...volume('b'), pod('third', of('b')));
  await attach('b');
  await until(() => events('third').includes('MountVolume.SetUp failed for volume "b" : rpc error: code = Internal desc = no such shelf'), 'the event');
  fail('');
  await until(() => phase('pod third') === 'Running', 'the pod to run');
  t.ok(await told('third', /SuccessfulAttachVolume: AttachVolume\.Attach succeeded for volume "b" /));
});

await t.test('killed with a pod that nobody knows any more, Skiff unmounts what it did not mount', async (t) => {
  apply(pod('inline', { csi: { driver: NAME, readOnly: false, volumeAttributes: { size: 'small' } } }));
  await until(() => phase('pod inline') === 'Running', 'the pod to run');
  const [published] = calls('NodePublishVolume').filter(({ volumeId = '' }) => volumeId.startsWith('csi-'));
  t.match(published?.['volumeContext'], { size: 'small', 'csi.storage.k8s.io/ephemeral': 'true' });
  await stopDriver();
  await until(() => field('csinode n1', '.spec.drivers[*].name') === '', 'the driver to be gone');
  kubectl('delete', 'pod', 'inline', 'third', '--force', '--grace-period=0', '--wait=false');
  await cluster.stop('SIGKILL');
  await cluster.start();
  await until(() => cluster.log().includes(`driver name ${NAME} not found in the list of registered CSI drivers`), 'the driver to be missed');
  t.not(mounts(), '');
  t.equal(inUse(), JSON.stringify([UNIQUE('b')]));
  startDriver();
  await until(() => mounts() + files() === '' && inUse() === '', 'all of it to go');
  t.ok(calls('NodeUnpublishVolume', published?.volumeId).length > 0);
  t.ok(calls('NodeUnstageVolume', 'handle-b').length > 0);
  await until(() => field('volumeattachments', '.items[*].metadata.name') === '', 'the volume to be detached');
});

await t.test('no more volumes than the driver takes', async () => {
  apply(...volume('d'), ...volume('e'), ...volume('f'));
  apply(pod('full', of('d'), { volumeMounts: [] }, { volumes: ['d', 'e', 'f'].map((name) => ({ name, ...of(name) })) }));
  await until(() => events('full').includes('1 node(s) exceed max volume count'), 'the scheduler to say why');
  kubectl('delete', 'pod', 'full');
});

const loops = host.run('sh', '-c', 'losetup -f 2>/dev/null || true') !== '';
await t.test('a block volume, and a device of the node itself', { skip: loops ? false : 'no loop devices here' }, async (t) => {
  apply(...volume('raw', { spec: { volumeMode: 'Block' } }), pod('blocky', of('raw'), { volumeMounts: [], volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }));
  await attach('raw');
  await until(() => phase('pod blocky') === 'Running', 'the pod to run');
  kubectl('exec', 'blocky', '--', 'sh', '-c', 'echo raw | dd of=/dev/data 2>/dev/null');
  t.equal(readFileSync(join(folder, 'volumes/handle-raw'), 'utf8').slice(0, 4), 'raw\n');
  const device = host.run('realpath', `/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/raw/${field('pod blocky', '.metadata.uid')}`).trim();
  t.match(device, /\/publish\/raw\//);
  // The node's own: the same device, given as a local volume.
  const loop = host.run('losetup', '-j', join(folder, 'volumes/handle-raw')).split(':')[0] ?? '';
  const onNode = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] }] } };
  apply(...volume('disk', { spec: { volumeMode: 'Block', csi: undefined, local: { path: loop }, nodeAffinity: onNode } }), pod('reader', of('disk'), { volumeMounts: [], volumeDevices: [{ name: 'data', devicePath: '/dev/disk' }] }));
  await until(() => phase('pod reader') === 'Running', 'the pod to run');
  t.equal(kubectl('exec', 'reader', '--', 'head', '-c', '4', '/dev/disk'), 'raw\n');
  kubectl('delete', 'pod', 'blocky', 'reader');
  await until(() => mounts() + files() === '' && inUse() === '', 'all of it to go');
});
