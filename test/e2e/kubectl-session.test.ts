// The terminal session of a user with upstream's kubectl against one server with real containers, from the first Deployment to nothing
// left. Steps build on each other, as in a terminal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Exec, KubeConfig, Log, type V1Status } from '@kubernetes/client-node';
import t from 'tap';
import { createSuppliedCluster, KUBECTL, type Cluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(900_000);

const cluster = await createSuppliedCluster('s', '10.97.1');
t.teardown(() => cluster.remove());
const { kubectl, tryKubectl, host } = cluster;
// As a test, so that the host goes away also when the server does not come up.
await t.test('a server comes up', () => cluster.start());
const before = leftovers(cluster);

const watch = cluster.spawnKubectl('get', 'pods', '-w', '-o', 'custom-columns=NAME:.metadata.name,PHASE:.status.phase', '--no-headers');
let watched = '';
watch.stdout?.on('data', (chunk: Buffer) => { watched += chunk.toString(); });

const jsonpath = (resource: string, path: string): string => kubectl('get', ...resource.split(' '), '-o', `jsonpath=${path}`);
const hostHttp = (url: string): string => host.run('curl', '-sS', '--max-time', '5', url).trim();
const answersOf = (url: string, times: number, ask = hostHttp): Set<string> => new Set(Array.from({ length: times }, () => ask(url)));

await t.test('create deployment, rollout status, expose; the service answers everywhere and by all three pods', async (t) => {
  kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=3');
  t.match(kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/);
  kubectl('expose', 'deployment', 'web', '--port=80', '--type=NodePort');
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  const nodePort = jsonpath('service web', '{.spec.ports[0].nodePort}');
  const pods = new Set(jsonpath('pods -l app=web', '{.items[*].metadata.name}').split(' '));
  t.equal(pods.size, 3);
  await until(() => { try { return answersOf(`http://${clusterIp}`, 40).size === 3; } catch { return false; } }, 'all three pods to answer at the ClusterIP', 20_000);
  t.strictSame(new Set([...answersOf(`http://${clusterIp}`, 60)].map(podOf)), pods, 'ClusterIP from the node');
  t.strictSame(new Set([...answersOf(`http://${host.ip}:${nodePort}`, 60)].map(podOf)), pods, 'NodePort');
  t.ok(pods.has(podOf(await httpGet(`http://${host.ip}:${nodePort}`))), 'NodePort from another machine');
  t.ok(pods.has(podOf(hostHttp(`http://127.0.0.1:${nodePort}`))), 'NodePort on the node’s loopback');
  kubectl('run', 'asker', '--image=web:1', '--restart=Never', '--command', '--', 'sleep', '3600');
  kubectl('wait', '--for=condition=Ready', 'pod/asker', '--timeout=90s');
  for (const name of ['web', 'web.default', 'web.default.svc.cluster.local']) {
    t.ok(pods.has(podOf(kubectl('exec', 'asker', '--', 'timeout', '5', 'wget', '-qO-', `http://${name}`))), `from a pod by ${name}`);
  }
});

await t.test('scale up, to zero and back', async () => {
  for (const replicas of ['5', '0', '2']) {
    kubectl('scale', 'deployment/web', `--replicas=${replicas}`);
    kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
    await until(() => jsonpath('pods -l app=web', '{.items[*].metadata.name}').split(' ').filter(Boolean).length === Number(replicas), `${replicas} pods`);
    await until(() => jsonpath('deployment web', '{.status.readyReplicas}') === (replicas === '0' ? '' : replicas), 'as many to be told ready');
  }
});

await t.test('a rolling update fails no request; undo, pause, resume, history', async (t) => {
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  const asking = spawnAsker(cluster, `http://${clusterIp}`);
  kubectl('set', 'image', 'deployment/web', 'web=web:2');
  t.match(kubectl('rollout', 'status', 'deployment/web', '--timeout=90s'), /successfully rolled out/);
  await until(() => hostHttp(`http://${clusterIp}/version`) === '2', 'the new version to answer');
  const asked = await asking.stop();
  t.ok(asked.requests > 20, `${String(asked.requests)} requests were made meanwhile`);
  t.strictSame(asked.failures, [], 'none failed');
  t.match(kubectl('rollout', 'history', 'deployment/web'), /^1 .*\n2 /m);
  kubectl('rollout', 'undo', 'deployment/web');
  kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  const images = (): string => [...new Set(jsonpath('pods -l app=web', '{.items[*].spec.containers[0].image}').split(' '))].join(' ');
  await until(() => images() === 'web:1', 'only the old version to be left');
  t.equal(jsonpath('deployment web', '{.spec.template.spec.containers[0].image}'), 'web:1');
  kubectl('rollout', 'pause', 'deployment/web');
  kubectl('set', 'image', 'deployment/web', 'web=web:2');
  await until(() => jsonpath('deployment web', '{.metadata.generation}') === jsonpath('deployment web', '{.status.observedGeneration}'), 'the controller to have seen it');
  t.equal(images(), 'web:1', 'paused: nothing rolls');
  kubectl('rollout', 'resume', 'deployment/web');
  kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  await until(() => images() === 'web:2', 'only the new version to be left');
});

await t.test('logs -f, logs --previous; exec with exit codes; exec -it with a terminal that resizes', async (t) => {
  kubectl('run', 'talker', '--image=web:1', '--command', '--', 'sh', '-c', 'for i in 1 2 3; do echo line $i; done; trap "exit 3" TERM; while :; do sleep 0.2; done');
  kubectl('wait', '--for=condition=Ready', 'pod/talker', '--timeout=90s');
  await until(() => kubectl('logs', 'talker') === 'line 1\nline 2\nline 3\n', 'its words');
  const follow = cluster.spawnKubectl('logs', '-f', 'talker');
  let followed = '';
  follow.stdout?.on('data', (chunk: Buffer) => { followed += chunk.toString(); });
  await until(() => followed === 'line 1\nline 2\nline 3\n', 'logs -f to show what is there');
  tryKubectl(['exec', 'talker', '--', 'kill', '1']);
  await once(follow, 'close');
  await until(() => jsonpath('pod talker', '{.status.containerStatuses[0].restartCount}') === '1', 'the container to be restarted');
  t.equal(kubectl('logs', '--previous', 'talker'), 'line 1\nline 2\nline 3\n');
  t.equal(jsonpath('pod talker', '{.status.containerStatuses[0].lastState.terminated.exitCode}'), '3');
  t.equal(kubectl('exec', 'talker', '--', 'echo', 'hello'), 'hello\n');
  t.equal(tryKubectl(['exec', 'talker', '--', 'sh', '-c', 'exit 42']).code, 42);
  t.equal(tryKubectl(['exec', '-i', 'talker', '--', 'cat'], 'through stdin').stdout, 'through stdin');
  const terminal = await runInTerminal([KUBECTL, 'exec', '-it', 'talker', '--', 'sh'], { KUBECONFIG: cluster.kubeconfig }, async ({ type, seen, resize }) => {
    await seen(/# /);
    type('stty size\n');
    await seen(/24 80/);
    await resize(40, 100);
    type('stty size\n');
    await seen(/40 100/);
    type('exit 7\n');
  });
  t.equal(terminal.code, 7);
});

await t.test('upstream’s JavaScript client executes commands and follows a log', async (t) => {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const stdout = new PassThrough();
  const out = collect(stdout);
  const stdin = new PassThrough();
  const status = new Promise<V1Status>((resolve, reject) => {
    new Exec(config).exec('default', 'asker', 'asker', ['sh', '-c', 'cat; echo told >&2; exit 5'], stdout, new PassThrough(), stdin, false, resolve).catch(reject);
  });
  stdin.end('from the client');
  const { status: result, details } = await status;
  t.equal(result, 'Failure');
  t.match(details?.causes, [{ reason: 'ExitCode', message: '5' }]);
  t.equal(out(), 'from the client');
  kubectl('run', 'brief', '--image=web:1', '--restart=Never', '--command', '--', 'sh', '-c', 'for i in 1 2 3; do echo line $i; sleep 0.5; done');
  await until(() => /Running|Succeeded/.test(jsonpath('pod brief', '{.status.phase}')), 'it to have begun'); // it may be Ready for too short a time to be seen
  const log = new PassThrough();
  const logged = collect(log);
  const ended = once(log, 'end');
  await new Log(config).log('default', 'brief', 'brief', log, { follow: true });
  await ended;
  t.equal(logged(), 'line 1\nline 2\nline 3\n', 'followed to the end of the container');
  kubectl('delete', 'pod', 'brief');
});

await t.test('a deleted pod is replaced under another address and traffic follows; a killed process is restarted with back-off', async (t) => {
  const [victim = ''] = jsonpath('pods -l app=web', '{.items[*].metadata.name}').split(' ');
  const address = jsonpath(`pod ${victim}`, '{.status.podIP}');
  kubectl('delete', 'pod', victim);
  kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  t.notMatch(jsonpath('pods -l app=web', '{.items[*].status.podIP}').split(' '), [address]);
  await until(() => { try { return ![...answersOf(`http://${clusterIp}`, 20)].map(podOf).includes(victim); } catch { return false; } }, 'traffic to go to the others only');
  for (const expected of ['2', '3']) {
    host.run('sh', '-c', `kill -9 $(pgrep -f '[f]or i in 1 2 3')`);
    await until(() => jsonpath('pod talker', '{.status.containerStatuses[0].restartCount}') === expected, `restart ${expected}`, 90_000);
  }
  t.match(kubectl('get', 'pod', 'talker'), / 3 \(/);
  t.ok(await cluster.told('talker', /^BackOff: /m));
});

await t.test('apply of a folder, again, diff, edit, the three patches, label, annotate; configuration reaches the containers', async (t) => {
  const folder = writeManifests(join(cluster.lab.directory, 'app'));
  kubectl('apply', '-f', folder);
  kubectl('-n', 'app', 'rollout', 'status', 'deployment/site', '--timeout=90s');
  const versions = (): string => jsonpath('all,configmap,secret -n app', '{.items[*].metadata.resourceVersion}');
  let held = '';
  await until(() => held === (held = versions()), 'the controllers to have written what they had to');
  t.notMatch(kubectl('apply', '-f', folder), /configured|created/, 'apply again changes nothing');
  t.equal(versions(), held);
  const exec = (...command: string[]): string => kubectl('-n', 'app', 'exec', 'deployment/site', '--', ...command);
  t.equal(exec('sh', '-c', 'echo $COLOUR $PASSWORD'), 'blue s3cret\n');
  t.equal(exec('cat', '/config/greeting'), 'hello');
  t.equal(exec('cat', '/secret/password'), 's3cret');
  t.equal(tryKubectl(['diff', '-f', folder]).code, 0, 'diff: none');
  kubectl('-n', 'app', 'patch', 'configmap', 'settings', '--type=merge', '-p', '{"data":{"greeting":"salut"}}');
  t.equal(tryKubectl(['diff', '-f', folder]).code, 1, 'diff: one');
  await until(() => exec('cat', '/config/greeting') === 'salut', 'the volume to show the update', 90_000);
  kubectl('-n', 'app', 'patch', 'deployment', 'site', '--type=json', '-p', '[{"op":"add","path":"/metadata/labels/tier","value":"front"}]');
  kubectl('-n', 'app', 'patch', 'deployment', 'site', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"site","env":[{"name":"EXTRA","value":"1"}]}]}}}}');
  t.equal(jsonpath('deployment site -n app', '{.spec.template.spec.containers[0].env[*].name}'), 'EXTRA COLOUR PASSWORD');
  kubectl('-n', 'app', 'label', 'deployment', 'site', 'owner=me');
  kubectl('-n', 'app', 'annotate', 'deployment', 'site', 'note=kept');
  const edited = spawnEditor(cluster, ['-n', 'app', 'edit', 'deployment', 'site'], 's/replicas: 2/replicas: 3/');
  t.equal(edited, 0);
  t.equal(jsonpath('deployment site -n app', '{.spec.replicas} {.metadata.labels.tier} {.metadata.labels.owner} {.metadata.annotations.note}'), '3 front me kept');
});

