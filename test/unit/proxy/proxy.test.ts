// The service proxy against the real kernel: a node with three pods (point-to-point veths, as Skiff's pod network makes them) and a machine outside.
import { writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { command } from '../../../internal/base/command.ts';
import { forget, forgettings } from '../../../agents/proxy/conntrack.ts';
import { createIptables } from '../../../agents/proxy/iptables.ts';
import { rulesetOf } from '../../../agents/proxy/ruleset.ts';
import { servicePorts, type ServicePortRules } from '../../../agents/proxy/service-ports.ts';
import type { EndpointSlice, Service } from '../../../internal/kinds/generated/api-types.ts';
import { CLIENT, createMachine, inOwnNetwork, type Machine } from './machines.ts';

const NODE_IP = '192.168.77.1';
const CLUSTER_IP = '10.43.0.50';
const OPTIONS = { clusterCidr: '10.42.0.0/16' };

if (await inOwnNetwork(new URL(import.meta.url).pathname)) await t.test('proxy', proxyTests);

async function proxyTests(t: Test): Promise<void> {
  const machines: Machine[] = [];
  t.teardown(() => Promise.all(machines.map((machine) => machine.stop())));
  await nodeNetwork();
  const outside = await createMachine();
  machines.push(outside);
  await joinOutside(outside);
  const pods: Machine[] = [];
  for (const index of [1, 2, 3]) {
    const pod = await createMachine();
    machines.push(pod);
    pods.push(pod);
    await joinPod(pod, index);
    await pod.serve(`pod${String(index)}`, 8080);
  }
  const [pod1, pod2, pod3] = pods as [Machine, Machine, Machine];
  const iptables = createIptables();
  let before: ServicePortRules[] = [];
  const show = async (ports: ServicePortRules[]): Promise<void> => {
    await iptables.apply(rulesetOf(ports, OPTIONS));
    await forget(forgettings(before, ports));
    before = ports;
  };
  const answers = (list: string[]): string[] => [...new Set(list.map((answer) => answer.split(' ')[0] ?? ''))].sort();
  const ALL = ['pod1', 'pod2', 'pod3'];
  /** Each goes to one of three by chance: in so many all are met, but once in ten thousand million. */
  const TURNS = 60;

  await t.test('a cluster IP reaches every endpoint, from the node, a pod and by UDP', async (t) => {
    await show(ports());
    t.same(answers(await ask('tcp', CLUSTER_IP, 80, TURNS)), ALL);
    t.same(answers(await pod1.ask('tcp', CLUSTER_IP, 80, TURNS)), ALL);
    t.same(answers(await pod2.ask('udp', CLUSTER_IP, 80, TURNS)), ALL);
    t.same(answers(await ask('udp', CLUSTER_IP, 80, TURNS)), ALL);
  });

  await t.test('pods see each other’s addresses; one that reaches itself sees the node', async (t) => {
    const seen = await pod1.ask('tcp', CLUSTER_IP, 80, 40);
    for (const answer of seen.filter((each) => !each.startsWith('pod1'))) t.match(answer, /10\.42\.0\.11$/);
    const own = seen.filter((each) => each.startsWith('pod1'));
    t.ok(own.length > 0);
    for (const answer of own) t.notMatch(answer, /10\.42\.0\.11$/);
  });

  await t.test('a node port is answered from outside, from a pod, on the node and on 127.0.0.1', async (t) => {
    t.same(answers(await outside.ask('tcp', NODE_IP, 30080, TURNS)), ALL);
    t.same(answers(await outside.ask('udp', NODE_IP, 30080, TURNS)), ALL);
    t.same(answers(await pod1.ask('tcp', NODE_IP, 30080, TURNS)), ALL);
    t.same(answers(await ask('tcp', NODE_IP, 30080, TURNS)), ALL);
    t.same(answers(await ask('tcp', '127.0.0.1', 30080, TURNS)), ALL);
  });

  await t.test('external and load balancer addresses lead to the endpoints', async (t) => {
    await show(ports({ externalIPs: ['203.0.113.7'] }, { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } }));
    t.same(answers(await outside.ask('tcp', '203.0.113.7', 80, TURNS)), ALL);
    t.same(answers(await outside.ask('tcp', '203.0.113.8', 80, TURNS)), ALL);
    await show(ports({ loadBalancerSourceRanges: ['198.51.100.0/24'] }, { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } }));
    t.same(answers(await outside.ask('tcp', '203.0.113.8', 80, 1)), ['TIMEOUT']);
  });

  await t.test('with ClientIP affinity a client stays with one endpoint, until it is switched off', async (t) => {
    await show(ports({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }));
    t.equal(answers(await ask('tcp', CLUSTER_IP, 80, 20)).length, 1);
    t.equal(answers(await outside.ask('tcp', NODE_IP, 30080, 20)).length, 1);
    t.equal(answers(await pod3.ask('udp', CLUSTER_IP, 80, 20)).length, 1);
    await show(ports());
    t.same(answers(await ask('tcp', CLUSTER_IP, 80, TURNS)), ALL);
  });

  await t.test('external policy Local keeps the client’s address', async (t) => {
    await show(ports({ externalTrafficPolicy: 'Local' }));
    for (const answer of await outside.ask('tcp', NODE_IP, 30080, 6)) t.match(answer, /192\.168\.77\.2$/);
    t.same(answers(await ask('tcp', '127.0.0.1', 30080, TURNS)), ALL);
    await show(ports({ externalTrafficPolicy: 'Local' }, {}, 'elsewhere'));
    t.same(await outside.ask('tcp', NODE_IP, 30080, 1), ['TIMEOUT']);
    t.same(answers(await ask('tcp', NODE_IP, 30080, TURNS)), ALL);
  });

  await t.test('without endpoints connections are refused at once', async (t) => {
    await show(ports({}, {}, 'n1', []));
    t.same(await ask('tcp', CLUSTER_IP, 80, 1), ['ECONNREFUSED']);
    t.same(await pod1.ask('tcp', CLUSTER_IP, 80, 1), ['ECONNREFUSED']);
    t.same(await outside.ask('tcp', NODE_IP, 30080, 1), ['ECONNREFUSED']);
    t.same(await pod1.ask('udp', CLUSTER_IP, 80, 1), ['ECONNREFUSED']);
    t.same(await ask('tcp', '127.0.0.1', 30080, 1), ['ECONNREFUSED']);
  });

  await t.test('a UDP client is led away from an endpoint that is gone', async (t) => {
    await show(ports({}, {}, 'n1', [1]));
    t.same(await sameSocket(), 'pod1');
    await show(ports({}, {}, 'n1', [2]));
    t.same(await sameSocket(), 'pod2');
  });

  await t.test('an open connection lives through changes, and only changed chains are written', async (t) => {
    await show(ports());
    const { connect } = await import('node:net');
    const socket = connect(80, CLUSTER_IP);
    const name = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    t.match(name, /^pod/);
    const next = [...ports(), ...servicePorts({ ...service(), metadata: { ...service().metadata, name: 'other' }, spec: { ...service().spec, clusterIP: '10.43.0.51', clusterIPs: ['10.43.0.51'], ports: [{ port: 80, targetPort: 8080 }] } }, [slice('n1', [1])], 'n1')];
    t.equal(await iptables.apply(rulesetOf(next, OPTIONS)), 2, 'the new chain and the dispatch');
    t.equal(await iptables.apply(rulesetOf(next, OPTIONS)), 0);
    socket.write('still here');
    t.equal(await new Promise((resolve) => socket.once('data', (data) => resolve(String(data)))), 'still here');
    socket.destroy();
  });

  await t.test('a new start takes over what a killed predecessor left; remove leaves nothing', async (t) => {
    await createIptables().apply(rulesetOf(ports({}, {}, 'n1', [1]), OPTIONS));
    t.same(answers(await ask('tcp', CLUSTER_IP, 80, 5)), ['pod1']);
    const saved = await command('iptables-save', []);
    t.equal(saved.match(/-A PREROUTING -j SKIFF-SERVICES/g)?.length, 1, 'one jump, not two');
    t.equal(saved.match(/:SKIFF-SVC-/g)?.length, 2, 'TCP and UDP of the one service');
    await createIptables().remove();
    t.notMatch(await command('iptables-save', []), /SKIFF-/);
  });

  await t.test('a thousand services are one quick write', async (t) => {
    const chains = async (): Promise<number> => new Set((await command('iptables-save', [])).match(/^:SKIFF-SVC-\S+/gm)).size;
    const many = Array.from({ length: 1000 }, (_, index) => ({ ...ports()[0], id: `ns/s${String(index)}:http`, clusterIps: [`10.43.${String(4 + (index >> 8))}.${String(index & 255)}`], nodePort: undefined }) as ServicePortRules);
    const fresh = createIptables();
    const started = performance.now();
    await fresh.apply(rulesetOf(many, OPTIONS));
    const all = performance.now() - started;
    t.equal(await chains(), many.length);
    const again = performance.now();
    await fresh.apply(rulesetOf([...many.slice(500), ...ports({}, {}, 'n1', [1])], OPTIONS));
    t.comment(`1000 services: ${all.toFixed(0)} ms, a change: ${(performance.now() - again).toFixed(0)} ms`);
    t.equal(await chains(), many.length - 500 + 2, 'those that went, and TCP and UDP of the one that came');
    t.same(answers(await ask('tcp', CLUSTER_IP, 80, 5)), ['pod1']);
    await fresh.remove();
  });
}

