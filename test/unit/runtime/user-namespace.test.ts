// Pods with users of their own on the built-in runtime: they keep every promise that others do, and what is inside and outside is told apart.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Mount } from '../../../agents/runtime/runtime.ts';
import { command } from '../../../internal/base/command.ts';
import { output, run, runtimeContract, withSandbox, type RuntimeScene } from '../../contract/runtime.ts';
import { open } from './scene.ts';

t.setTimeout(120_000);

const HOST_ID = 7 * 65536;
const users = { userNamespace: { hostId: HOST_ID, length: 65536 } };
const openOwn = async (of: Test): Promise<RuntimeScene> => ({ ...(await open(of)), sandbox: users });
const mountOf = (containerPath: string, hostPath: string, more: Partial<Mount> = {}): Mount => ({ containerPath, hostPath, readOnly: false, propagation: 'None', ...more });

runtimeContract(t, openOwn);

function scratch(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), `skiff-users-${String(process.pid)}-`));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

t.test('root inside is nobody outside; what it writes into volumes is root\'s on disk', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, openOwn);
  const folder = scratch(t);
  const [volume, secret] = [join(folder, 'volume'), join(folder, 'secret')];
  mkdirSync(volume);
  chmodSync(folder, 0o700); // as the kubelet's folders are
  writeFileSync(secret, 'word', { mode: 0o600 });
  const id = await run(scene, sandboxId, { command: ['sleep', '1000'], mounts: [mountOf('/volume', volume), mountOf('/secret', secret, { readOnly: true })] });
  const pid = String(scene.runtime.status(id)?.pid);
  t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\t${String(HOST_ID)}\\t[^]*^Gid:\\t${String(HOST_ID)}\\t`, 'm'));
  t.match(await output(scene, id, ['cat', '/proc/self/uid_map', '/proc/self/gid_map']), new RegExp(`^ +0 +${String(HOST_ID)} +65536\n +0 +${String(HOST_ID)} +65536\n$`));
  t.equal(await output(scene, id, ['sh', '-c', 'cat /secret; stat -c %u:%g / /bin/busybox /secret /volume /etc/hostname /etc/resolv.conf /dev/shm']), `word${'0:0\n'.repeat(7)}`);
  await output(scene, id, ['sh', '-c', 'echo 1 > /volume/root; touch /volume/other; chown 1000:2000 /volume/other; touch /file']);
  t.match(statSync(join(volume, 'root')), { uid: 0, gid: 0 });
  t.match(statSync(join(volume, 'other')), { uid: 1000, gid: 2000 });
  t.match(scene.runtime.status(id)?.user, { uid: 0, gid: 0 });
  t.equal(await output(scene, id, ['sh', '-c', 'touch /secret 2>/dev/null || echo closed; cat /proc/1/root/proc/kcore 2>/dev/null | head -c 1; echo 1 > /proc/sys/kernel/panic 2>/dev/null || echo closed']), 'closed\nclosed\n');
});

t.test('what its root may, and may not', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, openOwn);
  const able = await run(scene, sandboxId, { name: 'able', command: ['sleep', '1000'], security: { addCapabilities: ['SYS_ADMIN', 'NET_ADMIN'], seccomp: { type: 'Unconfined' }, maskedPaths: false } });
  t.equal(await output(scene, able, ['sh', '-c', 'mount -t tmpfs none /opt 2>/dev/null || { mkdir -p /opt && mount -t tmpfs none /opt; }; grep -c " /opt " /proc/mounts']), '1\n', 'mounts of its own');
  t.equal(await output(scene, able, ['sh', '-c', 'ip link add dummy9 type dummy 2>/dev/null || ip link set lo mtu 1400 && echo network']), 'network\n', 'the network is its own');
  t.equal(await output(scene, able, ['sh', '-c', 'mount -t proc none /opt && echo proc; grep -c "^proc /proc[ /]" /proc/mounts']), 'proc\n1\n', 'nothing of /proc is masked');
  t.equal(await output(scene, able, ['sh', '-c', 'mknod /tmp/disk b 8 0 2>/dev/null || echo no device; hostname other && hostname']), 'no device\nother\n');
  const user = await run(scene, sandboxId, { name: 'user', command: ['sleep', '1000'], security: { runAsUser: 1000, runAsGroup: 1000, noNewPrivileges: true, supplementalGroups: [2000] } });
  t.equal(await output(scene, user, ['sh', '-c', 'id -u; id -G; grep NoNewPrivs /proc/self/status; cat /proc/sys/net/ipv4/ping_group_range']), '1000\n1000 2000\nNoNewPrivs:\t1\n0\t65535\n');
  t.match(await output(scene, able, ['ping', '-c', '1', '127.0.0.1']), / 0% packet loss/);
  t.match(scene.runtime.status(user)?.user, { uid: 1000, gid: 1000, supplementalGroups: [1000, 2000] });
});

t.test('what is mounted below a volume comes along; a file system that cannot be shown is told', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, openOwn);
  const folder = scratch(t);
  mkdirSync(join(folder, 'below'));
  await command('mount', ['-t', 'tmpfs', `skiff-users-${String(process.pid)}`, join(folder, 'below')]);
  t.teardown(() => command('umount', ['-l', join(folder, 'below')]));
  writeFileSync(join(folder, 'below/file'), '');
  const id = await run(scene, sandboxId, { command: ['sleep', '1000'], mounts: [mountOf('/volume', folder), mountOf('/memory', join(folder, 'below')), mountOf('/one', join(folder, 'below/file'))] });
  t.equal(await output(scene, id, ['stat', '-c', '%u', '/volume', '/volume/below/file', '/memory/file', '/one']), '0\n65534\n0\n0\n', 'a mount below is not shown as theirs');
  t.match(await scene.runtime.createContainer(sandboxId, { ...(scene.runtime.status(id)?.config ?? t.fail('none') as never), name: 'bad', mounts: [mountOf('/host', '/proc')] }).catch(String), /failed to set MOUNT_ATTR_IDMAP on \/proc: invalid argument \(maybe the filesystem used doesn't support idmap mounts on this kernel\?\)/);
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`/containers/[0-9a-f]+/(mounts|layers)/`), 'nothing stays staged');
});

t.test('cut short between its mounts and its record, it goes whole, and volumes keep what is theirs', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, openOwn);
  const folder = scratch(t);
  writeFileSync(join(folder, 'kept'), 'kept');
  const id = await scene.runtime.createContainer(sandboxId, { ...(await config(scene, folder)) });
  const records = join(scene.logDirectory, '../agent/containers', id);
  const { stageBinds } = await import('../../../agents/runtime/runc/user-namespace.ts');
  const pins = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '').find((path) => path.endsWith(`${sandboxId}/user`)) ?? '';
  const runtime = await scene.restart(() => {
    stageBinds([{ destination: '/volume', type: 'bind', source: folder, options: [] }], { staging: join(records, 'mounts'), usersPath: pins, asTheyAre: new Set() });
    writeFileSync(join(records, 'record.json'), JSON.stringify({ ...(JSON.parse(readFileSync(join(records, 'record.json'), 'utf8')) as object), state: 'making' }));
  });
  t.same(runtime.listContainers(), []);
  t.notOk(existsSync(records));
  t.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'kept');
  await runtime.removeSandbox(sandboxId);
  t.same(scene.leftovers(), []);
});

async function config(scene: RuntimeScene, folder: string) {
  const { containerConfig } = await import('../../contract/runtime.ts');
  return containerConfig(scene, { command: ['sleep', '1000'], mounts: [mountOf('/volume', folder)] });
}
