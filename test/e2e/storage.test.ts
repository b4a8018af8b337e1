// Storage as a user has it: a claim, written to, its pod deleted, read again by another; volumes bound by hand; protection; what is given back.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const cluster = await createSuppliedCluster('v', '10.97.6');
const { kubectl, tryKubectl, host, apply, field, events, told } = cluster;
const loops = host.run('sh', '-c', 'losetup -f 2>/dev/null || true') !== '';
const loopsOf = (): string[] => execFileSync('losetup', ['-n', '-O', 'NAME', '-j', image], { encoding: 'utf8' }).split('\n').filter((device) => device !== '').map((device) => device.trim());
const image = join(cluster.lab.directory, 'disk');
t.teardown(async () => {
  // As long as it is mounted it stays: it goes when the host does.
  if (loops) for (const device of loopsOf()) execFileSync('losetup', ['-d', device]);
  await cluster.remove();
});
await t.test('a server comes up', () => cluster.start());

const claim = (name: string, spec: object = {}): object => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec } });
const pod = (name: string, claimName: string, command: string, more: object = {}): object => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: { terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', command], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }], ...more },
});
const phase = (resource: string): string => field(resource, '.status.phase');
const isGone = (resource: string): boolean => tryKubectl(['get', ...resource.split(' ')]).stderr.includes('not found');

await t.test('the class is there, and is the default', async (t) => {
  t.match(kubectl('get', 'storageclass'), /local-path \(default\) +rancher\.io\/local-path +Delete +WaitForFirstConsumer +false/);
});

await t.test('a claim waits for its first consumer, gets a folder, and keeps what was written when the pod goes', async (t) => {
  apply(claim('data'));
  await until(() => events('data').includes('WaitForFirstConsumer: waiting for first consumer to be created before binding'), 'the event');
  t.equal(phase('pvc data'), 'Pending');
  apply(pod('writer', 'data', 'id -u; echo kept > /data/file; chmod 600 /data/file', { securityContext: { runAsUser: 1000 } }));
  await until(() => phase('pod writer') === 'Succeeded', 'the writer to end');
  t.equal(phase('pvc data'), 'Bound');
  kubectl('delete', 'pod', 'writer');
  apply(pod('reader', 'data', 'cat /data/file; sleep 1000', { securityContext: { runAsUser: 1000 } }));
  await until(() => phase('pod reader') === 'Running', 'the reader to run');
  await until(() => kubectl('logs', 'reader') === 'kept\n', 'what it read');
  const volume = field('pvc data', '.spec.volumeName');
  t.equal(field(`pv ${volume}`, '.spec.local.path'), `/var/lib/skiff/storage/${volume}_default_data`);
  t.equal(host.run('stat', '-c', '%a', `/var/lib/skiff/storage/${volume}_default_data`).trim(), '777');
  const summary = JSON.parse(kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/stats/summary')) as { pods: { podRef: { name: string }; volume?: object[] }[] };
  t.match(summary.pods.find(({ podRef }) => podRef.name === 'reader')?.volume, [{ name: 'data', pvcRef: { name: 'data', namespace: 'default' }, capacityBytes: Number }]);
  t.match(kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/metrics'), /kubelet_volume_stats_capacity_bytes\{namespace="default",persistentvolumeclaim="data"\} \d+/);
  t.match(events('data'), /Provisioning: .*\n(.*\n)*ProvisioningSucceeded: Successfully provisioned volume pvc-/);
});

await t.test('a claim that a pod uses outlives its deletion; then volume and folder go', async (t) => {
  const volume = field('pvc data', '.spec.volumeName');
  kubectl('delete', 'pvc', 'data', '--wait=false');
  t.match(kubectl('get', 'pvc', 'data'), /Terminating/);
  t.equal(field('pvc data', '.metadata.finalizers'), '["kubernetes.io/pvc-protection"]');
  kubectl('delete', 'pod', 'reader');
  await until(() => isGone('pvc data') && isGone(`pv ${volume}`), 'claim and volume to go');
  t.equal(host.run('ls', '-A', '/var/lib/skiff/storage'), '');
});

await t.test('a volume made by hand is bound by size, class and selector, and released with what is on it', async (t) => {
  host.run('mkdir', '-p', '/var/lib/a', '/var/lib/b');
  const local = (name: string, path: string, storage: string, more: object = {}): object => ({
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name, labels: { disk: name } },
    spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'manual', hostPath: { path }, ...more },
  });
  apply(local('a', '/var/lib/a', '5Gi'), local('b', '/var/lib/b', '2Gi'));
  await until(() => phase('pv a') === 'Available' && phase('pv b') === 'Available', 'both available');
  apply(claim('smallest', { storageClassName: 'manual' }), claim('chosen', { storageClassName: 'manual', selector: { matchLabels: { disk: 'a' } } }), claim('none', { storageClassName: 'manual', resources: { requests: { storage: '9Gi' } } }));
  await until(() => phase('pvc smallest') === 'Bound' && phase('pvc chosen') === 'Bound', 'both bound');
  t.equal(field('pvc smallest', '.spec.volumeName'), 'b');
  t.equal(field('pvc chosen', '.spec.volumeName'), 'a');
  t.equal(field('pvc smallest', '.status.capacity.storage'), '2Gi');
  apply(pod('stuck', 'none', 'true'));
  await until(() => events('stuck').includes('0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.'), 'the scheduler to say why');
  t.ok(await told('none', /ProvisioningFailed: storageclass\.storage\.k8s\.io "manual" not found/));
  kubectl('delete', 'pod', 'stuck');
  kubectl('delete', 'pvc', 'smallest', 'none');
  await until(() => phase('pv b') === 'Released', 'the volume to be released');
  kubectl('delete', 'pv', 'a', '--wait=false');
  t.match(kubectl('get', 'pv', 'a'), /Terminating/);
  kubectl('delete', 'pvc', 'chosen');
  await until(() => isGone('pv a'), 'the volume to go');
  t.match(tryKubectl(['patch', 'pvc', 'smallest', '-p', '{}']).stderr, /not found/);
});

