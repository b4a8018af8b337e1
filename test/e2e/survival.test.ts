// What must hold when things go wrong: skiff killed at any point, and every mistake at the start told in one clear line that loses nothing.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createSuppliedCluster, SKIFF } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(900_000);

const cluster = await createSuppliedCluster('v', '10.97.2');
t.teardown(() => cluster.remove());
const { kubectl, tryKubectl, host } = cluster;
const jsonpath = (resource: string, path: string): string => kubectl('get', ...resource.split(' '), '-o', `jsonpath=${path}`);
// As a test, so that the host goes away also when the server does not come up.
await t.test('a server comes up', () => cluster.start());

await t.test('killed with -9, containers serve on; started again, they are adopted and not restarted', async (t) => {
  kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=2');
  kubectl('expose', 'deployment', 'web', '--port=80');
  kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  const containers = (): string => jsonpath('pods -l app=web', '{range .items[*]}{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.podIP}{"\\n"}{end}');
  const before = containers();
  for (let round = 0; round < 3; round++) {
    await cluster.stop('SIGKILL');
    for (let ask = 0; ask < 10; ask++) t.match(host.run('curl', '-sS', '--max-time', '3', `http://${clusterIp}`), /^web-/, 'served without skiff');
    await cluster.start();
    t.equal(containers(), before, `round ${String(round)}: the same containers, not restarted`);
  }
});

await t.test('an exit code that happened while skiff was away is reported', async (t) => {
  kubectl('run', 'once', '--image=busybox:1', '--restart=Never', '--command', '--', 'sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.1; done');
  kubectl('wait', '--for=condition=Ready', 'pod/once', '--timeout=90s');
  await cluster.stop('SIGKILL');
  host.run('sh', '-c', `kill -TERM $(pgrep -f '[t]rap "exit 7"')`);
  await until(() => host.run('sh', '-c', `pgrep -fc '[t]rap "exit 7"' || true`).trim() === '0', 'the container to end');
  await cluster.start();
  await until(() => jsonpath('pod once', '{.status.phase}') === 'Failed', 'the pod to be Failed');
  t.equal(jsonpath('pod once', '{.status.containerStatuses[0].state.terminated.exitCode}'), '7');
});

