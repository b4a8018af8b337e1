// What every container runtime promises (agents/runtime/runtime.ts), run on real containers. A scene gives a started runtime with the image
// `busybox:1` pulled, and can start Skiff's part anew.
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import type { Test } from 'tap';
import { RuntimeError, type ContainerConfig, type ExecOptions, type Runtime, type RuntimeEvent, type SandboxConfig } from '../../agents/runtime/runtime.ts';
import { eventually, until } from '../support/until.ts';

export interface RuntimeScene {
  runtime: Runtime;
  imageId: string;
  /** Of `nonroot:1`. */
  nonRootImageId: string;
  logDirectory: string;
  cgroupParent: string;
  /** Stops the runtime, does something while it is away, and starts another on the same folders; its events go to `onEvent` from the start. */
  restart(meanwhile: () => Promise<void> | void, onEvent?: (event: RuntimeEvent) => void): Promise<Runtime>;
  /** What this version of a runtime that is not ours cannot do yet. */
  lacks?: ReadonlySet<'image volumes' | 'strict groups' | 'groups of a numeric user'>;
  /** What every sandbox has, unless the test says something else. */
  sandbox?: Partial<SandboxConfig>;
  /** What of sandboxes and containers is left on the machine: mounts, pins, folders, cgroups. */
  leftovers(): string[];
}

