// A node on Debian's containerd (`--container-runtime-endpoint`), with Skiff's own network through its CNI plugin: what a user sees with kubectl.
import t from 'tap';
import { createCluster } from '../support/cluster.ts';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { pushImages } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(300_000);

const cluster = await createCluster('cri', '10.97.31', () => '');
const { kubectl, tryKubectl, lab, host, apply } = cluster;
const registry = await startRegistry({ address: lab.ip, port: 5000 });
await pushImages(registry.url);
let containerd: TestContainerd | undefined;
t.teardown(async () => {
  await cluster.remove();
  await containerd?.stop();
  await registry.stop();
});
const busybox = `${registry.address}/busybox:1`;
const pod = (name: string, spec: object): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, ...spec } });
const endpoint = (): string[] => ['--container-runtime-endpoint', containerd?.endpoint ?? ''];

await t.test('a node on containerd is ready and says so', async (t) => {
  containerd = await startContainerd({ registry, enter: host.enter, network: false });
  await cluster.start(...endpoint());
  t.match(kubectl('get', 'node', 'n1', '-o', 'jsonpath={.status.nodeInfo.containerRuntimeVersion}'), /^containerd:\/\/\d+\.\d+/);
});

await t.test('pods run, talk to each other, and are reached by kubectl', async (t) => {
  apply(pod('web', { containers: [{ name: 'c', image: `${registry.address}/web:1`, ports: [{ containerPort: 80, hostPort: 8088 }], readinessProbe: { exec: { command: ['true'] } } }] }), pod('shell', { containers: [{ name: 'c', image: busybox, command: ['sleep', '1000000'] }] }));
  const { code } = tryKubectl(['wait', '--for=condition=Ready', 'pod/web', 'pod/shell', '--timeout=60s']);
  if (code !== 0) throw new Error(`${kubectl('get', 'events')}\n${cluster.log().slice(-2000)}`);
  const ip = kubectl('get', 'pod', 'web', '-o', 'jsonpath={.status.podIP}');
  t.match(ip, /^10\.42\.0\.\d+$/);
  t.match(kubectl('get', 'pod', 'web', '-o', 'jsonpath={.status.containerStatuses[0].containerID}'), /^containerd:\/\/[0-9a-f]{64}$/);
  t.equal(kubectl('exec', 'shell', '--', 'timeout', '5', 'wget', '-qO-', `http://${ip}/version`), '1\n');
  t.equal(kubectl('exec', 'shell', '--', 'timeout', '5', 'wget', '-qO-', `http://${host.ip}:8088/version`), '1\n', 'by its host port');
  await until(() => kubectl('logs', 'web').includes('serving on 80'), 'its log');
  t.match(tryKubectl(['exec', 'shell', '--', 'sh', '-c', 'exit 5']), { code: 5 });
  t.equal(tryKubectl(['exec', '-i', 'shell', '--', 'wc', '-c'], 'x'.repeat(100_000)).stdout, '100000\n');
});

await t.test('what ends is told with its code, and what should run again does', async (t) => {
  apply(pod('fails', { restartPolicy: 'Never', containers: [{ name: 'c', image: busybox, command: ['sh', '-c', 'echo gone > /dev/termination-log; exit 3'] }] }), pod('again', { containers: [{ name: 'c', image: busybox, command: ['sh', '-c', 'sleep 1'] }] }));
  await until(() => kubectl('get', 'pod', 'fails', '-o', 'jsonpath={.status.phase}') === 'Failed', 'the pod to fail');
  t.equal(kubectl('get', 'pod', 'fails', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.message}'), '3 gone\n');
  await until(() => Number(kubectl('get', 'pod', 'again', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}')) > 0, 'a restart');
});

await t.test('pods outlive Skiff, and are its own again', async (t) => {
  const id = (): string => kubectl('get', 'pod', 'shell', '-o', 'jsonpath={.status.containerStatuses[0].containerID} {.status.podIP}');
  const before = id();
  await cluster.stop('SIGKILL');
  await cluster.start(...endpoint());
  t.equal(kubectl('exec', 'shell', '--', 'echo', 'still'), 'still\n');
  t.equal(id(), before);
});

const shims = (): number => Number(host.run('sh', '-c', `ls ${containerd?.directory ?? ''}/state/io.containerd.runtime.v2.task/k8s.io | wc -l`));
const links = (): number => Number(host.run('sh', '-c', 'ip -o link | grep -c skf || true'));

await t.test('what is deleted goes', async () => {
  kubectl('delete', 'pod', 'web', 'fails', 'again', '--timeout=60s');
  await until(() => links() === 1, 'the links of pods to go');
  await until(() => shims() === 2, "only one pod's processes to be left");
});

await t.test('stop --pods ends them with their network', async (t) => {
  t.match(host.run(...cluster.program, 'stop', '--pods'), /pod default\/shell/);
  await until(() => shims() === 0 && links() === 0, 'no process of a pod, nor link');
});
