// Skiff comes onto a machine and leaves it: stop, stop --pods, uninstall, each against listings of the machine taken before the install.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { KUBECTL, SKIFF, until } from '../support/cluster.ts';
import { pushImages } from '../support/images.ts';
import { createLab, ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';

ownNetwork();
t.setTimeout(600_000);

const BIN = '/var/lib/programs';
const lab = createLab('u', '10.97.8');
const host = lab.addHost('n1');
const registry = await startRegistry({ address: lab.ip, port: 5000 });
t.teardown(async () => {
  lab.remove();
  await registry.stop();
});
await pushImages(registry.url, undefined, 'library/');
const run = (...words: string[]): { code: number; text: string } => {
  const [command = '', ...rest] = [...host.enter, ...words];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 240_000, maxBuffer: 64 << 20 });
  return { code: status ?? 1, text: stdout + stderr };
};
const shell = (script: string): string => run('sh', '-c', script).text;
const skiff = (...words: string[]): { code: number; text: string } => run(`${BIN}/skiff`, ...words);
const kubeconfig = join(lab.directory, 'kubeconfig');
const kubectl = (words: readonly string[], input = ''): string => {
  const { status, stdout, stderr } = spawnSync(KUBECTL, words, { env: { ...process.env, KUBECONFIG: kubeconfig, HOME: lab.directory }, input, encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`kubectl ${words.join(' ')}: ${stderr}${stdout}`);
  return stdout;
};
function install(): void {
  const { code, text } = run('env', `INSTALL_SKIFF_BIN_DIR=${BIN}`, `INSTALL_SKIFF_BINARY=${process.env['SKIFF_TEST_BINARY'] ?? SKIFF}`, 'INSTALL_SKIFF_SKIP_CHECK=true', 'INSTALL_SKIFF_TIMEOUT=90', 'sh', join(import.meta.dirname, '../../install.sh'), 'server', '--node-name', 'n1', '--node-ip', host.ip);
  if (code !== 0) throw new Error(`install.sh: exit ${String(code)}\n${text}`);
  writeFileSync(kubeconfig, shell('cat /etc/skiff/skiff.yaml').replace(/https:\/\/[^:]+:/, `https://${host.ip}:`));
}
const running = (): string[] => kubectl(['get', 'pods', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].state.running.startedAt}{"\\n"}{end}']).split('\n').filter((line) => /\dZ$/.test(line));
const pod = (name: string, spec: object): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { terminationGracePeriodSeconds: 10, ...spec } });
const tells = (word: string): string => `echo ${word} >> /data/ends`;

/** What is on the machine, kind by kind. */
function listing(): Record<string, string[]> {
  const lines = (script: string): string[] => shell(script).split('\n').filter((line) => line !== '').sort();
  return {
    files: lines(`find /etc /run /var/lib /var/log -printf '%p %y %m\\n' 2>/dev/null | grep -vE '^/(var/lib/(apt|dpkg)|var/log/(apt|journal)|run/(mount|xtables))'`),
    mounts: lines(`awk '{ $1=$2=""; print $4, $5 }' /proc/self/mountinfo; awk '{ print $5 }' /proc/self/mountinfo`),
    links: lines(`ip -o addr | grep -v fe80 | sed 's/^[0-9]*: //; s/ valid_lft.*//'; ip -o link | sed 's/^[0-9]*: //; s/@if[0-9]*//; s/qdisc.*//'`),
    routes: lines('ip -4 route show table all; ip -6 route show table all | grep -vE "fe80|ff00"; ip rule'),
    rules: lines(`iptables-save | grep -v '^#' | sed 's/\\[[0-9:]*\\]//'; ip6tables-save | grep -v '^#'; nft list ruleset`),
    cgroups: lines('find /sys/fs/cgroup -type d'),
    sysctls: lines('sysctl net.ipv4.ip_forward net.ipv4.conf.all net.ipv4.conf.default 2>/dev/null'),
    processes: lines('ps -eo args= | grep -vE "^(ps|grep|sh -c|awk|sed|sort|find)"'),
  };
}
function same(t: Test, now: Record<string, string[]>, before: Record<string, string[]>, kinds = Object.keys(before)): void {
  for (const kind of kinds) t.strictSame((now[kind] ?? []).filter((line) => !before[kind]?.includes(line)), [], `nothing new of ${kind}`);
  for (const kind of kinds) t.strictSame((before[kind] ?? []).filter((line) => !now[kind]?.includes(line)), [], `nothing lost of ${kind}`);
}

mkdirSync(join(lab.directory, 'made'), { recursive: true });
shell(`mkdir -p /etc/skiff && printf 'mirrors:\\n  docker.io:\\n    endpoint: ["http://${lab.ip}:5000"]\\n' > /etc/skiff/registries.yaml`);
const before = listing();
install();

