// Upstream's host-path driver and its sidecars against Skiff: a volume's whole life, by the parts that everybody uses. See README.md.
import t from 'tap';
import { createSuppliedCluster } from '../../support/cluster.ts';
import { ownNetwork } from '../../support/lab.ts';
import { until } from '../../support/until.ts';
import { createParts, DRIVER, PARTS } from './parts.ts';

ownNetwork();
t.setTimeout(900_000);
const folder = process.env['SKIFF_CSI_PARTS'];
if (folder === undefined) throw new Error('SKIFF_CSI_PARTS: the folder of the parts\' executables is not named');

const cluster = await createSuppliedCluster('d', '10.97.61');
const { kubectl, tryKubectl, host, apply, field, events } = cluster;
const parts = createParts(cluster, folder);
t.teardown(() => cluster.remove());
await t.test('a server comes up, and the driver with its parts', async () => {
  await cluster.start();
  for (const part of PARTS) parts.start(part);
});

const claim = (name: string, spec: object = {}): object => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'host', resources: { requests: { storage: '64Mi' } }, ...spec } });
const pod = (name: string, command: string, { volume = {}, container = {}, spec = {} }: { volume?: object; container?: object; spec?: object } = {}): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: { terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', command], volumeMounts: [{ name: 'data', mountPath: '/data' }], ...container }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name }, ...volume }], ...spec },
});
const phase = (resource: string): string => field(resource, '.status.phase');
const isGone = (resource: string): boolean => tryKubectl(['get', ...resource.split(' ')]).stderr.includes('not found');
const onNode = (command: string): string => host.run('sh', '-c', command).trim();
/** Everything that a volume leaves while it is used. */
const leftovers = (): string => `${onNode('grep -E "kubernetes.io.csi" /proc/self/mountinfo || true')}${onNode('find /var/lib/kubelet/plugins/kubernetes.io/csi /var/lib/kubelet/pods -path "*csi*" -type f 2>/dev/null || true')}${field('node n1', '.status.volumesInUse')}${field('node n1', '.status.volumesAttached')}${field('volumeattachments', '.items')}`.replaceAll('[]', '');

await t.test('the driver registers', async (t) => {
  apply(
    { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: DRIVER }, spec: { volumeLifecycleModes: ['Persistent', 'Ephemeral'], podInfoOnMount: true, fsGroupPolicy: 'File', attachRequired: true, storageCapacity: true } },
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'host' }, provisioner: DRIVER, allowVolumeExpansion: true },
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'waits' }, provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true, parameters: { kind: 'slow' } },
  );
  await until(() => field('csinode n1', '.spec.drivers[0].name') === DRIVER, 'the CSINode to show it');
  t.match(JSON.parse(field('csinode n1', '.spec.drivers[0]')), { nodeID: 'n1', allocatable: { count: 5 }, topologyKeys: ['topology.hostpath.csi/node'] });
  t.equal(field('node n1', '.metadata.annotations.csi\\.volume\\.kubernetes\\.io/nodeid'), `{"${DRIVER}":"n1"}`);
  t.equal(field('node n1', '.metadata.labels.topology\\.hostpath\\.csi/node'), 'n1');
});