export function runtimeContract(t: Test, open: (t: Test) => Promise<RuntimeScene>): void {
  t.test('a container runs, logs, and its exit code is told', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const { events, ended } = record(scene.runtime);
    const id = await run(scene, sandboxId, { command: ['sh', '-c', 'hostname; echo "$GREETING"; echo bad >&2; exit 7'], env: [{ name: 'GREETING', value: 'hello there' }] });
    await ended(id);
    t.match(scene.runtime.status(id), { state: 'exited', exitCode: 7, reason: 'Error' });
    t.same(events.map(({ type }) => type), ['started', 'exited']);
    const log = readFileSync(join(scene.logDirectory, 'main/0.log'), 'utf8');
    t.match(log, / stdout F podname\n(?:[^\n]* stderr F bad\n)?[^\n]* stdout F hello there\n/);
    t.match(log, / stderr F bad\n/);
  });

  t.test('a container is stopped by its signal, or killed after the timeout', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const polite = await run(scene, sandboxId, { command: ['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'] });
    await said(scene, polite, 'ready');
    await scene.runtime.stopContainer(polite, 60_000);
    t.equal(scene.runtime.status(polite)?.exitCode, 3);
    const deaf = await run(scene, sandboxId, { name: 'deaf', command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done'], logPath: 'deaf/0.log' });
    await said(scene, deaf, 'ready');
    await scene.runtime.stopContainer(deaf, 100);
    t.equal(scene.runtime.status(deaf)?.exitCode, 137);
    await scene.runtime.stopContainer(deaf, 0);
    const never = await scene.runtime.createContainer(sandboxId, containerConfig(scene, { name: 'never' }));
    t.equal(scene.runtime.status(never)?.state, 'created');
    await scene.runtime.removeContainer(never);
    await scene.runtime.removeContainer(never);
    t.equal(scene.runtime.status(never), undefined);
  });

  t.test('what wants too much memory is OOMKilled', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const { ended } = record(scene.runtime);
    const id = await run(scene, sandboxId, { command: ['sh', '-c', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'], resources: { memoryLimitBytes: 32 << 20 } });
    await ended(id);
    t.match(scene.runtime.status(id), { exitCode: 137, reason: 'OOMKilled' });
  });

  t.test('users, groups and capabilities', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const sleep = { command: ['sleep', '1000'] };
    const ofImage = await run(scene, sandboxId, { ...sleep, imageId: scene.nonRootImageId, name: 'image' });
    t.match(await output(scene, ofImage, ['sh', '-c', 'id -u; id -G; pwd; grep CapEff /proc/self/status; echo $HOME']), `1234\n1234${scene.lacks?.has('groups of a numeric user') === true ? '' : ' 5000'}\n/home/user\nCapEff:\t0000000000000000\n/home/user\n`);
    const asked = await run(scene, sandboxId, { ...sleep, name: 'asked', security: { runAsUser: 1234, runAsGroup: 77, supplementalGroups: [88], supplementalGroupsPolicy: 'Strict', addCapabilities: ['NET_BIND_SERVICE'], dropCapabilities: ['ALL'] } });
    const groups = scene.lacks?.has('strict groups') === true ? '77 88 5000' : '77 88';
    t.match(await output(scene, asked, ['sh', '-c', 'id -u; id -G; grep CapEff /proc/self/status']), `1234\n${groups}\nCapEff:\t0000000000000000\n`);
    const root = await run(scene, sandboxId, { ...sleep, name: 'root' });
    t.match(await output(scene, root, ['sh', '-c', 'id -u; grep -E "CapEff|Seccomp:" /proc/self/status']), '0\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n');
  });

  t.test('commands in containers', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const id = await run(scene, sandboxId, { command: ['sleep', '1000'] });
    const { runtime } = scene;
    const quiet = { tty: false, stdout: new PassThrough().resume(), stderr: new PassThrough().resume() };
    t.equal(await runtime.exec(id, { ...quiet, command: ['sh', '-c', 'exit 9'] }), 9);
    t.equal(await runtime.exec(id, { ...quiet, command: ['no-such-program'] }), 127);
    t.equal(await runtime.exec(id, { ...quiet, command: ['/etc/passwd'] }), 126);
    const stdin = new PassThrough();
    stdin.end('x'.repeat(200_000));
    t.equal(await output(scene, id, ['wc', '-c'], { stdin }), '200000\n');
    t.equal((await output(scene, id, ['sh', '-c', 'head -c 300000 /dev/zero'])).length, 300_000);
    await t.rejects(runtime.exec(id, { ...quiet, command: ['sleep', '1000'], timeoutMs: 200 }), /timed out/);
    t.notMatch(await output(scene, id, ['ps']), /\d sleep 1000[^]*sleep 1000/, 'is not left behind');
    t.match(await output(scene, id, ['sh', '-c', 'tty; until stty size 2>/dev/null | grep "33 99"; do :; done'], { tty: true, resize: sizes({ width: 99, height: 33 }) }), /^\/dev\/pts\/\d+\r\n33 99\r\n$/);
    await runtime.stopContainer(id, 0);
    await t.rejects(runtime.exec(id, { ...quiet, command: ['true'] }), RuntimeError);
    await t.rejects(runtime.exec('none', { ...quiet, command: ['true'] }), /not found/);
  });

  t.test('attached streams', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const id = await run(scene, sandboxId, { command: ['sh', '-c', 'read a; echo "out $a"; echo "err $a" >&2; cat'], stdin: true, stdinOnce: true });
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const attached = scene.runtime.attach(id, { tty: false, stdin, stdout, stderr });
    const { ended } = record(scene.runtime);
    stdin.write('one\n');
    stdin.end('two\n');
    const texts = [stdout, stderr].map(textOf);
    await Promise.all([attached, ended(id)]);
    for (const stream of [stdout, stderr]) stream.end();
    t.same(await Promise.all(texts), ['out one\ntwo\n', 'err one\n']);
  });

  t.test('a connection to a port inside', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    await run(scene, sandboxId, { command: ['sh', '-c', 'nc -l -p 4000 -e cat; sleep 1000'] });
    const socket = await eventually(() => scene.runtime.connect(sandboxId, 4000));
    socket.end('there and back');
    t.equal(await textOf(socket), 'there and back');
    await t.rejects(scene.runtime.connect(sandboxId, 4001), /refused/);
  });

  t.test('what cannot be made is undone and says why', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    await t.rejects(run(scene, sandboxId, { command: ['no-such-program'] }), /executable file not found in \$PATH/);
    await t.rejects(run(scene, sandboxId, { name: 'none', imageId: 'sha256:none' }), /is not here/);
    await t.rejects(run(scene, sandboxId, { name: 'stranger', security: { runAsUserName: 'stranger' } }), /unable to find user stranger|no users found/);
    // Where the program is looked for only at the start, that attempt is an end like any other.
    t.same(scene.runtime.listContainers(sandboxId).filter(({ reason, exitCode }) => reason !== 'StartError' || exitCode !== 128), []);
    await t.rejects(scene.runtime.createContainer('none', containerConfig(scene, {})), /not found/);
  });

  t.test('containers of a pod share what they should', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open, { shareProcessNamespace: true, sysctls: { 'net.ipv4.tcp_syncookies': '0', 'kernel.shm_rmid_forced': '1' } });
    const sleep = { command: ['sleep', '1000'] };
    const one = await run(scene, sandboxId, { ...sleep, name: 'one' });
    const two = await run(scene, sandboxId, { ...sleep, name: 'two', security: { addCapabilities: ['SYS_PTRACE'] } });
    t.equal((await output(scene, one, ['ps'])).match(/sleep 1000/g)?.length, 2);
    await output(scene, one, ['sh', '-c', 'echo shared > /dev/shm/file']);
    t.equal(await output(scene, two, ['cat', '/dev/shm/file']), 'shared\n');
    t.equal(await output(scene, two, ['cat', '/proc/sys/net/ipv4/tcp_syncookies', '/proc/sys/kernel/shm_rmid_forced']), '0\n1\n');
    t.match(await output(scene, two, ['ls', '/proc/1/root']), /^(dev\n)?(etc\n)?pause\nproc\n(sys\n)?$/, "the namespace's first process stands in a root of its own");
    const targeted = await withSandbox(t, async () => scene, { name: 'targeted', uid: 'targeted' });
    const target = await run(scene, targeted.sandboxId, { ...sleep, name: 'target' });
    const debug = await run(scene, targeted.sandboxId, { ...sleep, name: 'debug', targetPidContainerId: target });
    t.equal((await output(scene, debug, ['ps'])).match(/sleep 1000/g)?.length, 2);
    await scene.runtime.stopContainer(debug, 0);
    t.equal(scene.runtime.status(target)?.state, 'running');
  });

  t.test('root file systems, volumes, images as volumes and privilege', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const sleep = { command: ['sleep', '1000'] };
    const host = join(scene.logDirectory, 'volume');
    mkdirSync(join(host, 'deep'), { recursive: true });
    const mount = { hostPath: host, readOnly: false, propagation: 'None' } as const;
    const image = { ...mount, hostPath: '', readOnly: true, image: scene.nonRootImageId };
    const id = await run(scene, sandboxId, {
      ...sleep, security: { readOnlyRootfs: true },
      // Children are named before their parents on purpose.
      mounts: [{ ...mount, containerPath: '/data/inner' }, { ...mount, containerPath: '/data/', propagation: 'HostToContainer' }, { ...mount, containerPath: '/ro', readOnly: true, recursiveReadOnly: true }],
    });
    t.match(await output(scene, id, ['sh', '-c', 'touch /x 2>/dev/null || echo closed; echo 1 > /data/a; echo 2 > /data/inner/b; touch /ro/x 2>/dev/null || echo closed; ls /data /ro']),
      'closed\nclosed\n/data:\na\nb\ndeep\ninner\n\n/ro:\na\nb\ndeep\ninner\n');
    const privileged = await run(scene, sandboxId, { ...sleep, name: 'privileged', security: { privileged: true }, mounts: [{ ...mount, containerPath: '/data', propagation: 'Bidirectional' }] });
    t.equal(await output(scene, privileged, ['sh', '-c', 'mount -t tmpfs none /mnt 2>/dev/null || (mkdir /mnt && mount -t tmpfs none /mnt); echo $?; grep Seccomp: /proc/self/status; ls /dev/kmsg']), '0\nSeccomp:\t0\n/dev/kmsg\n');
    if (scene.lacks?.has('image volumes') === true) return;
    const imaged = await run(scene, sandboxId, { ...sleep, name: 'imaged', security: { readOnlyRootfs: true }, mounts: [{ ...image, containerPath: '/image' }, { ...image, containerPath: '/etc-of-image', imageSubPath: 'etc' }] });
    t.equal(await output(scene, imaged, ['sh', '-c', 'ls -d /image/home/user; grep -c user /etc-of-image/passwd; touch /image/x 2>/dev/null || echo closed']), '/image/home/user\n1\nclosed\n');
    await t.rejects(run(scene, sandboxId, { ...sleep, name: 'bad', mounts: [{ ...image, containerPath: '/image', imageSubPath: 'nowhere' }] }), /no folder "nowhere"/);
  });

  t.test("a pod in the node's namespaces", async (t) => {
    const { scene, sandboxId } = await withSandbox(t, async (of) => ({ ...(await open(of)), sandbox: {} }), { hostNetwork: true, hostPid: true, hostIpc: true });
    const id = await run(scene, sandboxId, { command: ['sh', '-c', 'trap "" TERM; sleep 1000 & echo ready; wait'] });
    await said(scene, id, 'ready');
    const namespaces = await output(scene, id, ['sh', '-c', 'for name in net pid ipc uts; do readlink /proc/self/ns/$name; done']);
    t.equal(namespaces, ['net', 'pid', 'ipc', 'uts'].map((name) => `${readlinkSync(`/proc/self/ns/${name}`)}\n`).join(''));
    await scene.runtime.stopContainer(id, 50);
    await scene.runtime.removeSandbox(sandboxId);
    t.same(scene.leftovers(), []);
  });

  t.test('after a restart everything is found again, and what ended meanwhile is told', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const stays = await run(scene, sandboxId, { name: 'stays', command: ['sleep', '1000'] });
    const ends = await run(scene, sandboxId, { name: 'ends', command: ['sh', '-c', 'trap "exit 42" TERM; echo ready; while :; do sleep 0.05; done'], logPath: 'ends/0.log' });
    await said(scene, ends, 'ready');
    const events: RuntimeEvent[] = [];
    const pid = scene.runtime.status(ends)?.pid ?? 0;
    const runtime = await scene.restart(async () => {
      process.kill(pid, 'SIGTERM');
      await until(() => !existsSync(`/proc/${String(pid)}`), 'it to end');
    }, (event) => events.push(event));
    await until(() => runtime.status(ends)?.state === 'exited', 'its end to be told');
    t.match(runtime.status(ends), { exitCode: 42, reason: 'Error' });
    t.match(events, [{ type: 'exited', containerId: ends, exitCode: 42 }]);
    t.match(runtime.listSandboxes(), [{ id: sandboxId, state: 'ready' }]);
    t.equal(runtime.status(stays)?.state, 'running');
    t.equal(await output({ ...scene, runtime }, stays, ['echo', 'still']), 'still\n');
    await runtime.stopContainer(stays, 0);
    t.equal(runtime.status(stays)?.exitCode, 137);
    await runtime.removeSandbox(sandboxId);
    t.same(scene.leftovers(), []);
  });

  t.test('nothing is left of a removed sandbox', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    await run(scene, sandboxId, { command: ['sleep', '1000'] });
    await scene.runtime.stopSandbox(sandboxId);
    await scene.runtime.stopSandbox(sandboxId);
    t.match(scene.runtime.listSandboxes(), [{ id: sandboxId, state: 'notready' }]);
    await Promise.all([scene.runtime.removeSandbox(sandboxId), scene.runtime.removeSandbox(sandboxId)]);
    await scene.runtime.removeSandbox(sandboxId);
    t.same(scene.runtime.listSandboxes(), []);
    t.same(scene.leftovers(), []);
  });

  t.test('usage is told, limits can be changed', async (t) => {
    const { scene, sandboxId } = await withSandbox(t, open);
    const id = await run(scene, sandboxId, { command: ['sleep', '1000'], resources: { cpuShares: 2, memoryLimitBytes: 64 << 20 } });
    // What started it may still be going, and the kernel counts memory in lots.
    const stats = await eventually(async () => {
      const [now] = await scene.runtime.stats(id);
      return now?.processes === 1 && now.memoryWorkingSetBytes > 0 ? now : Promise.reject(new Error(JSON.stringify(now)));
    });
    t.ok(stats.cpuUsageNanos > 0);
    await scene.runtime.updateResources(id, { memoryLimitBytes: 48 << 20 });
    t.match(await output(scene, id, ['sh', '-c', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null']), String(48 << 20));
  });
}

type ContainerOverrides = Partial<Omit<ContainerConfig, 'security'>> & { security?: Partial<ContainerConfig['security']> };

export function containerConfig({ imageId }: RuntimeScene, { security, ...overrides }: ContainerOverrides): ContainerConfig {
  return {
    name: 'main', attempt: 0, imageId, imageName: 'busybox:1', command: [], args: [], workingDir: '', env: [], mounts: [], devices: [], labels: {}, annotations: {},
    logPath: `${overrides.name ?? 'main'}/0.log`, stdin: false, stdinOnce: false, tty: false, resources: { oomScoreAdj: -997 },
    ...overrides,
    security: {
      privileged: false, readOnlyRootfs: false, noNewPrivileges: false, supplementalGroups: [], supplementalGroupsPolicy: 'Merge',
      addCapabilities: [], dropCapabilities: [], seccomp: { type: 'RuntimeDefault' }, maskedPaths: true, ...security,
    },
  };
}

export async function withSandbox(t: Test, open: (t: Test) => Promise<RuntimeScene>, overrides: Partial<SandboxConfig> = {}): Promise<{ scene: RuntimeScene; sandboxId: string }> {
  const scene = await open(t);
  const { id } = await scene.runtime.runSandbox({
    namespace: 'default', name: 'pod', uid: 'uid', attempt: 0, hostname: 'podname', labels: {}, annotations: {}, cgroupParent: scene.cgroupParent,
    hostNetwork: false, hostPid: false, hostIpc: false, shareProcessNamespace: false, sysctls: {}, portMappings: [],
    logDirectory: scene.logDirectory, dns: { servers: ['192.0.2.1'], searches: ['example'], options: ['ndots:5'] }, ...scene.sandbox, ...overrides,
  });
  return { scene, sandboxId: id };
}

export async function run(scene: RuntimeScene, sandboxId: string, overrides: ContainerOverrides): Promise<string> {
  const id = await scene.runtime.createContainer(sandboxId, containerConfig(scene, overrides));
  await scene.runtime.startContainer(id);
  return id;
}

export async function output({ runtime }: RuntimeScene, id: string, command: string[], options: Partial<ExecOptions> = {}): Promise<string> {
  const stdout = new PassThrough();
  const text = textOf(stdout);
  await runtime.exec(id, { command, tty: false, stdout, ...options });
  stdout.end();
  return text;
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat((await stream.toArray()) as Buffer[]).toString();
}

function record(runtime: Runtime): { events: RuntimeEvent[]; ended(id: string): Promise<void> } {
  const events: RuntimeEvent[] = [];
  let wake = (): void => {};
  runtime.subscribe((event) => {
    events.push(event);
    wake();
  });
  return {
    events,
    async ended(id) {
      while (!events.some((event) => event.type === 'exited' && event.containerId === id)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

/** Until the container's log has the word. */
async function said({ runtime, logDirectory }: RuntimeScene, id: string, word: string): Promise<void> {
  const path = join(logDirectory, runtime.status(id)?.config.logPath ?? '');
  await until(() => readFileSync(path, 'utf8').includes(word), `${word} in ${path}`);
}

async function* sizes(...all: { width: number; height: number }[]): AsyncIterable<{ width: number; height: number }> {
  yield* all;
}
