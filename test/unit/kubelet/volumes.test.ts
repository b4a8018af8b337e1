// Volumes with real files: what a container would see.
import { chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { CONFIGMAPS, PODS, SECRETS } from '../../../internal/kinds/generated/resources.ts';
import { writePayload } from '../../../agents/kubelet/volumes/atomic-writer.ts';
import { prepareHostPath } from '../../../agents/kubelet/volumes/host-path.ts';
import { applyFsGroup, applyFsGroupNow, type Patience } from '../../../agents/kubelet/volumes/ownership.ts';
import { remoteMountOf } from '../../../agents/kubelet/volumes/remote.ts';
import { bindSubPath, unbindSubPaths } from '../../../agents/kubelet/volumes/sub-path.ts';
import { createScene } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-volumes-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const fresh = (name: string): string => {
  mkdirSync(join(folder, name));
  return join(folder, name);
};
const patience = (signal = new AbortController().signal): Patience => ({ clock: systemClock, signal });
const linkOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
};
const file = (text: string, mode = 0o644) => ({ data: Buffer.from(text), mode });

t.test('a set of files is swapped whole, and only when it differs', (t) => {
  const volume = fresh('atomic');
  t.equal(writePayload(volume, new Map([['a', file('1', 0o400)], ['deep/b', file('2')]]), '1'), true);
  t.equal(readFileSync(join(volume, 'a'), 'utf8'), '1');
  t.equal(statSync(join(volume, 'a')).mode & 0o777, 0o400);
  t.equal(readlinkSync(join(volume, 'deep')), '..data/deep');
  t.equal(writePayload(volume, new Map([['a', file('1', 0o400)], ['deep/b', file('2')]]), '2'), false);
  t.equal(writePayload(volume, new Map([['c', file('3')]]), '3'), true);
  t.same(readdirSync(volume).sort(), ['..3', '..data', 'c']);
  t.end();
});

t.test('fsGroup opens everything to the group, and directories pass it on', async (t) => {
  const volume = fresh('group');
  writePayload(volume, new Map([['a', file('1', 0o400)]]), '1', (directory) => applyFsGroupNow(directory, 1001, { readOnly: true }));
  const info = statSync(join(volume, 'a'));
  t.same([info.gid, info.mode & 0o7777], [1001, 0o440]);
  await applyFsGroup(volume, 1001, { readOnly: false }, patience());
  t.equal(statSync(volume).mode & 0o7777, 0o2775);
  t.equal(statSync(join(volume, 'a')).mode & 0o7777, 0o660, 'files too');
});

t.test('fsGroup follows no link, and names need not be text', async (t) => {
  const [volume, outside] = [fresh('links'), fresh('outside')];
  mkdirSync(join(outside, 'inner'), { mode: 0o700 });
  writeFileSync(join(outside, 'file'), '', { mode: 0o600 });
  symlinkSync(join(outside, 'file'), join(volume, 'to-file'));
  symlinkSync(outside, join(volume, 'to-folder'));
  const odd = Buffer.concat([Buffer.from(`${volume}/`), Buffer.from([0xff, 0xe9])]);
  writeFileSync(odd, '', { mode: 0o4750 });
  await applyFsGroup(volume, 1001, { readOnly: false }, patience());
  t.same([join(outside, 'file'), outside, join(outside, 'inner')].map((path) => [statSync(path).gid, statSync(path).mode & 0o7777]), [[0, 0o600], [0, 0o755], [0, 0o700]]);
  t.same(['to-file', 'to-folder'].map((name) => lstatSync(join(volume, name)).gid), [1001, 1001]);
  t.same([statSync(odd).gid, statSync(odd).mode & 0o7777], [1001, 0o4770], 'a name that is no text; a set-user-id bit stays');
  const linked = join(folder, 'linked');
  symlinkSync(volume, linked);
  await applyFsGroup(linked, 1002, { readOnly: false }, patience());
  t.equal(statSync(odd).gid, 1002, 'the volume itself may be named by a link');
});

