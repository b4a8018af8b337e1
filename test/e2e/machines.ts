// Skiff on fresh virtual machines (512 MB, one CPU, systemd, cgroup v2), as its users meet it. Each step goes on where the one before ended;
// words on the command line name the steps to run with all that come before them in their row. Figures are printed as comments.
//
//   install → deploy → reboot → cuts → upgrade → agent → uninstall        no-memory-cgroup        arm64
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { newestPackages, unpackPackages } from '../../build/programs/debian.ts';
import { CACHE, SUITE } from '../../build/programs/list.ts';
import { fixtureImages, saveArchive } from '../support/images.ts';
import { beside, startMachine, type Machine, type MachineOptions } from '../support/machine.ts';
import { listingOf } from '../support/machine-listing.ts';
import { eventually } from '../support/until.ts';

const HOST_KUBECTL = 'build/kubectl';
const BUNDLE = '/root/bundle';
const INSTALL = `sh ${BUNDLE}/install.sh`;
const IMAGE = 'docker.io/library/web:1';
const CUTS = 5;
const NEWER = '0.99.0';
const ROWS = [['install', 'deploy', 'reboot', 'cuts', 'upgrade', 'agent', 'uninstall'], ['no-memory-cgroup'], ['arm64']] as const;
type Step = (typeof ROWS)[number][number];

