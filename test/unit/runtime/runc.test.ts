// The built-in runtime keeps the port's promises, and what is its alone.
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openCgroups } from '../../../agents/runtime/runc/cgroups.ts';
import { command } from '../../../internal/base/command.ts';
import { containerConfig, runtimeContract, withSandbox } from '../../contract/runtime.ts';
import { eventually, until } from '../../support/until.ts';
import { open, type RuncScene } from './scene.ts';

t.setTimeout(120_000);
runtimeContract(t, open);

t.test('what no record claims is removed at the start: a container with its mounts and cgroups, pins, folders', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of));
  const keep = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'keep', command: ['sleep', '1000'] }));
  const stray = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'stray', command: ['sleep', '1000'] }));
  for (const id of [keep, stray]) await scene.runtime.startContainer(id);
  const pid = scene.runtime.status(stray)?.pid ?? 0;
  const other = await scene.runtime.runSandbox({ ...(scene.runtime.listSandboxes()[0]?.config ?? t.fail('no sandbox') as never), uid: 'other', name: 'other' });
  const records = join(scene.logDirectory, '../agent');
  const runtime = await scene.restart(() => {
    rmSync(join(records, 'containers', stray, 'record.json'));
    rmSync(join(records, 'sandboxes', other.id, 'record.json'));
    return Promise.resolve();
  });
  t.equal(runtime.status(keep)?.state, 'running');
  t.notOk(existsSync(`/proc/${String(pid)}`), 'the stray process has gone');
  t.same(runtime.listSandboxes().map(({ id }) => id), [sandboxId]);
  await gone(scene, (line) => line.includes(stray) || line.includes(other.id));
  t.same(openCgroups().children(scene.cgroupParent), [keep], 'its cgroups too');
  await runtime.removeSandbox(sandboxId);
});

t.test('started, and killed before that was written down: it runs, and is not taken for new', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of));
  const ids = await Promise.all(['started', 'ended', 'waiting'].map((name) => scene.runtime.createContainer(sandboxId, containerConfig(scene, { name, logPath: `${name}/0.log`, command: ['sh', '-c', name === 'ended' ? 'exit 4' : 'sleep 1000'] }))));
  const [started = '', ended = '', waiting = ''] = ids;
  const runtime = await scene.restart(async () => {
    for (const id of [started, ended]) {
      const path = join(scene.logDirectory, '../agent/containers', id, 'record.json');
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')) as object, startingAt: 5 }));
      await command('runc', ['--root', (scene as RuncScene).runcRoot, 'start', id]);
    }
  });
  t.match(runtime.status(started), { state: 'running', startedAt: 5 });
  await until(() => runtime.status(ended)?.state === 'exited', 'its end to be told');
  t.match(runtime.status(ended), { state: 'exited', startedAt: 5, exitCode: 4 });
  t.match(runtime.status(waiting), { state: 'created', startedAt: 0 });
  await runtime.removeSandbox(sandboxId);
});

t.test('one that has ended, and whose conmon has not said so yet, is waited for by the next life', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of));
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'late', command: ['sleep', '1000'] }));
  await scene.runtime.startContainer(id);
  const { pid = 0 } = scene.runtime.status(id) ?? {};
  const conmon = Number(readFileSync(join(scene.logDirectory, '../agent/containers', id, 'conmon.pid'), 'utf8'));
  process.kill(conmon, 'SIGSTOP');
  const runtime = await scene.restart(async () => {
    process.kill(pid, 'SIGKILL');
    await until(() => /^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8')), 'it to end');
  }).finally(() => process.kill(conmon, 'SIGCONT'));
  t.equal(runtime.status(id)?.state, 'running', 'conmon will tell');
  await until(() => runtime.status(id)?.state === 'exited', 'its end to be told');
  t.match(runtime.status(id), { exitCode: 137, reason: 'Error' });
  await runtime.removeSandbox(sandboxId);
});

t.test('let go by an earlier life that ended before it removed the fifo: it is running, and nobody waits for it', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of));
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'gone', command: ['sleep', '1000'] }));
  const fifo = join((scene as RuncScene).runcRoot, id, 'exec.fifo');
  t.equal(await command('cat', [fifo]), '0');
  rmSync(fifo);
  await command('mkfifo', [fifo]);
  await scene.runtime.startContainer(id);
  t.match(scene.runtime.status(id), { state: 'running' });
  t.notOk(existsSync(fifo));
  await scene.runtime.removeSandbox(sandboxId);
});

