// Routes to other nodes' pods, on a real network stack in a namespace of the test's own. Where the kernel has vxlan, over it as well.
import { execFileSync, spawnSync } from 'node:child_process';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { silentLog, type Log } from '../../../internal/base/log.ts';
import { systemRandom } from '../../../internal/base/random.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { Client } from '../../../internal/client/client.ts';
import { createLocalViews } from '../../../internal/informer/local-views.ts';
import { runLoop } from '../../../internal/informer/run-loop.ts';
import { NODES } from '../../../internal/kinds/generated/resources.ts';
import { createMemoryStore } from '../../../internal/store/memory.ts';
import { routesLoop, type Backend } from '../../../agents/network/routes.ts';
import { hardwareAddress, linesFor } from '../../../agents/network/vxlan.ts';
import { ownNetwork } from '../../support/lab.ts';

ownNetwork();
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
for (const line of ['link set lo up', 'link add eth0 type veth peer name far', 'addr add 10.9.0.1/24 dev eth0', 'link set eth0 up', 'link set far up', 'route add default via 10.9.0.254']) ip(...line.split(' '));
const hasVxlan = spawnSync('ip', ['link', 'add', 'probe', 'type', 'vxlan', 'id', '9', 'dstport', '9999']).status === 0;
if (hasVxlan) ip('link', 'del', 'probe');

const node = (name: string, address: string, podCIDR?: string): KubeObject => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name, resourceVersion: '', creationTimestamp: '' }, spec: { ...(podCIDR !== undefined && { podCIDR }) }, status: { addresses: [{ type: 'InternalIP', address }] } }) as KubeObject;
const routes = (): string[] => (JSON.parse(ip('-json', 'route', 'show', 'proto', '83') || '[]') as { dst: string; gateway?: string; dev: string }[]).map(({ dst, gateway, dev }) => `${dst} ${gateway ?? ''} ${dev}`).sort();