await t.test('killed while a client writes, nothing acknowledged is lost and revisions go on', async (t) => {
  const writer = spawn('sh', ['-c', `i=0; while :; do i=$((i+1)); ${join(import.meta.dirname, '../../build/kubectl')} create configmap w-$i --from-literal=n=$i >/dev/null 2>&1 && echo $i || exit 0; done`], { env: { ...process.env, KUBECONFIG: cluster.kubeconfig }, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  writer.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const ended = once(writer, 'close');
  await until(() => output.split('\n').length > 15, 'some writes');
  const revision = Number(jsonpath('configmap w-1', '{.metadata.resourceVersion}'));
  await cluster.stop('SIGKILL');
  await ended;
  await cluster.start();
  const acknowledged = output.trim().split('\n').filter(Boolean);
  const kept = new Set(jsonpath('configmaps', '{.items[*].data.n}').split(' '));
  t.strictSame(acknowledged.filter((n) => !kept.has(n)), [], `${String(acknowledged.length)} acknowledged writes are there`);
  kubectl('create', 'configmap', 'after', '--from-literal=n=0');
  t.ok(Number(jsonpath('configmap after', '{.metadata.resourceVersion}')) > revision + acknowledged.length, 'the revision went on');
});

await t.test('a full disk refuses writes with a clear error, keeps what is there, and works again with room', async (t) => {
  host.run('sh', '-c', 'mkdir -p /var/lib/small && mount -t tmpfs -o size=16m tmpfs /var/lib/small');
  const [enter = '', ...rest] = host.enter;
  const server = spawn(enter, [...rest, SKIFF, 'server', '--disable-agent', '--data-dir', '/var/lib/small', '--https-listen-port', '7443', '--write-kubeconfig', '/run/small.yaml'], { stdio: 'ignore' });
  const small = join(cluster.lab.directory, 'small.yaml');
  const kubectlSmall = (...args: string[]): { code: number; stdout: string; stderr: string } => tryKubectl(['--kubeconfig', small, ...args]);
  await until(() => {
    const text = host.run('sh', '-c', 'cat /run/small.yaml 2>/dev/null || true');
    writeFileSync(small, text.replace(/https:\/\/[^:]+:/, `https://${host.ip}:`));
    return text !== '' && kubectlSmall('get', '--raw', '/readyz').code === 0;
  }, 'the second server');
  t.equal(kubectlSmall('create', 'configmap', 'before', '--from-literal=a=b').code, 0);
  host.run('sh', '-c', 'dd if=/dev/zero of=/var/lib/small/filler bs=64k 2>/dev/null || true');
  const big = join(cluster.lab.directory, 'big');
  writeFileSync(big, 'x'.repeat(900_000));
  const refused = kubectlSmall('create', 'configmap', 'during', `--from-file=${big}`);
  t.not(refused.code, 0, 'a write is refused');
  t.match(refused.stderr, /full|space|disk/i, refused.stderr);
  t.equal(kubectlSmall('get', 'configmap', 'before', '-o', 'jsonpath={.data.a}').stdout, 'b', 'what is there is served');
  t.equal(kubectlSmall('get', 'configmap', 'during').code, 1, 'what was refused is not there');
  host.run('rm', '/var/lib/small/filler');
  t.equal(kubectlSmall('create', 'configmap', 'during', `--from-file=${big}`).code, 0, 'with room it works again');
  const ended = once(server, 'exit');
  host.run('pkill', '-TERM', '-f', 'data-dir /var/lib/small');
  await ended;
  host.run('umount', '/var/lib/small');
});

t.test('mistakes at the start get one clear line', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-start-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'config.yaml');
  const start = (...args: string[]): { code: number | null; line: string } => {
    const { status, stderr } = spawnSync(SKIFF, ['server', '--disable-agent', '--data-dir', join(directory, 'data'), '--write-kubeconfig', join(directory, 'kubeconfig'), ...args], { encoding: 'utf8', timeout: 60_000 });
    return { code: status, line: stderr };
  };
  const told = (result: { code: number | null; line: string }, code: number, pattern: RegExp): void => {
    t.equal(result.code, code, result.line);
    t.match(result.line, pattern);
    t.equal(result.line.trim().split('\n').length, 1, 'one line');
  };
  told(start('--no-such-flag'), 2, /--no-such-flag: unknown flag/);
  writeFileSync(config, 'node-name: [\n');
  told(start('--config', config), 2, /config.yaml: not valid YAML/);
  told(start('--data-dir', '/proc/skiff'), 1, /\/proc\/skiff cannot be written/);
  const noRoot = spawnSync('setpriv', ['--reuid', '65534', '--clear-groups', SKIFF, 'server'], { encoding: 'utf8' });
  told({ code: noRoot.status, line: noRoot.stderr }, 1, /needs root/);
  const bare = spawnSync(SKIFF, ['server', '--data-dir', join(directory, 'data')], { encoding: 'utf8', env: { PATH: directory } });
  told({ code: bare.status, line: bare.stderr }, 1, /nsenter is missing: install util-linux/);
  spawnSync('mkdir', ['-p', join(directory, 'data/server/db')]);
  const database = join(directory, 'data/server/db/state.db');
  writeFileSync(database, 'this is no database, but a file that somebody wrote over it. '.repeat(100));
  const content = readFileSync(database);
  told(start('--https-listen-port', '16999'), 1, /state.db cannot be used \(file is not a database\)/);
  t.ok(readFileSync(database).equals(content), 'the file is as it was');
  t.end();
});

t.test('a port that is taken is named', (t) => {
  const [enter = '', ...rest] = host.enter;
  const { stderr, status } = spawnSync(enter, [...rest, SKIFF, 'server', '--disable-agent', '--data-dir', '/var/lib/skiff/other', '--write-kubeconfig', '/run/other.yaml'], { encoding: 'utf8', timeout: 60_000 });
  t.equal(status, 1);
  t.match(stderr, /:6443 is already in use: stop what listens there, or choose another --https-listen-port/);
  t.end();
});