const wanted = stepsOf(process.argv.slice(2));
t.setTimeout(0);
const folder = mkdtempSync(join(tmpdir(), `skiff-machines-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** Each named step with those it stands on. */
function stepsOf(words: readonly string[]): ReadonlySet<Step> {
  const steps = ROWS.flatMap((row): Step[] => row.slice(0, 1 + Math.max(-1, ...row.map((step, at) => (words.length === 0 || words.includes(step) ? at : -1)))));
  const unknown = words.filter((word) => !steps.includes(word as Step));
  if (unknown.length > 0) throw new Error(`no such step: ${unknown.join(', ')}`);
  return new Set(steps);
}

function step(name: Step, run: (t: Test) => Promise<void>): void {
  if (wanted.has(name)) void t.test(name, { timeout: 0 }, run);
}

function executable(arch: 'amd64' | 'arm64'): string {
  return `dist/skiff-linux-${arch === 'amd64' ? 'x64' : 'arm64'}`;
}

async function fresh(t: Test, name: string, options: MachineOptions = {}): Promise<Machine> {
  const machine = await startMachine(name, options);
  t.teardown(() => machine.down());
  return machine;
}

/** An air-gap bundle: executable, script and an image. */
async function bring(machine: Machine, arch: 'amd64' | 'arm64' = 'amd64'): Promise<void> {
  const web = fixtureImages({ busybox: arch === 'amd64' ? '/bin/busybox' : foreignBusybox(arch), architecture: arch }).find(({ name }) => name === 'web:1');
  if (web === undefined) throw new Error('no image web:1');
  await machine.sh(`mkdir -p ${BUNDLE}/dist ${BUNDLE}/images`);
  await machine.put(executable(arch), `${BUNDLE}/${executable(arch)}`);
  await machine.put('install.sh', `${BUNDLE}/install.sh`);
  await machine.write(`${BUNDLE}/images/web.tar`, saveArchive(web));
}

/** Another architecture's busybox, out of Debian's package. */
function foreignBusybox(architecture: 'arm64'): string {
  const record = join(folder, 'busybox.json');
  writeFileSync(record, JSON.stringify(newestPackages(SUITE, ['busybox-static'], CACHE)));
  return join(unpackPackages(record, architecture, CACHE), 'bin/busybox');
}

/** MB that `free` calls available. */
async function available(machine: Machine): Promise<number> {
  return Number(await machine.sh("free -m | awk '/^Mem:/ {print $7}'"));
}

async function seconds(machine: Machine, line: string): Promise<{ seconds: number; output: string }> {
  const output = await machine.sh(`s=$(date +%s.%N); ${line}; code=$?; echo; echo "took $(awk -v a=$s -v b=$(date +%s.%N) 'BEGIN {print b - a}')"; exit $code`, 900);
  return { seconds: Number(/^took ([\d.]+)$/m.exec(output)?.[1]), output };
}

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: '${IMAGE}', imagePullPolicy: Never, readinessProbe: {httpGet: {path: /, port: 80}}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

/** Upstream's kubectl on this host, in the machines' network, as the machine's administrator. */
async function kubectl(machine: Machine, ...args: string[]): Promise<string> {
  const kubeconfig = join(folder, `${machine.name}.yaml`);
  if (!existsSync(kubeconfig)) writeFileSync(kubeconfig, (await machine.sh('cat /etc/skiff/skiff.yaml')).replace('127.0.0.1', machine.address), { mode: 0o600 });
  return beside([HOST_KUBECTL, '--kubeconfig', kubeconfig, ...args]);
}

async function deploy(machine: Machine): Promise<void> {
  const path = join(folder, 'web.yaml');
  writeFileSync(path, DEPLOYMENT);
  await kubectl(machine, 'apply', '-f', path);
}

async function scale(replicas: number): Promise<void> {
  await kubectl(server, 'scale', 'deployment/web', `--replicas=${String(replicas)}`);
  await slowly(() => kubectl(server, 'rollout', 'status', 'deployment/web', '--timeout=240s'));
}

/** The API answers, and the Deployment's pods are Ready and serve. */
async function serves(t: Test, machine: Machine, when: string): Promise<void> {
  await slowly(() => kubectl(machine, 'get', '--raw', '/readyz'));
  await slowly(() => kubectl(machine, 'rollout', 'status', 'deployment/web', '--timeout=240s'));
  const address = await kubectl(machine, 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  t.equal(await slowly(() => machine.sh(`curl -sf -m 10 http://${address}/version`)), '1', `the Service answers ${when}`);
}

/** The machines are slow. */
const slowly = <T>(attempt: () => Promise<T>): Promise<T> => eventually(attempt, { everyMs: 1000, timeoutMs: 600_000 });
const containerPids = (machine: Machine): Promise<string> => machine.sh("pgrep -f '^httpd -f' | sort -n | tr '\\n' ' '");

let server: Machine;
let before: string[];
let agent: Machine | undefined;
let agentBefore: string[] = [];

if (wanted.has('install')) t.before(async () => { server = await startMachine('s1'); });
t.teardown(async () => {
  if (wanted.has('install')) await server.down();
  await agent?.down();
});

step('install', async (t) => {
  before = await listingOf(server);
  const free = await available(server);
  await bring(server);
  const version = await seconds(server, `${BUNDLE}/${executable('amd64')} --version`);
  t.match(version.output, /^skiff /);
  const installed = await seconds(server, INSTALL);
  t.match(await kubectl(server, 'get', 'nodes'), /^s1 +Ready/m);
  t.equal((await server.sh('systemctl is-active skiff; systemctl is-enabled skiff')).trim(), 'active\nenabled');
  t.match(installed.output, /SKIFF_URL=\S+ .*SKIFF_TOKEN=/, 'the line for agents is printed');
  await server.sh('sleep 60');
  const idle = await available(server);
  t.ok(idle >= 340, `at least 340 MB are available with Skiff idle: ${String(idle)}`);
  t.comment(`${megabytes(executable('amd64'))} on disk; download ${download()}; --version ${version.seconds.toFixed(2)} s; install.sh to Ready ${installed.seconds.toFixed(1)} s`);
  t.comment(`available: ${String(free)} MB before, ${String(idle)} MB with Skiff idle`);
  const restart = await seconds(server, 'systemctl restart skiff');
  t.comment(`systemctl restart to Ready ${restart.seconds.toFixed(1)} s`);
});

step('deploy', async (t) => {
  await deploy(server);
  await serves(t, server, 'after the first rollout');
  const pids = await containerPids(server);
  await server.sh('systemctl restart skiff');
  await server.sh('kill -9 $(systemctl show -p MainPID --value skiff); sleep 5; for i in $(seq 60); do [ "$(systemctl is-active skiff)" = active ] && break; sleep 1; done');
  await serves(t, server, 'after a restart and a crash of Skiff');
  t.equal(await containerPids(server), pids, 'containers did not notice');
  await scale(10);
  await server.sh('sleep 30');
  t.comment(`available: ${String(await available(server))} MB with 10 pods`);
  await scale(2);
});

step('reboot', async (t) => {
  await server.reboot();
  await serves(t, server, 'after a reboot');
  t.match(await server.sh('journalctl -b -1 -u skiff --no-pager | tail -n 40'), /ended pod default\/web/, 'the shutdown ended the pods before it went on');
});

step('cuts', async (t) => {
  const acknowledged: string[] = [];
  for (let cut = 1; cut <= CUTS; cut++) {
    const writing = new AbortController();
    const writers = Promise.all(['a', 'b'].map((writer) => writeUntil(writing.signal, `cut-${String(cut)}-${writer}`, acknowledged)));
    await new Promise((resolve) => setTimeout(resolve, 3000 + 1500 * cut));
    await server.powerCut();
    writing.abort();
    await writers;
    await serves(t, server, `after power cut ${String(cut)}`);
    const stored = new Set((await kubectl(server, 'get', 'configmaps', '-o', 'name')).split('\n'));
    t.same(acknowledged.filter((name) => !stored.has(`configmap/${name}`)), [], `none of ${String(acknowledged.length)} acknowledged writes is lost`);
  }
});

/** Names go to the list only after the server has said that they are stored. */
async function writeUntil(signal: AbortSignal, prefix: string, acknowledged: string[]): Promise<void> {
  for (let at = 1; !signal.aborted; at++) {
    const name = `${prefix}-${String(at)}`;
    await kubectl(server, 'create', 'configmap', name, '--from-literal=key=value', '--request-timeout=5s').then(() => acknowledged.push(name), () => undefined);
  }
}

step('upgrade', async (t) => {
  execFileSync(process.execPath, ['build/executable.ts', '--only', 'x64', '--output', folder, '--as', NEWER], { stdio: ['ignore', 'ignore', 'inherit'] });
  const pids = await containerPids(server);
  await server.put(join(folder, 'skiff-linux-x64'), '/root/skiff-newer');
  await server.sh(`INSTALL_SKIFF_BINARY=/root/skiff-newer ${INSTALL}`);
  t.match(await server.sh('skiff --version'), `skiff ${NEWER}`);
  await serves(t, server, 'after an upgrade');
  t.equal(await containerPids(server), pids, 'containers did not notice the upgrade');
  await server.sh(INSTALL);
  await serves(t, server, 'after going back');
  t.equal(await containerPids(server), pids, 'containers did not notice the way back');
});

step('agent', async (t) => {
  agent = await startMachine('s2');
  agentBefore = await listingOf(agent);
  await bring(agent);
  const token = (await server.sh('cat /var/lib/skiff/server/node-token')).trim();
  const joined = await seconds(agent, `SKIFF_URL=https://${server.address}:6443 SKIFF_TOKEN=${token} ${INSTALL} --kubelet-arg cgroup-driver=systemd`);
  t.comment(`agent: install.sh to Ready ${joined.seconds.toFixed(1)} s, ${String(await available(agent))} MB available`);
  await kubectl(server, 'wait', '--for=condition=Ready', 'node/s2', '--timeout=120s');
  await kubectl(server, 'run', 'there', `--image=${IMAGE}`, '--image-pull-policy=Never', '--labels=app=there', '--overrides={"spec":{"nodeName":"s2"}}');
  await kubectl(server, 'wait', '--for=condition=Ready', 'pod/there', '--timeout=180s');
  await kubectl(server, 'expose', 'pod', 'there', '--port=80');
  t.match(await agent.sh('ls -d /sys/fs/cgroup/kubepods /sys/fs/cgroup/kubepods.slice/*/*-pod*.slice 2>/dev/null; true'), /^\/sys\/fs\/cgroup\/kubepods\.slice\/kubepods-besteffort\.slice\/\S+\.slice$/, 'in a slice of systemd, as this node alone is told');
  const version = (where: string, host: string): Promise<string> => slowly(async () => (await kubectl(server, 'exec', where, '--', 'timeout', '10', 'wget', '-qO-', `http://${host}/version`)).trim());
  t.equal(await version('deployment/web', await kubectl(server, 'get', 'pod', 'there', '-o', 'jsonpath={.status.podIP}')), '1', 'a pod of the server reaches one of the agent');
  t.equal(await version('deployment/web', 'there'), '1', 'by its Service and name too');
  t.equal(await version('there', 'web'), '1', 'and the other way');
  t.match(await kubectl(server, 'logs', 'there'), /serving on 80/);
  await agent.powerCut();
  await slowly(async () => { if (!/ Ready/.test(await kubectl(server, 'get', 'node', 's2'))) throw new Error('s2 is not Ready'); });
  t.equal(await version('deployment/web', 'there'), '1', 'back after a power cut of the agent');
});

step('uninstall', async (t) => {
  for (const [machine, was] of [[agent, agentBefore], [server, before]] as const) {
    if (machine === undefined) continue;
    t.match(await machine.sh('skiff uninstall --dry-run'), /\n/);
    await machine.sh('skiff uninstall');
    t.same(await listingOf(machine), was, `nothing is left on ${machine.name}`);
  }
});

step('no-memory-cgroup', async (t) => {
  const machine = await fresh(t, 's3', { append: 'cgroup_disable=memory' });
  const was = await listingOf(machine);
  await bring(machine);
  const look = (): Promise<{ code: number; output: string }> => machine.try(`${BUNDLE}/${executable('amd64')} check`);
  const checked = await look();
  t.equal(checked.code, 1);
  t.match(checked.output, /the memory cgroup is off\n +fix: take "cgroup_disable=memory" off the kernel command line/, 'the fix is named');
  await machine.sh('mkdir -p /boot/firmware && echo console=tty1 >/boot/firmware/cmdline.txt');
  t.match((await look()).output, /fix: .*\/boot\/firmware\/cmdline\.txt/, 'in the file of Raspberry Pi OS where there is one');
  await machine.sh('rm -r /boot/firmware');
  const installed = await machine.try(INSTALL);
  t.equal(installed.code, 1);
  t.match(installed.output, /the memory cgroup is off/);
  t.same(await listingOf(machine), was, 'nothing was touched');
  t.comment(checked.output);
});

step('arm64', async (t) => {
  const machine = await fresh(t, 's4', { arch: 'arm64' });
  await bring(machine, 'arm64');
  const installed = await seconds(machine, INSTALL);
  t.comment(`arm64: install.sh to Ready ${installed.seconds.toFixed(1)} s, ${String(await available(machine))} MB available`);
  await deploy(machine);
  await serves(t, machine, 'on arm64');
});

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}

function download(): string {
  const path = ['xz', 'gz'].map((suffix) => `${executable('amd64')}.${suffix}`).find((candidate) => existsSync(candidate));
  return path === undefined ? 'not built' : megabytes(path);
}