await t.test('pods of every kind run', async (t) => {
  const volumes = [{ name: 'data', hostPath: { path: '/var/lib/user-data/kept', type: 'DirectoryOrCreate' } }, { name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'disk', emptyDir: {} }];
  const data = { name: 'data', mountPath: '/data' };
  kubectl(['apply', '-f', '-'], [
    pod('web', { containers: [{ name: 'c', image: 'web:1', ports: [{ containerPort: 80, hostPort: 8088 }], volumeMounts: [{ name: 'memory', mountPath: '/memory' }, { name: 'disk', mountPath: '/sub', subPath: 'a/b' }] }], volumes }),
    pod('polite', { shareProcessNamespace: true, volumes, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', `trap '${tells('polite')}; exit 0' TERM; while :; do sleep 0.1; done`], volumeMounts: [data], lifecycle: { preStop: { exec: { command: ['sh', '-c', tells('hook')] } } } }] }),
    pod('critical', { priorityClassName: 'system-node-critical', volumes, containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', `trap '${tells('critical')}; exit 0' TERM; while :; do sleep 0.1; done`], volumeMounts: [data] }] }),
    JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, nodePort: 30080 }] } }),
  ].join('\n---\n'));
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  t.equal(running().length, 3);
});

await t.test('stop: the server ends, containers go on', async (t) => {
  const began = running();
  const { code, text } = skiff('stop');
  t.equal(code, 0, text);
  t.match(text, /stopped skiff server \(process \d+\)\n3 pods go on; skiff stop --pods ends them/);
  t.equal(shell('curl -sS --max-time 5 http://127.0.0.1:8088/').trim(), 'web');
  t.match(skiff('stop').text, /skiff does not run/);
  install();
  await until(() => running().length === 3, 'the pods to be shown');
  t.strictSame(running(), began);
});

await t.test('stop --pods: each ends with its hook and its signal, the critical one last; the network goes, volumes stay', async (t) => {
  const { code, text } = skiff('stop', '--pods');
  t.equal(code, 0, text);
  for (const name of ['web', 'polite', 'critical']) t.match(text, `stopped pod default/${name}`);
  const ends = shell('cat /var/lib/user-data/kept/ends').trim().split('\n');
  t.strictSame(ends, ['hook', 'polite', 'critical']);
  same(t, listing(), before, ['mounts', 'links', 'routes', 'rules', 'cgroups', 'sysctls', 'processes']);
});

await t.test('started again, the pods are back', async (t) => {
  install();
  await until(() => running().length === 3, 'the pods to run again', 60_000);
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  t.equal(shell('curl -sS --max-time 5 http://127.0.0.1:30080/').trim(), 'web');
});

let foretold: string[] = [];
await t.test('uninstall --dry-run says what would go, and touches nothing', async (t) => {
  const untouched = listing();
  const { code, text } = skiff('uninstall', '--dry-run');
  t.equal(code, 0, text);
  foretold = text.split('\n').filter((line) => line.startsWith('would remove ')).map((line) => line.slice('would remove '.length));
  for (const line of ['pod default/web', 'link skiff-dns', 'mount /var/lib/kubelet/memory', 'chain iptables nat SKIFF-SERVICES', 'file /etc/skiff/skiff.yaml', `file ${BIN}/skiff`, 'tree /var/lib/skiff/server', 'sysctl net/ipv4/conf/all/route_localnet back to 0']) t.ok(foretold.includes(line), `foretells: ${line}`);
  t.match(text, /would keep \/var\/lib\/user-data\/kept \(data of volumes: --purge takes it too\)/);
  same(t, listing(), untouched, ['files', 'mounts', 'links', 'routes', 'rules', 'cgroups', 'sysctls']);
});

await t.test('cut off in the middle, and run again, it leaves nothing but the data of volumes', async (t) => {
  shell(`${BIN}/skiff uninstall >/run/first 2>&1 & sleep 0.1; for i in $(seq 600); do grep -q 'removed mount' /run/first && break; sleep 0.02; done; kill -9 $!; rm -f /run/first`);
  const { code, text } = skiff('uninstall');
  t.equal(code, 0, text);
  const removed = text.split('\n').filter((line) => line.startsWith('removed ')).map((line) => line.slice('removed '.length));
  t.strictSame(removed.filter((line) => !line.startsWith('process ') && !foretold.includes(line)), [], 'nothing that was not foretold');
  const now = listing();
  const isVolume = (line: string): boolean => line.startsWith('/var/lib/user-data');
  t.equal(now['files']?.filter(isVolume).length, 3, 'the data of the volume');
  same(t, { ...now, files: (now['files'] ?? []).filter((line) => !isVolume(line)) }, before);
});

await t.test('installed anew, uninstall --purge takes the volumes too', async (t) => {
  shell('rm -rf /var/lib/user-data');
  install();
  kubectl(['apply', '-f', '-'], pod('data', { containers: [{ name: 'c', image: 'web:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', hostPath: { path: '/var/lib/user-data', type: 'DirectoryOrCreate' } }] }));
  kubectl(['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s']);
  const { code, text } = skiff('uninstall', '--purge');
  t.equal(code, 0, text);
  same(t, listing(), before);
});
