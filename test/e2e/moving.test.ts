// A machine that is called otherwise and has another address than before, while Skiff runs and over a restart: it is the same node, reached at the
// new address, with certificates that name it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { createCluster, KUBECTL, SKIFF } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(600_000);

const NET = '10.97.7';
const cluster = await createCluster('w', NET, () => '{}');
const { host, lab, kubectl, tryKubectl, kubeconfig } = cluster;
const log = join(lab.directory, 'server.log');
let server: ChildProcess | undefined;
t.teardown(async () => {
  await stop();
  await cluster.remove();
});

/** As a user does who gives neither name nor address. */
function start(): void {
  const [enter, ...rest] = [...host.enter, SKIFF, 'server'];
  const file = openSync(log, 'a');
  server = spawn(enter, rest, { stdio: ['ignore', file, file] });
}
async function stop(): Promise<void> {
  if (server === undefined || server.exitCode !== null) return;
  const ended = once(server, 'exit');
  host.run('pkill', '-TERM', '-f', `${SKIFF} server`);
  await ended;
}
function useAddress(address: string): void {
  writeFileSync(kubeconfig, host.run('sh', '-c', 'cat /etc/skiff/skiff.yaml 2>/dev/null || true').replace(/https:\/\/[^:]+:/, `https://${address}:`));
}
const nodes = (): string => tryKubectl(['get', 'nodes', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}']).stdout.trim();
const namesServed = (address: string, port: number): Promise<string> => new Promise((resolve, reject) => {
  const socket = connect({ host: address, port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subjectaltname ?? '');
    socket.destroy();
  });
  socket.on('error', reject);
});

await t.test('another address in the running process', async (t) => {
  start();
  await until(() => {
    useAddress(`${NET}.11`);
    return nodes() === `n1 ${NET}.11 True`;
  }, 'the node to be Ready');
  for (const line of [`addr add ${NET}.77/24 dev eth0`, `addr del ${NET}.11/24 dev eth0`, `addr add ${NET}.77/24 dev eth0`, `route replace default via ${NET}.1`]) host.run('sh', '-c', `ip ${line} || true`);
  useAddress(`${NET}.77`);
  await until(() => nodes() === `n1 ${NET}.77 True`, 'the server to be reached with a certificate that names its new address', 120_000);
  await until(async () => (await namesServed(`${NET}.77`, 10250)).includes(`${NET}.77`), 'the kubelet to serve with one too', 120_000);
  await until(() => kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[0].addresses[*].ip}') === `${NET}.77`, 'pods to be told', 120_000);
  t.match(await namesServed(`${NET}.77`, 6443), /DNS:n1.*10\.97\.7\.77/);
  t.notMatch(readFileSync(log, 'utf8'), / ERROR /);
});

await t.test('another host name: it is the node it was', async (t) => {
  await stop();
  host.run('hostname', 'elsewhere');
  start();
  await until(() => readFileSync(log, 'utf8').split(' ready ').length > 2, 'the server to be ready');
  t.equal(nodes(), `n1 ${NET}.77 True`);
  t.match(await namesServed(`${NET}.77`, 6443), /DNS:elsewhere/);
});

const kubectlWithin = (machine: typeof host, ...args: string[]): string => machine.run(KUBECTL, '--kubeconfig', '/etc/skiff/skiff.yaml', ...args).trim();
const nodesWithin = (machine: typeof host): string => kubectlWithin(machine, 'get', 'nodes', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}');

await t.test('without a network it goes on with the address that it had; with one again, it has the new', async (t) => {
  await stop();
  host.run('sh', '-c', 'ip addr flush dev eth0; ip link set eth0 down');
  start();
  await until(() => readFileSync(log, 'utf8').split(' ready ').length > 3, 'the server to be ready');
  t.equal(nodesWithin(host), `n1 ${NET}.77 True`);
  t.match(host.run('ip', 'addr', 'show', 'skiff-lone'), `${NET}.77/32`);
  for (const line of ['link set eth0 up', `addr add ${NET}.88/24 dev eth0`, `route replace default via ${NET}.1`]) host.run('sh', '-c', `ip ${line}`);
  useAddress(`${NET}.88`);
  await until(() => nodes() === `n1 ${NET}.88 True`, 'the server to be reached at its new address', 120_000);
  await until(() => !host.run('ip', 'link').includes('skiff-lone'), 'the lone address to go');
});

await t.test('a board that never had a network is a cluster of its own', async (t) => {
  const board = lab.addHost('board');
  board.run('sh', '-c', 'ip addr flush dev eth0; ip link set eth0 down');
  const [enter, ...rest] = [...board.enter, SKIFF, 'server'];
  const file = join(lab.directory, 'board.log');
  const output = openSync(file, 'a');
  const alone = spawn(enter, rest, { stdio: ['ignore', output, output] });
  t.teardown(async () => {
    const ended = once(alone, 'exit');
    board.run('pkill', '-TERM', '-f', `${SKIFF} server`);
    await ended;
  });
  await until(() => readFileSync(file, 'utf8').includes(' ready '), 'the server to be ready');
  await until(() => nodesWithin(board) === 'board 198.18.0.1 True', 'its node to be Ready');
  await until(() => kubectlWithin(board, 'get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[0].addresses[*].ip}') === '198.18.0.1', 'pods to be told');
  t.match(readFileSync(file, 'utf8'), /this machine has no network address: it is a cluster of its own until it has one/);
});
