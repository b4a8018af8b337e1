// A second node: it joins, carries pods that reach and are reached, and rides out what happens to the server and to itself.
import { once } from 'node:events';
import t from 'tap';
import { addAgent, joining } from '../support/agent.ts';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { until } from '../support/until.ts';

ownNetwork();
t.setTimeout(900_000);

const cluster = await createSuppliedCluster('j', '10.97.4');
const { kubectl, tryKubectl, host: first } = cluster;
const agent = addAgent(cluster, 'n2');
const { host: second, ready } = agent;
t.teardown(() => cluster.remove());
const jsonpath = (resource: string, path: string): string => kubectl('get', ...resource.split(' '), '-o', `jsonpath=${path}`);
const fetched = (host: typeof first, url: string): string => host.run('curl', '-sS', '--max-time', '5', url);
const pod = (name: string, node: string, image = 'web:1'): string => JSON.stringify({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'web' } }, spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] },
});

await cluster.start();
const [, url = '', , token = ''] = joining(cluster);

await t.test('a wrong token ends it with one clear line', async (t) => {
  agent.start('--server', url, '--token', 'wrong');
  t.same(await agent.ended(), [1, null]);
  t.match(agent.log(), /the token is not that of this cluster, or has ended: see <data-dir>\/server\/node-token on the server/);
});

await t.test('asked to stop while it waits for a server, it stops', async (t) => {
  agent.start('--server', `https://${first.ip}:1`, '--token', token);
  await until(() => agent.log().includes('waiting for the server'), 'the agent to wait');
  t.same(await agent.stop(), [0, null]);
  t.match(agent.log(), /stopping on SIGTERM/);
});

await t.test('it joins by the token that the server wrote', async (t) => {
  t.match(token, /^K10[0-9a-f]{64}::server:.+/);
  agent.start('--server', url, '--token', token);
  await until(ready, 'n2 to be Ready');
  t.match(agent.log(), /joined/);
});

await t.test('pods of both nodes reach each other, the nodes and Services; DNS answers on both; logs and exec work', async (t) => {
  for (const [name, node] of [['a', 'n1'], ['b', 'n2']] as const) t.equal(tryKubectl(['apply', '-f', '-'], pod(name, node)).code, 0);
  kubectl('wait', '--for=condition=Ready', 'pod/a', 'pod/b', '--timeout=90s');
  kubectl('create', 'service', 'clusterip', 'web', '--tcp=80:80');
  const [a, b] = ['a', 'b'].map((name) => jsonpath(`pod ${name}`, '{.status.podIP}'));
  const clusterIp = jsonpath('service web', '{.spec.clusterIP}');
  const within = (name: string, address: string): string => kubectl('exec', name, '--', 'timeout', '5', 'wget', '-qO-', `http://${address}/`).trim();
  t.equal(within('a', b ?? ''), 'b');
  t.equal(within('b', a ?? ''), 'a');
  t.equal(fetched(first, `http://${b ?? ''}/`).trim(), 'b', 'from the other node itself');
  t.equal(fetched(second, `http://${a ?? ''}/`).trim(), 'a');
  await until(() => new Set(Array.from({ length: 8 }, () => fetched(second, `http://${clusterIp}/`).trim())).size === 2, 'both pods to be served', 20_000);
  for (const name of ['a', 'b']) t.match(within(name, 'web.default.svc.cluster.local'), /^[ab]$/);
  t.match(kubectl('logs', 'b'), /serving on 80/);
  t.equal(kubectl('exec', 'b', '--', 'hostname').trim(), 'b');
});

const containers = (): string => jsonpath('pods -l app=web', '{range .items[*]}{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\\n"}{end}');

await t.test('killed and started without token or server address, it is the same node, and its containers went on', async (t) => {
  const before = containers();
  await agent.stop('SIGKILL');
  agent.start();
  await until(() => agent.log().includes(' ready '), 'the agent to be ready');
  t.equal(containers(), before);
});

