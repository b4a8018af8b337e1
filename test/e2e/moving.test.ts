// A machine that is called otherwise and has another address than before, while Skiff runs and over a restart: it is the same node, reached at the
// new address, with certificates that name it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { createCluster, SKIFF, until } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';

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