t.test('others have their turns while fsGroup goes over a large volume, and it ends when the pod does', async (t) => {
  const volume = fresh('large');
  for (let at = 0; at < 5000; at++) writeFileSync(join(volume, String(at)), '');
  const groups = (): number => readdirSync(volume).filter((name) => statSync(join(volume, name)).gid === 1001).length;
  let [turns, done] = [0, false];
  const turn = (): void => { if (!done) setImmediate(() => { turns++; turn(); }); };
  turn();
  await applyFsGroup(volume, 1001, { readOnly: false }, patience());
  done = true;
  t.ok(turns >= 4, `${String(turns)} turns`);
  t.equal(groups(), 5000);
  const ending = new AbortController();
  setImmediate(() => ending.abort(new Error('the pod has ended')));
  await t.rejects(applyFsGroup(volume, 1003, { readOnly: false }, patience(ending.signal)), { message: 'the pod has ended' });
  t.not(groups(), 0, 'not all was done');
  t.equal(statSync(volume).gid, 1001, 'the root says so');
  t.notOk(readdirSync('/proc/self/fd').some((file) => linkOf(`/proc/self/fd/${file}`).startsWith(volume)), 'nothing of it is open');
  await applyFsGroup(volume, 1003, { readOnly: false, onRootMismatch: true }, patience());
  t.equal(groups(), 0, 'the next time does the rest');
  writeFileSync(join(volume, 'later'), '');
  chownSync(join(volume, 'later'), 0, 0);
  await applyFsGroup(volume, 1003, { readOnly: false, onRootMismatch: true }, patience());
  t.equal(statSync(join(volume, 'later')).gid, 0, 'the root is right: nothing is looked at');
});

t.test('what another machine serves is known by where it is mounted', (t) => {
  const table = ['22 1 8:1 / / rw - ext4 /dev/sda1 rw', '30 22 0:40 /x /mnt/nas\\040one rw,relatime shared:1 - nfs4 s:/x rw', '31 30 0:41 / /mnt/nas\\040one/here rw - tmpfs tmpfs rw', '32 22 0:42 / /mnt/f rw master:3 - fuse.sshfs a:/ rw', ''].join('\n');
  t.equal(remoteMountOf('/mnt/nas one', table), '/mnt/nas one');
  t.equal(remoteMountOf('/mnt/nas one/a/b', table), '/mnt/nas one');
  t.equal(remoteMountOf('/mnt/f/a', table), '/mnt/f');
  for (const path of ['/', '/mnt', '/mnt/nas', '/mnt/nas one/here/a', '/mnt/fa']) t.equal(remoteMountOf(path, table), undefined, path);
  t.end();
});

t.test('a subpath is made and bound, and never leaves its volume', async (t) => {
  const volume = fresh('sub');
  const target = join(folder, 'bound/0');
  t.teardown(() => unbindSubPaths(join(folder, 'bound')));
  await bindSubPath(volume, 'x/y', target);
  writeFileSync(join(target, 'f'), 'inside');
  t.equal(readFileSync(join(volume, 'x/y/f'), 'utf8'), 'inside');
  symlinkSync('/etc', join(volume, 'out'));
  symlinkSync('x', join(volume, 'in'));
  await t.rejects(bindSubPath(volume, 'out', target), /not within volume path/);
  await t.rejects(bindSubPath(volume, 'out/made', target), /not within volume path/);
  await t.rejects(bindSubPath(volume, '../up', target), /must not contain/);
  await bindSubPath(volume, 'in/y', target);
  t.equal(readFileSync(join(target, 'f'), 'utf8'), 'inside', 'bound again, through a link within');
  const file = join(folder, 'bound/1');
  await bindSubPath(volume, 'x/y/f', file);
  t.equal(readFileSync(file, 'utf8'), 'inside', 'a file');
  await unbindSubPaths(join(folder, 'bound'));
  t.equal(readFileSync(file, 'utf8'), '', 'nothing is bound any more');
});

t.test('hostPath types are made or checked', (t) => {
  prepareHostPath(join(folder, 'made/here'), 'DirectoryOrCreate');
  t.ok(statSync(join(folder, 'made/here')).isDirectory());
  prepareHostPath(join(folder, 'made/file'), 'FileOrCreate');
  t.ok(statSync(join(folder, 'made/file')).isFile());
  t.throws(() => prepareHostPath(join(folder, 'none'), 'Directory'), { message: `hostPath type check failed: ${join(folder, 'none')} is not a directory` });
  t.throws(() => prepareHostPath(join(folder, 'made/file'), 'Socket'), /is not a socket file/);
  t.doesNotThrow(() => prepareHostPath('/dev/null', 'CharDevice'));
  t.end();
});