async function nodeNetwork(): Promise<void> {
  await command('iptables', ['-P', 'FORWARD', 'DROP']); // as Docker leaves a machine
  await command('ip', ['link', 'set', 'lo', 'up']);
  for (const [path, value] of [['ip_forward', '1'], ['conf/all/route_localnet', '1'], ['conf/all/rp_filter', '0'], ['conf/default/rp_filter', '0']] as const) writeFileSync(`/proc/sys/net/ipv4/${path}`, value);
}

async function joinOutside(outside: Machine): Promise<void> {
  await command('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(outside.pid)]);
  await command('ip', ['addr', 'add', `${NODE_IP}/24`, 'dev', 'eth0']);
  await command('ip', ['link', 'set', 'eth0', 'up']);
  await outside.run('ip', 'addr', 'add', '192.168.77.2/24', 'dev', 'eth0');
  await outside.run('ip', 'link', 'set', 'eth0', 'up');
  await outside.run('ip', 'route', 'add', 'default', 'via', NODE_IP);
  await command('ip', ['route', 'add', 'default', 'via', '192.168.77.2']);
}

async function joinPod(pod: Machine, index: number): Promise<void> {
  const device = `pod${String(index)}`;
  const address = `10.42.0.1${String(index)}`;
  await command('ip', ['link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pod.pid)]);
  await command('ip', ['link', 'set', device, 'up']);
  await command('ip', ['route', 'add', `${address}/32`, 'dev', device]);
  await pod.run('ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0');
  await pod.run('ip', 'link', 'set', 'eth0', 'up');
  await pod.run('ip', 'route', 'add', '169.254.1.1', 'dev', 'eth0');
  const mac = /link\/ether (\S+)/.exec(await command('ip', ['link', 'show', device]))?.[1] ?? '';
  await pod.run('ip', 'neigh', 'replace', '169.254.1.1', 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent');
  await pod.run('ip', 'route', 'add', 'default', 'via', '169.254.1.1');
}

function service(spec: Partial<Service['spec']> = {}, status: Service['status'] = {}): Service {
  const metadata = { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  const ports = (['TCP', 'UDP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, targetPort: 8080, nodePort: 30080 }));
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'NodePort', clusterIP: CLUSTER_IP, clusterIPs: [CLUSTER_IP], ports, ...spec }, ...(status !== undefined && { status }) };
}

function slice(nodeName: string, pods: number[]): EndpointSlice {
  const metadata = { name: 'web-1', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  const endpoints = pods.map((index) => ({ addresses: [`10.42.0.1${String(index)}`], nodeName, conditions: { ready: true } }));
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', endpoints, ports: [{ name: 'tcp', port: 8080, protocol: 'TCP' }, { name: 'udp', port: 8080, protocol: 'UDP' }, { name: '', port: 8080, protocol: 'TCP' }] };
}

function ports(spec: Partial<Service['spec']> = {}, status: Service['status'] = {}, nodeName = 'n1', pods = [1, 2, 3]): ServicePortRules[] {
  return servicePorts(service(spec, status), [slice(nodeName, pods)], 'n1');
}

async function ask(kind: 'tcp' | 'udp', address: string, port: number, times: number): Promise<string[]> {
  return JSON.parse(await command(process.execPath, ['-e', CLIENT, kind, address, String(port), String(times)])) as string[];
}

/** One UDP packet from a fixed source port, so that the kernel takes it for the same conversation each time. */
async function sameSocket(): Promise<string> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(45678, resolve));
  const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data).split(' ')[0] ?? '')));
  socket.send('x', 80, CLUSTER_IP);
  const name = await answer;
  await new Promise<void>((resolve) => void socket.close(resolve));
  return name;
}
