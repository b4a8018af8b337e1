// The whole kubelet over a real socket, real cgroups and a real tmpfs: the node registers, and its API lets in whom it should.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { WebSocket } from 'ws';
import { LEASES, NAMESPACES, NODES } from '../../../internal/kinds/generated/resources.ts';
import { systemClock } from '../../../internal/base/clock.ts';
import { createKubelet } from '../../../agents/kubelet/index.ts';
import { openCgroupTree } from '../../../agents/kubelet/cgroups/cgroup-tree.ts';
import { createScene } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-kubelet-api-${String(process.pid)}-`));
const cgroupRoot = `skiff-test-${String(process.pid)}`;
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
for (const name of ['ca', 'other']) openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${name}`, '-days', '2');
for (const [name, ca, subject] of [['server', 'ca', '/CN=n1'], ['admin', 'ca', '/O=system:masters/CN=admin'], ['nobody', 'ca', '/CN=nobody'], ['stranger', 'other', '/O=system:masters/CN=admin']] as const) {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-out', `${name}.crt`, '-days', '2');
}

const port = 20_000 + (process.pid % 10_000);
function ask(path: string, as?: string): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false as const, ...(as !== undefined && { cert: read(`${as}.crt`), key: read(`${as}.key`) }) };
    request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    }).on('error', reject).end();
  });
}

/** All messages until the server closes. */
function listen(path: string, protocol: string | undefined): Promise<{ protocol: string; messages: Buffer[]; code: number }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://127.0.0.1:${String(port)}${path}`, protocol === undefined ? [] : [protocol], { rejectUnauthorized: false, cert: read('admin.crt'), key: read('admin.key') });
    const messages: Buffer[] = [];
    socket.on('message', (data) => messages.push(data as Buffer)).on('error', reject).on('close', (code) => resolve({ protocol: socket.protocol, messages, code }));
  });
}