await t.test('everything can be looked at: get in all forms, events, describe, discovery, explain', async (t) => {
  for (const form of ['wide', 'yaml', 'json', 'name', 'jsonpath={.items[*].metadata.name}', 'custom-columns=N:.metadata.name']) t.match(kubectl('get', 'all', '-o', form), /web/, form);
  t.match(kubectl('get', 'events', '--sort-by=.lastTimestamp'), /Started/);
  for (const resource of ['deployment/web', 'service/web', 'node/n1', 'namespace/default', 'configmap/kube-root-ca.crt', 'serviceaccount/default', 'pod/talker']) t.match(kubectl('describe', ...resource.split('/')), /Name: +/, resource);
  for (const resource of ['replicasets', 'endpointslices', 'events', 'leases -n kube-node-lease', 'clusterroles', 'clusterrolebindings', 'roles -n kube-system', 'rolebindings -n kube-system', 'priorityclasses', 'secrets -n app']) t.match(kubectl('describe', ...resource.split(' ')), /Name: +/, resource);
  t.match(kubectl('api-resources'), /deployments +deploy +apps\/v1 +true +Deployment/);
  t.match(kubectl('api-versions'), /^apps\/v1$/m);
  t.match(kubectl('cluster-info'), /control plane.* is running at/i);
  t.match(kubectl('explain', 'deployment.spec.strategy'), /rollingUpdate/);
  t.match(watched, /web-.* Running/, 'get -w saw pods');
});