await t.test('a class without a provisioner gives its volumes where the pod can go', async (t) => {
  host.run('mkdir', '-p', '/var/lib/c', '/var/lib/d');
  const on = (name: string, node: string): object => ({
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'disks', local: { path: `/var/lib/${name}` }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } } },
  });
  apply({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'disks' }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' }, on('c', 'elsewhere'), claim('disk', { storageClassName: 'disks' }));
  apply(pod('user', 'disk', 'echo here > /data/file; stat -c %g%a /data', { securityContext: { fsGroup: 3000 } }));
  await until(() => events('user').includes("0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."), 'the scheduler to say why');
  apply(on('d', 'n1'));
  await until(() => phase('pod user') === 'Succeeded', 'the pod to end');
  t.equal(field('pvc disk', '.spec.volumeName'), 'd');
  t.equal(kubectl('logs', 'user'), '30002775\n');
  kubectl('delete', 'pod/user', 'pvc/disk', 'pv/c', 'pv/d');
});

await t.test('a disk is formatted for the first pod, taken over by another life of the node, and unmounted with the last pod', { skip: loops ? false : 'no loop devices here' }, async (t) => {
  host.run('truncate', '-s', '64M', image);
  const device = host.run('losetup', '-f', '--show', image).trim();
  const onNode = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] }] } };
  const shared = '/var/lib/kubelet/plugins/kubernetes.io/local-volume/mounts/disk';
  const mounted = (): string => host.run('sh', '-c', `grep -c '^${device} ' /proc/mounts || true`).trim();
  apply({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' }, spec: { capacity: { storage: '64Mi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'loop', mountOptions: ['noatime'], local: { path: device }, nodeAffinity: onNode } });
  apply(claim('disk', { storageClassName: 'loop', resources: { requests: { storage: '1Mi' } } }), pod('writer', 'disk', 'echo kept > /data/file; sleep 1000'));
  await until(() => phase('pod writer') === 'Running', 'the writer to run');
  t.match(host.run('grep', ` ${shared} `, '/proc/mounts'), new RegExp(`^${device} ${shared} ext4 rw,.*noatime`));
  await until(() => tryKubectl(['exec', 'writer', '--', 'cat', '/data/file']).stdout === 'kept\n', 'the file');
  await cluster.stop('SIGKILL');
  await cluster.start();
  apply(pod('reader', 'disk', 'cat /data/file; sleep 1000'));
  await until(() => phase('pod reader') === 'Running' && kubectl('logs', 'reader') === 'kept\n', 'the reader to read it');
  t.equal(kubectl('exec', 'writer', '--', 'cat', '/data/file'), 'kept\n', 'the writer has run on');
  t.equal(mounted(), '3');
  kubectl('delete', 'pod', 'writer', 'reader', '--grace-period=0');
  await until(() => mounted() === '0', 'the disk to be unmounted');
  kubectl('delete', 'pvc/disk', 'pv/disk');
});

await t.test('a claim grows only where its class allows it', async (t) => {
  apply(claim('fixed'), pod('holder', 'fixed', 'sleep 1000'));
  await until(() => phase('pvc fixed') === 'Bound', 'the claim to be bound');
  const grown = tryKubectl(['patch', 'pvc', 'fixed', '-p', '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}']);
  t.match(grown.stderr, /persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize/);
  kubectl('delete', 'pod/holder', 'pvc/fixed');
  await until(() => host.run('ls', '-A', '/var/lib/skiff/storage') === '', 'the folder to go');
});

await t.test('an ephemeral volume has a claim of its own, which goes with the pod', async (t) => {
  const template = { metadata: { labels: { of: 'scratch' } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  apply(pod('scratch', '', 'echo x > /data/file; sleep 1000', { volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: template } }] }));
  await until(() => phase('pod scratch') === 'Running', 'the pod to run');
  t.match(kubectl('get', 'pvc', '-l', 'of=scratch'), /scratch-data +Bound +pvc-/);
  kubectl('delete', 'pod', 'scratch');
  await until(() => isGone('pvc scratch-data') && host.run('ls', '-A', '/var/lib/skiff/storage') === '', 'claim and folder to go');
});

await t.test('what this node cannot mount is said', async () => {
  const volume = (name: string, spec: object): object => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: name, ...spec } });
  apply(volume('share', { nfs: { server: '192.0.2.1', path: '/export' } }), volume('raw', { volumeMode: 'Block', local: { path: '/dev/zero' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] }] } } }));
  apply(claim('share', { storageClassName: 'share' }), claim('raw', { storageClassName: 'raw', volumeMode: 'Block' }), pod('sharing', 'share', 'true'));
  apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'blocky' }, spec: { containers: [{ name: 'c', image: 'busybox:1', command: ['true'], volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'raw' } }] } });
  if (host.run('sh', '-c', 'command -v mount.nfs || true') === '') await until(() => events('sharing').includes('mount.nfs is not on this node: NFS volumes need it'), 'what lacks to be said');
  await until(() => events('blocky').includes('MapVolume.SetUpDevice failed for volume "raw" : /dev/zero is not a block device'), 'what is not a block device to be said');
  kubectl('delete', 'pod/sharing', 'pod/blocky', 'pvc/share', 'pvc/raw', 'pv/share', 'pv/raw', '--grace-period=0', '--force');
});
