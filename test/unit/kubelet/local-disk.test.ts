// Local volumes that are disks: loop devices with real file systems, seen by pods of a scene.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS } from '../../../internal/kinds/generated/resources.ts';
import type { PersistentVolumeSpec, PodSpec } from '../../../internal/kinds/generated/api-types.ts';
import { formatAndMount } from '../../../agents/kubelet/volumes/disk-format.ts';
import { mountPointsUnder } from '../../../agents/kubelet/volumes/mount-table.ts';
import { createScene, type Scene } from './scene.ts';

const lacks = ['mkfs.ext4', 'blkid', 'losetup'].filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
if (lacks.length > 0 || spawnSync('losetup', ['-f']).status !== 0) {
  t.pass('no loop devices here', { skip: `needs loop devices and ${lacks.join(', ')}` });
  process.exit(0);
}
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const folder = mkdtempSync(join(tmpdir(), `skiff-disk-${String(process.pid)}-`));
const disks: string[] = [];
let made = 0;
t.teardown(() => {
  for (const point of mountPointsUnder(folder)) run('umount', '-l', point);
  for (const disk of disks) run('losetup', '-d', disk);
  rmSync(folder, { recursive: true, force: true });
});

function disk(): string {
  const file = join(folder, `disk-${String(made++)}`);
  run('truncate', '-s', '32M', file);
  const device = run('losetup', '-f', '--show', file);
  disks.push(device);
  return device;
}

/** A table of one, as a DOS disk has it. */
function writePartition(device: string): void {
  const sector = Buffer.alloc(512);
  sector[446 + 4] = 0x83;
  sector.writeUInt32LE(2048, 446 + 8);
  sector.writeUInt32LE(2048, 446 + 12);
  sector.writeUInt16LE(0xaa55, 510);
  const file = openSync(device, 'r+');
  writeSync(file, sector);
  fsyncSync(file);
  closeSync(file);
}

async function scene(t: Test, path: string, more: Partial<PersistentVolumeSpec> = {}): Promise<Scene> {
  const s = await createScene();
  t.teardown(() => {
    for (const point of mountPointsUnder(s.folder)) run('umount', '-l', point);
    s.stop();
  });
  const affinity: PersistentVolumeSpec['nodeAffinity'] = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] }] } };
  await s.client.create(PERSISTENTVOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, spec: { capacity: { storage: '32Mi' }, accessModes: ['ReadWriteOnce'], local: { path }, nodeAffinity: affinity, ...more } });
  const { metadata } = await s.client.create(PERSISTENTVOLUMECLAIMS, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'claim', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv', ...(more.volumeMode !== undefined && { volumeMode: more.volumeMode }), resources: { requests: { storage: '1Mi' } } } });
  await s.client.patch(PERSISTENTVOLUMES, { namespace: '', name: 'pv' }, { type: 'merge', body: { spec: { claimRef: { namespace: 'default', name: 'claim', uid: metadata.uid } } } });
  await s.client.patch(PERSISTENTVOLUMECLAIMS, { namespace: 'default', name: 'claim' }, { type: 'merge', body: { status: { phase: 'Bound' } } }, { subresource: 'status' });
  return s;
}

