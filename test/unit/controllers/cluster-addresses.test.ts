// IPAddresses of Services and the state of ServiceCIDRs, by the real API of a server with its loops.
import t from 'tap';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plan as planAddress } from '../../../internal/controllers/cluster-ips.ts';
import { plan as planNetwork } from '../../../internal/controllers/service-cidrs.ts';
import type { IPAddress, Service, ServiceCIDR } from '../../../internal/kinds/generated/api-types.ts';
import { openApi, type Api } from '../../support/api.ts';
import { startControlPlane } from '../../support/control-plane.ts';
import { until } from '../../support/until.ts';

const ADDRESSES = '/apis/networking.k8s.io/v1/ipaddresses';
const NETWORKS = '/apis/networking.k8s.io/v1/servicecidrs';
const SERVICES = '/api/v1/namespaces/default/services';
const MERGE = { type: 'application/merge-patch+json' };
const LABELS = { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
const OWN = { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', spec: { parentRef: { group: 'example.com', resource: 'gateways', name: 'gw' } } };
const STAYS = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';

const service = (name: string, spec: object = {}): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
const network = (name: string, ...cidrs: string[]): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } });

async function start(): Promise<{ api: Api; plane: Awaited<ReturnType<typeof startControlPlane>>; again(): Promise<void>; end(): Promise<void> }> {
  let plane = await startControlPlane({ loops: true });
  const kubeconfig = join(plane.directory, 'kubeconfig');
  writeFileSync(kubeconfig, plane.kubeconfig);
  const api = openApi(kubeconfig);
  return {
    api, get plane() { return plane; },
    async again() {
      const { directory, port } = plane;
      await plane.stop();
      plane = await startControlPlane({ loops: true, directory, port });
    },
    async end() {
      api.close();
      await plane.remove();
    },
  };
}

/** Names and what they stand for. */
async function addresses(api: Api): Promise<Record<string, string>> {
  const { items } = (await api.json('GET', ADDRESSES)) as { items: IPAddress[] };
  return Object.fromEntries(items.map(({ metadata, spec: { parentRef: { resource, namespace = '', name } } }) => [metadata.name, `${resource}/${namespace}/${name}`]));
}
async function untilStands(api: Api, ip: string, what: string | undefined): Promise<void> {
  await until(async () => (await addresses(api))[ip] === what, `${ip} to be ${String(what)}`);
}
async function ready(api: Api, name: string): Promise<{ status: string; reason: string; message: string } | undefined> {
  const { status } = (await api.json('GET', `${NETWORKS}/${name}`)) as unknown as ServiceCIDR;
  return status?.conditions?.find(({ type }) => type === 'Ready') as { status: string; reason: string; message: string } | undefined;
}

t.test('an IPAddress comes with a Service\'s address and goes with it', async (t) => {
  const { api, again, end } = await start();
  t.teardown(end);
  await untilStands(api, '10.43.0.1', 'services/default/kubernetes');
  await untilStands(api, '10.43.0.10', 'services/kube-system/kube-dns');
  await api.json('POST', SERVICES, { body: service('a', { clusterIP: '10.43.5.5' }) });
  await api.json('POST', SERVICES, { body: service('headless', { clusterIP: 'None' }) });
  await untilStands(api, '10.43.5.5', 'services/default/a');
  const found = (await api.json('GET', `${ADDRESSES}/10.43.5.5`)) as unknown as IPAddress;
  t.same([found.metadata.labels, found.spec], [LABELS, { parentRef: { resource: 'services', namespace: 'default', name: 'a' } }]);
  t.equal(Object.keys(await addresses(api)).length, 3, 'and none for a headless one');

  await api.json('DELETE', `${ADDRESSES}/10.43.5.5`);
  await untilStands(api, '10.43.5.5', 'services/default/a');
  await api.json('PATCH', `${SERVICES}/a`, { ...MERGE, body: { spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null } } });
  await untilStands(api, '10.43.5.5', undefined);
  await api.json('PATCH', `${SERVICES}/a`, { ...MERGE, body: { spec: { type: 'ClusterIP', externalName: null, clusterIP: '10.43.5.6' } } });
  await untilStands(api, '10.43.5.6', 'services/default/a');

  await again();
  const before = await addresses(api);
  await api.json('DELETE', `${SERVICES}/a`);
  await untilStands(api, '10.43.5.6', undefined);
  t.same(Object.keys(before).sort(), ['10.43.0.1', '10.43.0.10', '10.43.5.6'], 'a restart changes none');
});