/** The containers' processes on a host: other pids would be other processes. */
const processes = (host: typeof first): string[] => host.run('sh', '-c', 'for r in /run/skiff/*/runc; do runc --root $r list -q | xargs -rn1 runc --root $r state; done').match(/"pid": [1-9]\d*/g) ?? [];
const resolved = (host: typeof first, name: string): string => host.run(process.execPath, '-e', `const r = new (require('dns').Resolver)(); r.setServers(['10.43.0.10']); r.resolve4('${name}', (e, a) => console.log(e ? e.code : a[0]))`).trim();

await t.test('a server that is away is ridden out, at boot and later', async (t) => {
  const before = containers();
  const [b, clusterIp] = [jsonpath('pod b', '{.status.podIP}'), jsonpath('service web', '{.spec.clusterIP}')];
  await cluster.stop('SIGKILL');
  t.equal(fetched(first, `http://${b}/`).trim(), 'b', 'pods reach each other without a server');
  await agent.stop();
  agent.start();
  await until(() => agent.log().includes(' ready '), 'the agent to be ready without its server');
  t.match(agent.log(), /waiting for the server/);
  t.match(agent.log(), /going on with what was known last/);
  t.match(fetched(second, `http://${clusterIp}/`).trim(), /^[ab]$/, 'Services are served');
  t.equal(resolved(second, 'web.default.svc.cluster.local'), clusterIp, 'names are answered');
  const running = processes(second);
  await cluster.start();
  await until(ready, 'n2 to be Ready again');
  await cluster.stop('SIGKILL');
  await cluster.start();
  t.equal(tryKubectl(['apply', '-f', '-'], pod('later', 'n2')).code, 0);
  kubectl('wait', '--for=condition=Ready', 'pod/later', '--timeout=90s');
  t.ok(containers().startsWith(before));
  t.same(processes(second).filter((one) => running.includes(one)), running);
  kubectl('delete', 'pod', 'later', '--wait');
});

await t.test('a machine that boots while the server is away starts its pods from what it knew last; the server is back, and they go on', async (t) => {
  const [b, clusterIp] = [jsonpath('pod b', '{.status.podIP}'), jsonpath('service web', '{.spec.clusterIP}')];
  await cluster.stop();
  second.kill();
  await agent.ended();
  second.boot();
  agent.start();
  await until(() => second.run('sh', '-c', `curl -sS --max-time 2 http://${b}/ || true`).trim() === 'b', 'the pod to serve, at the address it had');
  t.equal(resolved(second, 'web.default.svc.cluster.local'), clusterIp);
  // The other pod is away with nothing: its node is there.
  await until(() => second.run('sh', '-c', `curl -sS --max-time 2 http://${clusterIp}/ || true`).trim() !== '', 'the Service to be served');
  const running = processes(second);
  t.equal(running.length, 1);
  await cluster.start();
  await until(ready, 'n2 to be Ready');
  await until(() => jsonpath('pod b', '{.status.containerStatuses[0].restartCount}') === '1', 'the API to show the restart');
  t.equal(tryKubectl(['apply', '-f', '-'], pod('later', 'n2')).code, 0);
  kubectl('wait', '--for=condition=Ready', 'pod/b', 'pod/later', '--timeout=90s');
  t.equal(jsonpath('pod b', '{.status.podIP}'), b);
  t.same(processes(second).filter((one) => running.includes(one)), running, 'the same process');
  t.equal(kubectl('exec', 'b', '--', 'hostname').trim(), 'b');
  kubectl('delete', 'pod', 'later', '--wait');
});

await t.test('a cable that is pulled: the node is given up, its pods go on; put in again, all is as it was', async (t) => {
  const [before, b] = [containers(), jsonpath('pod b', '{.status.podIP}')];
  second.plug(false);
  await until(() => !ready(), 'n2 to be given up', 120_000);
  t.equal(fetched(second, `http://${b}/`).trim(), 'b');
  second.plug(true);
  await until(ready, 'n2 to be Ready', 120_000);
  t.equal(containers(), before);
  await until(() => first.run('sh', '-c', `curl -sS --max-time 2 http://${b}/ || true`).trim() === 'b', 'n1 to reach it');
  t.match(kubectl('logs', 'b'), /serving on 80/);
});