await t.test('delete -f, delete -l, delete namespace; nothing is left', async (t) => {
  kubectl('delete', '-f', join(cluster.lab.directory, 'app/2-config.yaml'));
  t.equal(tryKubectl(['-n', 'app', 'get', 'configmap', 'settings']).code, 1);
  kubectl('delete', 'namespace', 'app', '--timeout=90s');
  t.match(tryKubectl(['get', 'namespace', 'app']).stderr, /not found/);
  kubectl('delete', 'all', '-l', 'app=web', '--timeout=90s');
  kubectl('delete', 'pod', 'talker', 'asker', '--timeout=90s', '--grace-period=1');
  await until(() => kubectl('get', 'pods', '-A', '-o', 'name') === '', 'all pods to be gone', 90_000);
  watch.kill();
  // Waited for, then compared, so that a difference shows.
  await until(() => leftovers(cluster).length <= before.length, 'all of the pods to be gone from the node', 20_000).catch(() => undefined);
  t.strictSame(leftovers(cluster), before);
});

function collect(stream: PassThrough): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  return () => text;
}

// The page is the pod's host name.
function podOf(answer: string): string {
  return answer.trim();
}

function httpGet(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false, timeout: 5000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      response.on('end', () => (response.statusCode === 200 ? resolve(body.trim()) : reject(new Error(`status ${String(response.statusCode)}`))));
    }).on('error', reject).end();
  });
}