t.test('what somebody keeps for something else is not given out, and is left alone', async (t) => {
  const { api, end } = await start();
  t.teardown(end);
  await api.json('POST', ADDRESSES, { body: { ...OWN, metadata: { name: '10.43.6.6' } } });
  const { status, text } = await api.send('POST', SERVICES, { body: service('b', { clusterIP: '10.43.6.6' }) });
  t.match([status, text], [422, /failed to allocate IP 10.43.6.6: provided IP is already allocated/]);
  await api.json('DELETE', `${ADDRESSES}/10.43.6.6`);
  await api.json('POST', SERVICES, { body: service('b', { clusterIP: '10.43.6.6' }) });
  await untilStands(api, '10.43.6.6', 'services/default/b');
  await api.json('POST', ADDRESSES, { body: { ...OWN, metadata: { name: '10.43.6.7' } } });
  await api.json('POST', ADDRESSES, { body: { ...OWN, metadata: { name: '10.43.6.8', labels: LABELS } } });
  await untilStands(api, '10.43.6.8', undefined);
  t.equal((await addresses(api))['10.43.6.7'], 'gateways//gw');
});

t.test('ServiceCIDRs are ready, give addresses, and stay while addresses are theirs alone', async (t) => {
  const { api, end } = await start();
  t.teardown(end);
  await until(async () => (await ready(api, 'kubernetes'))?.status === 'True', 'the first network to be ready');
  const { metadata } = (await api.json('GET', `${NETWORKS}/kubernetes`)) as unknown as ServiceCIDR;
  t.same(metadata.finalizers, ['networking.k8s.io/service-cidr-finalizer']);

  const outside = await api.send('POST', SERVICES, { body: service('c', { clusterIP: '10.99.0.3' }) });
  t.match([outside.status, outside.text], [422, /the provided network does not match the current range/]);
  await api.json('POST', NETWORKS, { body: network('more', '10.99.0.0/28', '2001:db8::/64') });
  await until(async () => (await ready(api, 'more'))?.message === 'Kubernetes Service CIDR is ready', 'it to be ready');
  await api.json('POST', SERVICES, { body: service('c', { clusterIP: '10.99.0.3' }) });
  await untilStands(api, '10.99.0.3', 'services/default/c');

  await api.json('DELETE', `${NETWORKS}/more`);
  await until(async () => (await ready(api, 'more'))?.status === 'False', 'it to say why it stays');
  t.match(await ready(api, 'more'), { reason: 'Terminating', message: STAYS });
  const going = await api.send('POST', SERVICES, { body: service('d', { clusterIP: '10.99.0.4' }) });
  t.equal(going.status, 422, 'nothing is given of what is to go');
  await api.json('POST', NETWORKS, { body: network('wider', '10.99.0.0/16', '2001:db8::/56') });
  await until(async () => (await api.send('GET', `${NETWORKS}/more`)).status === 404, 'it to go, its addresses being in another');
  t.equal((await addresses(api))['10.99.0.3'], 'services/default/c');
});

t.test('wrong references are put right, one Service of two keeps the address', (t) => {
  const named = (name: string): Service => ({ metadata: { namespace: 'ns', name }, spec: {} }) as unknown as Service;
  const address = (labels: object, parentRef: object): IPAddress => ({ metadata: { name: '10.43.0.9', uid: 'u', labels }, spec: { parentRef } }) as unknown as IPAddress;
  const ofA = { resource: 'services', namespace: 'ns', name: 'a' };
  const types = (address: IPAddress | undefined, ...services: Service[]): string[] => planAddress({ ip: '10.43.0.9', address, services }).actions.map(({ type }) => type);
  t.same(types(undefined), []);
  t.same(types(undefined, named('a')), ['create']);
  t.same(types(address(LABELS, ofA), named('b'), named('a')), []);
  t.same(types(address(LABELS, ofA), named('b')), ['event', 'delete', 'create']);
  t.same(types(address({}, ofA), named('a')), ['delete', 'create'], 'labels');
  t.same(types(address(LABELS, ofA)), ['delete']);
  t.same(types(address({}, ofA)), [], 'not the allocator\'s');
  t.match(planAddress({ ip: '2001:db8::1', address: undefined, services: [named('a')] }).actions, [{ object: { metadata: { name: '2001:db8::1', labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv6' } } } }]);
  t.end();
});

t.test('the end of a network waits ten seconds', (t) => {
  const now = Date.UTC(2026, 0, 1, 0, 0, 4);
  const serviceCidr = { metadata: { name: 'n', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['networking.k8s.io/service-cidr-finalizer'] }, spec: { cidrs: ['10.0.0.0/28'] } } as unknown as ServiceCIDR;
  t.same(planNetwork({ serviceCidr, isNeeded: false }, now), { actions: [], againInMs: 6000 });
  t.match(planNetwork({ serviceCidr, isNeeded: false }, now + 6000).actions, [{ patch: { type: 'strategic', body: { metadata: { '$deleteFromPrimitiveList/finalizers': ['networking.k8s.io/service-cidr-finalizer'] } } } }]);
  t.match(planNetwork({ serviceCidr, isNeeded: true }, now).actions, [{ subresource: 'status', patch: { body: { status: { conditions: [{ status: 'False', reason: 'Terminating' }] } } } }]);
  t.end();
});