t.test('a pod sees its ConfigMaps, Secrets and itself, and changes of them', async (t) => {
  const s = await createScene();
  await s.client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf', namespace: 'default' }, data: { a: 'one', b: 'two' }, binaryData: { c: 'AAE=' } });
  await s.client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret', namespace: 'default' }, data: { key: Buffer.from('hidden').toString('base64') } });
  const { metadata: { uid } } = await s.create('web', {
    containers: [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'conf', mountPath: '/conf' }, { name: 'all', mountPath: '/all', readOnly: true }, { name: 'empty', mountPath: '/empty', subPath: 'part' }] }],
    volumes: [
      { name: 'conf', configMap: { name: 'conf', items: [{ key: 'a', path: 'path/a', mode: 0o600 }] } }, { name: 'empty', emptyDir: {} },
      { name: 'all', projected: { sources: [{ secret: { name: 'secret' } }, { configMap: { name: 'none', optional: true } }, { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }, { path: 'notes', fieldRef: { fieldPath: 'metadata.annotations' } }, { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } }] } }] } },
    ],
  }, { labels: { b: 'y', a: '1' }, annotations: { note: 'x"y\nz' } });
  const subPaths = join(s.folder, 'kubelet/pods', uid, 'volume-subpaths');
  t.teardown(async () => {
    await unbindSubPaths(subPaths);
    s.stop();
  });
  await s.rest();
  const mounts = new Map(s.runtime.listContainers()[0]?.config.mounts.map((mount) => [mount.containerPath, mount]));
  const at = (container: string, path: string): string => join(mounts.get(container)?.hostPath ?? '', path);
  t.equal(readFileSync(at('/conf', 'path/a'), 'utf8'), 'one');
  t.equal(statSync(at('/conf', 'path/a')).mode & 0o777, 0o600);
  t.equal(readFileSync(at('/all', 'key'), 'utf8'), 'hidden');
  t.equal(readFileSync(at('/all', 'labels'), 'utf8'), 'a="1"\nb="y"');
  t.equal(readFileSync(at('/all', 'notes'), 'utf8'), 'note="x\\"y\\nz"');
  t.equal(readFileSync(at('/all', 'cpu'), 'utf8'), '4', 'without a limit: what the node has');
  t.match(readFileSync(mounts.get('/etc/hosts')?.hostPath ?? '', 'utf8'), /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n[\s\S]*\n10\.42\.0\.\d+\tweb\n$/);
  t.equal(mounts.get('/empty')?.hostPath, join(subPaths, 'empty/main/2'));
  t.ok(lstatSync(join(s.folder, 'kubelet/pods', uid, 'volumes/kubernetes.io~projected/all')).isSymbolicLink(), 'secrets are on tmpfs');
  await s.client.patch(CONFIGMAPS, { namespace: 'default', name: 'conf' }, { type: 'merge', body: { data: { a: 'changed' } } });
  await s.rest();
  t.equal(readFileSync(at('/conf', 'path/a'), 'utf8'), 'changed');
});

t.test('a volume that no container has is not set up, until an ephemeral container has it', async (t) => {
  const s = await createScene();
  t.teardown(() => { s.stop(); });
  await s.create('web', { containers: [{ name: 'main', image: 'app:1' }], volumes: [{ name: 'unused', configMap: { name: 'nothere' } }, { name: 'later', emptyDir: {} }] });
  await s.rest();
  const { metadata: { uid }, status } = await s.pod('web');
  t.equal(status?.phase, 'Running', 'what is wrong with one holds nothing up');
  const later = join(s.folder, 'kubelet/pods', uid, 'volumes/kubernetes.io~empty-dir/later');
  t.notOk(existsSync(later));
  await s.client.patch(PODS, { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'app:1', volumeMounts: [{ name: 'later', mountPath: '/later' }] }] } } }, { subresource: 'ephemeralcontainers' });
  await s.rest();
  const debug = s.runtime.listContainers().find(({ config }) => config.name === 'debug');
  t.equal(debug?.config.mounts.find(({ containerPath }) => containerPath === '/later')?.hostPath, later);
  t.ok(existsSync(later));
});