// A client on the node that asks without a pause, each request on a new connection, and counts what fails.
function spawnAsker({ host: { enter } }: Cluster, url: string): { stop(): Promise<{ requests: number; failures: string[] }> } {
  const script = `while [ ! -e /run/asker-stop ]; do if curl -sS --max-time 5 -o /dev/null '${url}' 2>/run/asker-error; then echo ok; else echo "failed: $(cat /run/asker-error)"; fi; done`;
  const [command, ...args] = [...enter, 'sh', '-c', `rm -f /run/asker-stop; ${script}`];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  return {
    async stop() {
      host.run('touch', '/run/asker-stop');
      await once(child, 'close');
      const lines = output.trim().split('\n');
      return { requests: lines.length, failures: lines.filter((line) => line !== 'ok') };
    },
  };
}

function spawnEditor(of: Cluster, args: string[], expression: string): number {
  const editor = join(of.lab.directory, 'editor');
  writeFileSync(editor, `#!/bin/sh\nsed -i '${expression}' "$1"\n`, { mode: 0o755 });
  process.env['KUBE_EDITOR'] = editor;
  return of.tryKubectl(['--kubeconfig', of.kubeconfig, ...args]).code;
}

/** What pods and Services could leave behind on the node: processes, mounts, network namespaces, links, routes, cgroups, folders, chains. */
function leftovers({ host: { run } }: Cluster): string[] {
  const looks = [
    `ps -eo comm= | grep -E 'conmon|runc|httpd' || true`,
    `awk '{print $5}' /proc/self/mountinfo | grep -E 'containers/|pods/|/run/skiff' || true`,
    `ls /sys/class/net; ip route`,
    `find /sys/fs/cgroup -path '*kubepods*' -type d`,
    `ls /var/log/pods /var/lib/kubelet/pods /var/lib/skiff/agent/containers /var/lib/skiff/agent/sandboxes`,
    `iptables-save | grep -oE 'SKIFF-[A-Z]+-[0-9A-F]+' | sort -u`,
  ];
  return looks.flatMap((look) => run('sh', '-c', look).trim().split('\n').filter(Boolean));
}

function writeManifests(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const manifests = join(import.meta.dirname, '../fixtures/app');
  for (const file of readdirSync(manifests)) writeFileSync(join(folder, file), readFileSync(join(manifests, file)));
  return folder;
}
