// What the seccomp filters let through, tried in containers; and how a profile's file that cannot be meant is told.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { seccompOf } from '../../../agents/runtime/runc/seccomp.ts';
import { containerConfig, output, run, withSandbox } from '../../contract/runtime.ts';
import { open } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-seccomp-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const profile = (name: string, content: unknown): string => {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return join(folder, name);
};
const localhost = (path: string) => ({ type: 'Localhost' as const, path });

t.test('the default: new namespaces and mounts only with the capability', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, open);
  const tries = ['sh', '-c', 'unshare -U true 2>&1; unshare -m true 2>&1; mount -t tmpfs none /tmp 2>&1; (true) && echo forked; sleep 0.01 & wait && echo waited'];
  const plain = await run(scene, sandboxId, { name: 'plain', command: ['sleep', '1000'] });
  t.match(await output(scene, plain, tries), /^unshare: unshare\(0x10000000\): Operation not permitted\nunshare: unshare\(0x20000\): Operation not permitted\nmount: [^\n]*\nforked\nwaited\n$/);
  const able = await run(scene, sandboxId, { name: 'able', command: ['sleep', '1000'], security: { addCapabilities: ['SYS_ADMIN'] } });
  t.match(await output(scene, able, ['sh', '-c', 'unshare -m true && echo mounts; unshare -u true && echo names']), /^mounts\nnames\n$/);
  const free = await run(scene, sandboxId, { name: 'free', command: ['sleep', '1000'], security: { seccomp: { type: 'Unconfined' } } });
  t.match(await output(scene, free, ['sh', '-c', 'grep Seccomp: /proc/self/status']), 'Seccomp:\t0\n');
});

t.test('a file of the node: its default, its errors and architectures; what is not there is told', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, open);
  const path = profile('no-folders.json', {
    defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'], archMap: ['passed over'],
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }, { names: ['kill'], action: 'SCMP_ACT_ERRNO', args: [{ index: 1, value: 9, op: 'SCMP_CMP_EQ' }] }],
  });
  const id = await run(scene, sandboxId, { command: ['sleep', '1000'], security: { seccomp: localhost(path) } });
  t.match(await output(scene, id, ['sh', '-c', 'mkdir /tmp/x 2>&1; grep Seccomp: /proc/self/status']), /No space left on device\nSeccomp:\t2\n/);
  t.match(await output(scene, id, ['sh', '-c', 'sleep 100 & kill -9 $! 2>&1; kill -15 $! && echo ended']), /Operation not permitted\nended\n/);
  await t.rejects(run(scene, sandboxId, { name: 'none', security: { seccomp: localhost(join(folder, 'none.json')) } }), { reason: 'CreateContainerError', message: `cannot load seccomp profile "${folder}/none.json": open ${folder}/none.json: no such file or directory` });
  const bad = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'bad', command: ['sleep', '1'], security: { seccomp: localhost(profile('unknown-action.json', { defaultAction: 'SCMP_ACT_SING' })) } }));
  await t.rejects(scene.runtime.startContainer(bad), /SCMP_ACT_SING/);
});

t.test('a file that cannot be meant', (t) => {
  const wrong: [string, unknown, RegExp][] = [
    ['no-json.json', '{"defaultAction": ', /^decoding seccomp profile failed ".*no-json.json": .*JSON/], ['list.json', [], /it is no object/], ['empty.json', {}, /defaultAction must be an action \(SCMP_ACT_…\), not undefined/],
    ['listener.json', { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/x.sock' }, /no listener .* is run on this node/], ['notify.json', { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['open'], action: 'SCMP_ACT_NOTIFY' }] }, /no listener/],
    ['calls.json', { defaultAction: 'SCMP_ACT_ALLOW', syscalls: {} }, /syscalls must be a list/],
  ];
  for (const [name, content, message] of wrong) t.throws(() => seccompOf({ ...containerConfig({ imageId: '' } as never, {}).security, seccomp: localhost(profile(name, content)) }, []), { message }, name);
  t.end();
});

t.test('each call has one answer', (t) => {
  const { security } = containerConfig({ imageId: '' } as never, {});
  for (const capabilities of [[], ['CAP_SYS_ADMIN'], ['CAP_SYSLOG', 'CAP_BPF'], ['CAP_SYS_ADMIN', 'CAP_SYS_NICE', 'CAP_PERFMON']]) {
    const whole = (seccompOf(security, capabilities)?.syscalls ?? []).filter(({ args }) => args === undefined);
    const names = whole.flatMap((rule) => rule.names);
    t.same(names.filter((name, at) => names.indexOf(name) !== at), [], capabilities.join(' '));
  }
  t.end();
});