const podSpec = (more: Partial<PodSpec> = {}, readOnly = false): PodSpec => ({ terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'claim', readOnly } }], ...more });
const shownIn = (s: Scene, uid: string): string => join(s.folder, 'kubelet/pods', uid, 'volumes/kubernetes.io~local-volume/pv');
const sharedIn = (s: Scene): string => join(s.folder, 'kubelet/plugins/kubernetes.io/local-volume/mounts/pv');
const removePod = async (s: Scene, name: string): Promise<void> => {
  await s.client.delete(PODS, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
  await s.rest();
};

t.test('a blank disk is formatted and shown to its pods, and unmounted with the last; what was written stays', async (t) => {
  const device = disk();
  const s = await scene(t, device);
  const { metadata: { uid: one } } = await s.create('one', podSpec({ securityContext: { fsGroup: 1001 } }));
  const { metadata: { uid: two } } = await s.create('two', podSpec());
  await s.rest();
  t.same(s.runtime.listContainers().map(({ config }) => config.mounts.find(({ containerPath }) => containerPath === '/data')?.hostPath).sort(), [shownIn(s, one), shownIn(s, two)].sort());
  t.equal(run('blkid', '-p', '-s', 'TYPE', '-o', 'value', device), 'ext4');
  t.equal(run('findmnt', '-n', '-o', 'SOURCE', shownIn(s, one)), device);
  t.equal(statSync(shownIn(s, one)).gid, 1001);
  writeFileSync(join(shownIn(s, one), 'file'), 'kept');
  t.equal(readFileSync(join(shownIn(s, two), 'file'), 'utf8'), 'kept');
  await removePod(s, 'one');
  t.same(mountPointsUnder(s.folder).sort(), [sharedIn(s), shownIn(s, two)].sort(), 'the other has it still');
  s.restart();
  await s.rest();
  t.same(mountPointsUnder(s.folder).sort(), [sharedIn(s), shownIn(s, two)].sort(), 'another life of the kubelet takes it over');
  await removePod(s, 'two');
  t.same(mountPointsUnder(s.folder), []);
  t.notOk(existsSync(sharedIn(s)));
  const { metadata: { uid: three } } = await s.create('three', podSpec());
  await s.rest();
  t.equal(readFileSync(join(shownIn(s, three), 'file'), 'utf8'), 'kept', 'not formatted again');
  await removePod(s, 'three');
});

t.test('a pod that only reads cannot write, and has no blank disk formatted', async (t) => {
  const device = disk();
  const s = await scene(t, device);
  await s.create('blank', podSpec({}, true));
  await s.rest();
  t.match(s.events, [`Warning FailedMount blank: MountVolume.MountDevice failed for volume "pv" : local: failed to mount device ${device} at ${sharedIn(s)} (fstype: ext4), error cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`]);
  t.equal(spawnSync('blkid', ['-p', device]).status, 2, 'still blank');
  t.notOk(existsSync(sharedIn(s)));
  await removePod(s, 'blank');
  run('mkfs.ext4', '-q', device);
  const { metadata: { uid } } = await s.create('reader', podSpec({}, true));
  await s.rest();
  t.throws(() => writeFileSync(join(shownIn(s, uid), 'file'), ''), { code: 'EROFS' });
  await removePod(s, 'reader');
  t.same(mountPointsUnder(s.folder), []);
});

t.test('what holds other data is never formatted', async (t) => {
  const swap = (device: string): string => run('mkswap', device);
  for (const [what, prepare] of [['swap', swap], ['partitions', writePartition]] as const) {
    const device = disk();
    prepare(device);
    const before = run('sha256sum', device);
    const s = await scene(t, device);
    await s.create('pod', podSpec());
    await s.rest();
    t.match(s.events[0], new RegExp(`^Warning FailedMount pod: MountVolume.MountDevice failed for volume "pv" : local: failed to mount device ${device} at .* \\(fstype: ext4\\), error mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t ext4 -o defaults ${device} .*\nOutput: mount: .*wrong fs type`), what);
    t.equal(run('sha256sum', device), before, what);
    t.notOk(existsSync(sharedIn(s)));
    await removePod(s, 'pod');
  }
});

t.test('a block volume is given as it is', async (t) => {
  const device = disk();
  const s = await scene(t, device, { volumeMode: 'Block' });
  await s.create('raw', podSpec({ containers: [{ name: 'main', image: 'app:1', volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }] }));
  await s.rest();
  t.match(s.runtime.listContainers()[0]?.config.devices, [{ hostPath: device, containerPath: '/dev/data' }]);
  t.equal(spawnSync('blkid', ['-p', device]).status, 2, 'still blank');
});

t.test('options are the disk\'s, and a file system that this node cannot make is told', async (t) => {
  const [device, target] = [disk(), join(folder, 'at')];
  run('mkdir', target);
  await t.rejects(formatAndMount({ device, target, fsType: 'nosuchfs', options: [] }), { message: 'mkfs.nosuchfs is not on this node: a disk that is a volume needs it' });
  await t.rejects(formatAndMount({ device, target, fsType: '../x', options: [] }), { message: 'fsType "../x" is not the name of a file system' });
  await t.rejects(formatAndMount({ device: join(folder, 'none'), target, fsType: 'ext4', options: [] }), /failed to get disk format|format of disk/);
  await formatAndMount({ device, target, fsType: 'ext4', options: ['noatime', 'nodev'] });
  t.match(run('findmnt', '-n', '-o', 'OPTIONS', target), /nodev.*noatime/);
});