await t.test('a claim, a pod that writes; another that reads; grown while it is used', async (t) => {
  apply(claim('kept'), pod('kept', 'echo kept > /data/file; id -G; sleep 1000', { spec: { securityContext: { fsGroup: 3000 } } }));
  await until(() => phase('pod kept') === 'Running', 'the pod to run');
  t.match(events('kept'), /SuccessfulAttachVolume: AttachVolume\.Attach succeeded for volume "pvc-/);
  const volume = field('pvc kept', '.spec.volumeName');
  const name = `kubernetes.io/csi/${DRIVER}^${field(`pv ${volume}`, '.spec.csi.volumeHandle')}`;
  t.equal(field('node n1', '.status.volumesInUse'), JSON.stringify([name]));
  t.equal(field('node n1', '.status.volumesAttached[0].name'), name);
  t.equal(kubectl('exec', 'kept', '--', 'stat', '-c', '%g', '/data').trim(), '3000');
  kubectl('patch', 'pvc', 'kept', '-p', '{"spec":{"resources":{"requests":{"storage":"128Mi"}}}}');
  await until(() => field('pvc kept', '.status.capacity.storage') === '128Mi', 'the claim to have grown');
  t.equal(field('pvc kept', '.status.conditions') + field('pvc kept', '.status.allocatedResourceStatuses'), '');
  t.match(events('kept'), /FileSystemResizeSuccessful: MountVolume\.NodeExpandVolume succeeded for volume "pvc-.*" n1/);
  kubectl('delete', 'pod', 'kept');
  apply(pod('kept', 'cat /data/file; sleep 1000'));
  await until(() => tryKubectl(['logs', 'kept']).stdout === 'kept\n', 'what was written');
  kubectl('delete', 'pod/kept', 'pvc/kept');
  await until(() => isGone(`pv ${volume}`) && leftovers() === '', 'all of it to go');
});

await t.test('a class that waits: where there is room', async (t) => {
  apply(claim('large', { storageClassName: 'waits', resources: { requests: { storage: '100Gi' } } }), pod('large', 'true'));
  await until(() => events('large').includes('node(s) did not have enough free storage'), 'the scheduler to say why');
  apply(claim('small', { storageClassName: 'waits' }), pod('small', 'df /data > /dev/null && echo ok'));
  await until(() => phase('pod small') === 'Succeeded', 'the pod to end');
  t.equal(field('pvc small', '.metadata.annotations.volume\\.kubernetes\\.io/selected-node'), 'n1');
  kubectl('delete', 'pod/large', 'pod/small', 'pvc/large', 'pvc/small');
});

await t.test('a volume that a pod brings with it, and one with a claim of its own', async (t) => {
  const template = { spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'waits', resources: { requests: { storage: '64Mi' } } } };
  apply(
    pod('inline', 'echo x > /data/file && sleep 1000', { volume: { persistentVolumeClaim: undefined, csi: { driver: DRIVER, volumeAttributes: { size: '16Mi' } } } }),
    pod('generic', 'echo x > /data/file && sleep 1000', { volume: { persistentVolumeClaim: undefined, ephemeral: { volumeClaimTemplate: template } } }),
  );
  await until(() => phase('pod inline') === 'Running' && phase('pod generic') === 'Running', 'both to run');
  const summary = JSON.parse(kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/stats/summary')) as { pods: { podRef: { name: string }; volume?: object[] }[] };
  t.match(summary.pods.find(({ podRef }) => podRef.name === 'generic')?.volume, [{ name: 'data', pvcRef: { name: 'generic-data' }, capacityBytes: Number }]);
  kubectl('delete', 'pod', 'inline', 'generic');
  await until(() => isGone('pvc generic-data') && leftovers() === '', 'all of it to go');
});

const loops = onNode('losetup -f 2>/dev/null || true') !== '';
await t.test('a block device', { skip: loops ? false : 'no loop devices here' }, async (t) => {
  apply(claim('raw', { volumeMode: 'Block' }), pod('raw', 'dd if=/dev/zero of=/dev/data bs=1M count=4 && stat -c %F /dev/data; sleep 1000', { container: { volumeMounts: [], volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] } }));
  await until(() => tryKubectl(['logs', 'raw']).stdout.includes('block special file'), 'the device to be written');
  t.equal(onNode('ls /var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish | wc -l'), '1');
  kubectl('delete', 'pod/raw', 'pvc/raw');
  await until(() => leftovers() === '', 'all of it to go');
});

await t.test('Skiff dies between stage and unpublish; the driver is away while a pod is deleted', async (t) => {
  apply(claim('held'), pod('held', 'echo x > /data/file; sleep 1000'));
  await until(() => phase('pod held') === 'Running', 'the pod to run');
  await cluster.stop('SIGKILL');
  await cluster.start();
  t.equal(kubectl('exec', 'held', '--', 'cat', '/data/file'), 'x\n');
  // Those beside it end when they lose it, and are started again by whoever runs them.
  for (const part of PARTS) await parts.stop(part);
  await until(() => field('csinode n1', '.spec.drivers') === '' || field('csinode n1', '.spec.drivers') === '[]', 'the driver to be gone');
  kubectl('delete', 'pod', 'held', '--wait=false');
  await until(() => cluster.log().includes('not found in the list of registered CSI drivers'), 'the driver to be missed');
  t.not(leftovers(), '');
  for (const part of PARTS) parts.start(part);
  await until(() => isGone('pod held'), 'the pod to go');
  kubectl('delete', 'pvc', 'held');
  await until(() => leftovers() === '' && field('pv', '.items') === '[]', 'all of it to go');
});