t.test('the node is there, Ready, with its lease; its API knows who asks', async (t) => {
  const s = await createScene();
  const renewals: ((pair: { cert: string; key: string }) => void)[] = [];
  s.pods().stop();
  await s.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-node-lease' }, spec: {} });
  const kubelet = createKubelet({
    nodeName: 'n1', nodeIps: () => ['192.0.2.1'], version: 'v1.36.3+skiff1', kubeletDir: join(folder, 'kubelet'), logsDir: join(folder, 'logs'), client: s.client, views: s.node.views, viewsAreLocal: true,
    runtime: s.runtime, images: s.images, clock: { ...s.clock, monotonicMs: systemClock.monotonicMs, setTimer: (ms: number, due: () => void) => (ms === 0 ? systemClock : s.clock).setTimer(ms, due) }, random: s.node.random, log: s.node.log, port, 
    tls: { pair: () => ({ cert: read('server.crt'), key: read('server.key') }), clientCa: read('ca.crt'), onRenewed: (listener) => void renewals.push(listener) },
    clusterDns: ['10.43.0.10'], clusterDomain: 'cluster.local', cgroupRoot, labels: { zone: 'a' },
  });
  t.teardown(async () => {
    await kubelet.stop();
    s.stop();
    execFileSync('umount', ['-l', join(folder, 'kubelet/memory')]);
    await openCgroupTree().remove(`/${cgroupRoot}`);
    rmSync(folder, { recursive: true, force: true });
  });
  await kubelet.start();
  const node = await s.client.get(NODES, { namespace: '', name: 'n1' });
  t.match(node.metadata.labels, { 'kubernetes.io/os': 'linux', zone: 'a' });
  t.match(node.status?.conditions?.find(({ type }) => type === 'Ready'), { status: 'True', reason: 'KubeletReady' });
  t.match(node.status?.nodeInfo, { kubeletVersion: 'v1.36.3+skiff1', operatingSystem: 'linux' });
  t.match(node.status, { declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling', /InitContainers/, 'RestartAllContainersOnContainerExits'], runtimeHandlers: [{ name: '' }, { name: 'runc' }] });
  t.match(node.status?.allocatable, { pods: '110', memory: /^\d+Ki$/ });
  await s.clock.advance(1);
  t.match((await s.client.get(LEASES, { namespace: 'kube-node-lease', name: 'n1' })).spec, { holderIdentity: 'n1', leaseDurationSeconds: 40 });
  t.ok(existsSync(openCgroupTree(cgroupRoot).directory('/kubepods/burstable', 'memory')));

  await s.create('web', { containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  t.equal((await s.pod('web')).status?.phase, 'Running');
  t.ok(existsSync(openCgroupTree(cgroupRoot).directory(`/kubepods/besteffort/pod${(await s.pod('web')).metadata.uid}`, 'memory')));
  t.same((await ask('/pods')).code, 401);
  t.same((await ask('/pods', 'stranger')).code, 401);
  t.match(await ask('/pods', 'nobody'), { code: 403, text: /^Forbidden \(user=nobody, verb=get/ });
  const { code, text } = await ask('/pods', 'admin');
  t.same([code, (JSON.parse(text) as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name)], [200, ['web']]);
  t.same((await ask('/containerLogs/default/none/main', 'admin')).code, 404);
  t.same((await ask('/nowhere', 'admin')).code, 404);

  const path = join(folder, `logs/default_web_${(await s.pod('web')).metadata.uid}/main/0.log`);
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, '2026-01-01T00:00:01.000000000Z stdout F caf\u00e9\n');
  const log = '/containerLogs/default/web/main';
  t.equal((await ask(log, 'admin')).text, 'caf\u00e9\n');
  for (const protocol of ['binary.k8s.io', 'base64.binary.k8s.io', undefined]) {
    const heard = await listen(log, protocol);
    t.same([heard.protocol, heard.code, heard.messages[0]?.length], [protocol ?? '', 1000, 0]);
    const text = Buffer.concat(heard.messages).toString();
    t.equal(protocol?.startsWith('base64') === true ? Buffer.from(text, 'base64').toString() : text, 'caf\u00e9\n');
  }
  const summary = JSON.parse((await ask('/stats/summary', 'admin')).text) as { node: { memory: { workingSetBytes: number } }; pods: { podRef: object; cpu: object }[] };
  t.ok(summary.node.memory.workingSetBytes > 0);
  t.match(summary.pods, [{ podRef: { name: 'web', namespace: 'default' }, cpu: { usageCoreNanoSeconds: 5e9 }, containers: [{ name: 'main' }] }]);
  t.match((await ask('/metrics/resource', 'admin')).text, /^container_cpu_usage_seconds_total\{container="main",namespace="default",pod="web"\} 5 \d+$/m);
  const cadvisor = (await ask('/metrics/cadvisor', 'admin')).text;
  t.match(cadvisor, /^container_memory_usage_bytes\{container="main",id="\/kubepods\/besteffort\/pod[-0-9a-f]+\/[^"]+",image="app:1",.*pod="web"\} \d+ \d+$/m);
  t.match(cadvisor, /^container_cpu_usage_seconds_total\{.*id="\/",.*cpu="total"\} [1-9][\d.]* \d+$/m, 'the whole machine');
  t.match(cadvisor, /^container_memory_working_set_bytes\{container="",.*id="\/kubepods\/besteffort\/pod[-0-9a-f]+"\} \d+ \d+$/m, 'the whole pod');
  t.match(await ask('/logs/', 'admin'), { code: 200, text: /<pre>/ });
  t.match(await ask('/logs/..%2f..%2fetc%2fpasswd', 'admin'), { code: 404 });
  t.match(await ask('/checkpoint/default/web/main', 'admin'), { code: 405 });
  t.match((await ask('/metrics', 'admin')).text, /^kubelet_running_pods 1$/m);
  t.match(JSON.parse((await ask('/configz', 'admin')).text), { kubeletconfig: { kind: 'KubeletConfiguration', clusterDomain: 'cluster.local', maxPods: 110, evictionHard: { 'nodefs.available': '10%' } } });
  const silent = await listen('/exec/default/web/main?output=1&error=1&command=true', 'channel.k8s.io');
  t.same([silent.protocol, silent.code, Buffer.concat(silent.messages)], ['channel.k8s.io', 1000, Buffer.from([1])], 'success has no words in the oldest protocol');

  const served = (): Promise<string> => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
  t.equal(await served(), 'n1');
  for (const listener of renewals) listener({ cert: read('nobody.crt'), key: read('nobody.key') });
  t.equal(await served(), 'nobody', 'a renewed certificate, from the next handshake on');
  t.equal((await ask('/pods', 'admin')).code, 200, 'and callers are known as before');

  await s.client.delete(NODES, { namespace: '', name: 'n1' });
  await s.clock.advance(1);
  // It asks the machine again what it has, which takes as long as it takes.
  const isThere = (): Promise<boolean> => s.client.get(NODES, { namespace: '', name: 'n1' }).then(() => true, () => false);
  while (!await isThere()) await s.rest();
  t.ok(await isThere(), 'registered again');
});