t.test('one that has ended before this process, busy with others, hears that it began', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of));
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'short', command: ['sh', '-c', 'exit 3'] }));
  const { pid = 0 } = scene.runtime.status(id) ?? {};
  const starting = scene.runtime.startContainer(id);
  const begun = performance.now();
  const turn = new Int32Array(new SharedArrayBuffer(4));
  // In one turn of the event loop, as when others keep it.
  while (performance.now() - begun < 150 || (existsSync(`/proc/${String(pid)}`) && performance.now() - begun < 10_000)) Atomics.wait(turn, 0, 0, 10);
  await starting;
  await until(() => scene.runtime.status(id)?.state === 'exited', 'its end to be told');
  t.match(scene.runtime.status(id), { exitCode: 3, reason: 'Error' });
  await scene.runtime.removeSandbox(sandboxId);
});

/** Until what a sandbox and its containers had on the machine, as far as it is looked at, is no more. */
function gone(scene: Pick<RuncScene, 'leftovers'>, isMeant = (_line: string): boolean => true): Promise<void> {
  return eventually(() => {
    const left = scene.leftovers().filter(isMeant);
    return left.length === 0 ? Promise.resolve() : Promise.reject(new Error(left.join('\n')));
  }, { timeoutMs: 60_000 });
}

t.test('killed before it is started: the OCI runtime says so', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of));
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'killed', command: ['sleep', '1000'] }));
  const { pid = 0 } = scene.runtime.status(id) ?? {};
  process.kill(pid, 'SIGKILL');
  await until(() => !existsSync(`/proc/${String(pid)}`), 'it to end');
  await t.rejects(scene.runtime.startContainer(id), /stopped|not created/);
  await scene.runtime.removeSandbox(sandboxId);
});

t.test('a start that fails is an end, with the code and reason that tell it', async (t) => {
  const folder = t.testdir({ 'runc-that-does-not-start': '#!/bin/sh\ncase " $* " in *" start "*) echo "no start today" >&2; exit 1;; esac\nexec runc "$@"\n' });
  const ociRuntime = join(folder, 'runc-that-does-not-start');
  chmodSync(ociRuntime, 0o755);
  const { scene, sandboxId } = await withSandbox(t, (of) => open(of, ociRuntime));
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { command: ['sleep', '60'] }));
  await t.rejects(scene.runtime.startContainer(id), { reason: 'RunContainerError', message: 'no start today' });
  t.match(scene.runtime.status(id), { state: 'exited', exitCode: 128, reason: 'StartError', message: 'no start today' });
  await scene.runtime.removeContainer(id);
  await scene.runtime.removeSandbox(sandboxId);
  await gone(scene);
  t.same(scene.leftovers(), []);
});

t.test('a command that is not there is told at the start, which is an end too, and nothing of it is left', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, open);
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { command: ['/no/such/program'] }));
  t.equal(scene.runtime.status(id)?.state, 'created');
  await t.rejects(scene.runtime.startContainer(id), { reason: 'RunContainerError', message: /exec: "\/no\/such\/program": stat \/no\/such\/program: no such file or directory/ });
  t.match(scene.runtime.status(id), { state: 'exited', exitCode: 128, reason: 'StartError', startedAt: 0, message: /no such file or directory/ });
  const never = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'never', command: ['/no/such/program'] }));
  for (const container of [id, never]) await scene.runtime.removeContainer(container);
  await scene.runtime.removeSandbox(sandboxId);
  await gone(scene);
  t.same(scene.leftovers(), []);
});

t.test('a command that cannot be started in a container ends as in a shell, or is an error to who must tell them apart', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, open);
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { command: ['sleep', '1000'] }));
  await scene.runtime.startContainer(id);
  const command = ['/no/such/program'];
  t.equal(await scene.runtime.exec(id, { command, tty: false }), 127);
  await t.rejects(scene.runtime.exec(id, { command, tty: false, mustStart: true }), { reason: 'ExecError', message: /^exec failed: unable to start container process: exec: "\/no\/such\/program": stat \/no\/such\/program: no such file or directory$/ });
  t.equal(await scene.runtime.exec(id, { command: ['sh', '-c', 'exit 127'], tty: false, mustStart: true }), 127);
});

t.test('a pod that wants another runtime does not get this one', async (t) => {
  const { scene, sandboxId } = await withSandbox(t, open);
  const config = scene.runtime.listSandboxes()[0]?.config ?? t.fail('no sandbox') as never;
  await t.rejects(scene.runtime.runSandbox({ ...config, uid: 'other', runtimeHandler: 'kata' }), { reason: 'CreatePodSandboxError', message: 'failed to get sandbox runtime: no runtime for "kata" is configured' });
  await scene.runtime.removeSandbox(sandboxId);
});