interface Bench {
  store: ReturnType<typeof createMemoryStore>;
  warnings: string[];
  /** Resolves when, after the loop has acted once more, this holds. */
  until(holds: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

async function start(backend: Backend): Promise<Bench> {
  const store = createMemoryStore({ clock: systemClock });
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message), with: () => log };
  const loop = routesLoop('n1', backend);
  const waiting: (() => void)[] = [];
  const told: typeof loop = {
    ...loop,
    async act(action, acting) {
      await loop.act(action, acting);
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
  const component = runLoop(told, { views: createLocalViews(store), client: {} as Client, clock: systemClock, random: systemRandom, log, recorder: { event: () => {}, flush: () => Promise.resolve() } });
  await component.start();
  return {
    store, warnings,
    async until(holds) {
      while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    stop: () => component.stop(),
  };
}

const isRouted = (...wanted: string[]) => (): boolean => routes().join() === wanted.join();

t.test('host-gw: a route for each node, changed and taken away with it; nobody else\'s are touched', async (t) => {
  ip('route', 'add', '192.0.2.0/24', 'via', '10.9.0.9');
  ip('route', 'add', '10.42.77.0/24', 'via', '10.9.0.9', 'proto', '83'); // of an earlier life
  const { store, until, stop, warnings } = await start('host-gw');
  await store.create(NODES, node('n1', '10.9.0.1', '10.42.0.0/24'), 'relaxed');
  await until(isRouted()); // what was left behind is gone
  const second = await store.create(NODES, node('n2', '10.9.0.2', '10.42.1.0/24'), 'relaxed');
  const third = await store.create(NODES, node('n3', '10.9.0.3'), 'relaxed');
  await until(isRouted('10.42.1.0/24 10.9.0.2 eth0'));
  await store.update(NODES, { ...node('n3', '10.9.0.3', '10.42.2.0/24'), metadata: third.metadata }, third.metadata.resourceVersion, 'relaxed');
  await until(isRouted('10.42.1.0/24 10.9.0.2 eth0', '10.42.2.0/24 10.9.0.3 eth0'));
  const moved = await store.update(NODES, { ...node('n2', '10.9.0.22', '10.42.1.0/24'), metadata: second.metadata }, second.metadata.resourceVersion, 'relaxed');
  await until(isRouted('10.42.1.0/24 10.9.0.22 eth0', '10.42.2.0/24 10.9.0.3 eth0'));
  await store.create(NODES, node('far', '172.30.0.1', '10.42.3.0/24'), 'relaxed');
  await until(() => warnings.length > 0);
  t.notOk(routes().some((route) => route.startsWith('10.42.3')), 'behind a router there is no such way');
  await store.delete(NODES, { namespace: '', name: 'n2' }, moved.metadata.resourceVersion, 'relaxed');
  await until(isRouted('10.42.2.0/24 10.9.0.3 eth0'));
  t.match(ip('route'), /192\.0\.2\.0\/24 via 10\.9\.0\.9/);
  t.match(warnings, [/^the pods of a node cannot be reached/]);
  await stop();
  ip('route', 'flush', 'proto', '83');
});

// One or the other, by the kernel that runs the tests.
if (!hasVxlan) void t.test('vxlan where the kernel has none: said clearly, and plain routes within the subnet', async (t) => {
  const { store, until, stop, warnings } = await start('vxlan');
  await store.create(NODES, node('n1', '10.9.0.1', '10.42.0.0/24'), 'relaxed');
  await store.create(NODES, node('n2', '10.9.0.2', '10.42.1.0/24'), 'relaxed');
  await until(isRouted('10.42.1.0/24 10.9.0.2 eth0'));
  t.match(warnings, [/^this kernel has no vxlan .*--network-backend host-gw$/]);
  await stop();
  ip('route', 'flush', 'proto', '83');
});

if (hasVxlan) void t.test('vxlan: the link, and for each node its neighbour, forwarding entry and route', async (t) => {
  const { store, until, stop, warnings } = await start('vxlan');
  await store.create(NODES, node('n1', '10.9.0.1', '10.42.0.0/24'), 'relaxed');
  const second = await store.create(NODES, node('n2', '172.30.0.2', '10.42.1.0/24'), 'relaxed');
  const entries = (): string => execFileSync('bridge', ['fdb', 'show', 'dev', 'skiff.vxlan'], { encoding: 'utf8' });
  await until(() => routes().length === 1 && entries().includes('172.30.0.2'));
  t.same(routes(), ['10.42.1.0/24 10.42.1.0 skiff.vxlan']);
  t.match(ip('neigh', 'show', 'dev', 'skiff.vxlan'), /10\.42\.1\.0 lladdr 0a:53:ac:1e:00:02 PERMANENT/);
  t.match(entries(), /0a:53:ac:1e:00:02 .*dst 172\.30\.0\.2/);
  t.match(ip('-4', 'addr', 'show', 'dev', 'skiff.vxlan'), /mtu 1450[\s\S]*inet 10\.42\.0\.0\/32/);
  const moved = await store.update(NODES, { ...node('n2', '172.30.0.3', '10.42.1.0/24'), metadata: second.metadata }, second.metadata.resourceVersion, 'relaxed');
  await until(() => entries().includes('172.30.0.3') && !entries().includes('172.30.0.2'));
  t.match(ip('neigh', 'show', 'dev', 'skiff.vxlan'), /10\.42\.1\.0 lladdr 0a:53:ac:1e:00:03 PERMANENT/);
  await store.delete(NODES, { namespace: '', name: 'n2' }, moved.metadata.resourceVersion, 'relaxed');
  await until(() => routes().length === 0 && !entries().includes('172.30.0.3'));
  t.notMatch(ip('neigh', 'show', 'dev', 'skiff.vxlan'), /10\.42\.1\.0/);
  t.same(warnings, []);
  await stop();
});

t.test('the lines of a vxlan: what is wanted is replaced, what is stale is deleted', (t) => {
  t.equal(hardwareAddress('10.9.0.255'), '0a:53:0a:09:00:ff');
  const lines = linesFor([{ name: 'n2', ip: '10.9.0.2', podCidr: '10.42.1.0/24' }], { neighbours: ['10.42.1.0', '10.42.9.0'], entries: [{ mac: '0a:53:0a:09:00:09', dst: '10.9.0.9' }, { mac: '0a:53:0a:09:00:02', dst: '10.9.0.2' }], protocol: '83' });
  t.same(lines, {
    ip: ['neigh del 10.42.9.0 dev skiff.vxlan', 'neigh replace 10.42.1.0 lladdr 0a:53:0a:09:00:02 dev skiff.vxlan nud permanent', 'route replace 10.42.1.0/24 via 10.42.1.0 dev skiff.vxlan onlink proto 83'],
    bridge: ['fdb del 0a:53:0a:09:00:09 dev skiff.vxlan dst 10.9.0.9', 'fdb replace 0a:53:0a:09:00:02 dev skiff.vxlan dst 10.9.0.2'],
  });
  t.end();
});