await t.test('port-forward to a pod of the other node', async (t) => {
  const forward = cluster.spawnKubectl('port-forward', '--address', '127.0.0.1', 'pod/b', '18080:80');
  t.teardown(() => forward.kill());
  await once(forward.stdout as NonNullable<typeof forward.stdout>, 'data');
  const answer = await fetch('http://127.0.0.1:18080/');
  t.equal((await answer.text()).trim(), 'b');
});

await t.test('a kubelet that the server cannot call is reached by the agent\'s tunnel, also after the server was away', async (t) => {
  second.run('iptables', '-I', 'INPUT', '!', '-i', 'lo', '-p', 'tcp', '--dport', '10250', '-j', 'DROP');
  t.throws(() => fetched(first, `https://${second.ip}:10250/healthz`));
  t.match(kubectl('logs', 'b'), /serving on 80/);
  t.equal(kubectl('exec', 'b', '--', 'hostname').trim(), 'b');
  await cluster.stop('SIGKILL');
  await cluster.start();
  await until(() => tryKubectl(['exec', 'b', '--', 'hostname']).stdout.trim() === 'b', 'the tunnel to be there again');
  second.run('iptables', '-D', 'INPUT', '!', '-i', 'lo', '-p', 'tcp', '--dport', '10250', '-j', 'DROP');
});

await t.test('another machine cannot take the name, but have it with an id, which it keeps', async (t) => {
  const third = addAgent(cluster, 'n3', { named: false });
  third.start('--node-name', 'n2', ...joining(cluster));
  t.same(await third.ended(), [1, null]);
  t.match(third.log(), /node name "n2" is another machine's: choose one with --node-name or --with-node-id/);
  const names = (): string[] => tryKubectl(['get', 'nodes', '--no-headers']).stdout.split('\n').filter((line) => / Ready/.test(line)).map((line) => line.split(' ')[0] ?? '').filter((name) => name.startsWith('n2-'));
  const flags = [['--node-name', 'n2', '--with-node-id', '--node-external-ip', '203.0.113.7', ...joining(cluster)], []];
  let first = '';
  for (const given of flags) {
    third.start(...given);
    await until(() => names().length === 1, 'the third node to be Ready');
    first ||= names()[0] ?? '';
    t.match(names(), [first]);
    t.match(first, /^n2-[0-9a-f]{8}$/);
    t.equal(jsonpath(`node ${first}`, '{.status.addresses[?(@.type=="ExternalIP")].address}'), given.length > 0 ? '203.0.113.7' : '');
    t.same(await third.stop(), [0, null]);
    // So that the next is seen to come, and is not this one's last word.
    kubectl('delete', 'node', first);
  }
});

await t.test('another backend: an agent learns of it when it starts', async (t) => {
  t.match(second.run('ip', 'route'), /10\.42\.0\.0\/24 .*skiff\.vxlan/);
  await cluster.stop();
  await cluster.start('--network-backend', 'host-gw');
  await agent.stop();
  agent.start();
  await until(ready, 'n2 to be Ready');
  await until(() => second.run('ip', 'route').includes(`10.42.0.0/24 via ${first.ip}`) && first.run('ip', 'route').includes(`10.42.1.0/24 via ${second.ip}`), 'plain routes');
  const [a, b] = ['a', 'b'].map((name) => jsonpath(`pod ${name}`, '{.status.podIP}'));
  t.equal(kubectl('exec', 'a', '--', 'timeout', '5', 'wget', '-qO-', `http://${b ?? ''}/`).trim(), 'b');
  t.equal(kubectl('exec', 'b', '--', 'timeout', '5', 'wget', '-qO-', `http://${a ?? ''}/`).trim(), 'a');
});

await t.test('a node that is deleted leaves no route behind', async (t) => {
  await agent.stop();
  t.match(first.run('ip', 'route'), /10\.42\.1\.0\/24/);
  kubectl('delete', 'node', 'n2');
  await until(() => !first.run('ip', 'route').includes('10.42.1.0/24'), 'the route to go');
  t.pass();
});
