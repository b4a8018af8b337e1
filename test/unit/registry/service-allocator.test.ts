import t from 'tap';
import type { Test } from 'tap';
import { StatusError } from '../../../internal/base/errors.ts';
import type { KubeObject } from '../../../internal/api/meta.ts';
import type { Service, ServicePort } from '../../../internal/kinds/generated/api-types.ts';
import { change, createScene, kindOf, openRegistry, refused, write, type Scene } from './scene.ts';

const SERVICES = kindOf('services');
const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

function service(name: string, spec: Partial<Service['spec']> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }], ...spec } } as unknown as KubeObject;
}
async function create({ registry }: Scene, name: string, spec: Partial<Service['spec']> = {}): Promise<Service> {
  return (await registry.create(SERVICES, service(name, spec), write())) as Service;
}
async function update({ registry }: Scene, name: string, edit: (spec: Service['spec']) => Partial<Service['spec']>): Promise<Service> {
  return (await registry.update(SERVICES, key(name), (current) => change({ spec: { ...(current as Service).spec, ...edit((current as Service).spec) } })(current), write())).object as Service;
}
const nodePorts = ({ spec }: Service): number[] => (spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0);
const free = async (t: Test, scene: Scene, spec: Partial<Service['spec']>): Promise<void> => {
  const probe = await create(scene, 'probe', spec);
  t.ok(probe, 'is free again');
  await scene.registry.delete(SERVICES, key('probe'), {}, write());
};

t.test('an address of the network, one each, until it is full; then given back', async (t) => {
  const scene = createScene({ serviceCidr: '10.43.0.0/28' });
  const given = new Set<string>();
  for (let at = 0; at < 14; at++) given.add((await create(scene, `s${String(at)}`)).spec.clusterIP ?? '');
  t.equal(given.size, 14);
  t.notOk(given.has('10.43.0.0') || given.has('10.43.0.15'), 'neither the first nor the last');
  const full = await refused(t, 'InternalError', () => create(scene, 'more'));
  t.match(full.message, /range is full/);
  await scene.registry.delete(SERVICES, key('s3'), {}, write());
  t.equal((await create(scene, 'more')).spec.clusterIPs?.length, 1);
});

t.test('an address that is asked for', async (t) => {
  const scene = createScene();
  t.match((await create(scene, 'a', { clusterIP: '10.43.7.7' })).spec, { clusterIP: '10.43.7.7', clusterIPs: ['10.43.7.7'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  const taken = await refused(t, 'Invalid', () => create(scene, 'b', { clusterIP: '10.43.7.7' }));
  t.match(taken.message, /spec.clusterIPs: Invalid value: \["10.43.7.7"\]: failed to allocate IP 10.43.7.7: provided IP is already allocated$/);
  const outside = await refused(t, 'Invalid', () => create(scene, 'b', { clusterIP: '10.99.0.1' }));
  t.match(outside.message, /failed to allocate IP 10.99.0.1: the provided network does not match the current range$/);
  await refused(t, 'Invalid', () => create(scene, 'b', { clusterIP: 'nonsense' }));
  t.match((await create(scene, 'headless', { clusterIP: 'None' })).spec, { clusterIP: 'None', clusterIPs: ['None'] });
  await scene.registry.delete(SERVICES, key('a'), {}, write());
  await free(t, scene, { clusterIP: '10.43.7.7' });
});

t.test('the Service of the API itself has the first address', async (t) => {
  t.equal((await create(createScene(), 'kubernetes')).spec.clusterIP, '10.43.0.1');
});

t.test('node ports: by chance, by number, one number for TCP and UDP of one Service, none twice', async (t) => {
  const scene = createScene();
  const [port] = nodePorts(await create(scene, 'a', { type: 'NodePort' }));
  t.ok(port !== undefined && port >= 30000 && port <= 32767);
  t.same(nodePorts(await create(scene, 'b', { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 30080 }] as ServicePort[] })), [30080]);
  const taken = await refused(t, 'Invalid', () => create(scene, 'c', { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 30080 }] as ServicePort[] }));
  t.match(taken.message, /spec.ports\[0\].nodePort: Invalid value: 30080: provided port is already allocated$/);
  const outside = await refused(t, 'Invalid', () => create(scene, 'c', { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 80 }] as ServicePort[] }));
  t.match(outside.message, /provided port is not in the valid range. The range of valid ports is 30000-32767$/);
  const both = nodePorts(await create(scene, 'dns', { type: 'NodePort', ports: [{ name: 'udp', port: 53, protocol: 'UDP' }, { name: 'tcp', port: 53, protocol: 'TCP' }] as ServicePort[] }));
  t.equal(both[0], both[1]);
});

t.test('changes of type give back and take', async (t) => {
  const scene = createScene();
  const plain = await create(scene, 'a');
  const ported = await update(scene, 'a', () => ({ type: 'NodePort' }));
  const [port = 0] = nodePorts(ported);
  t.equal(ported.spec.clusterIP, plain.spec.clusterIP, 'keeps its address');
  t.ok(port >= 30000);
  const back = await update(scene, 'a', () => ({ type: 'ClusterIP' }));
  t.same(nodePorts(back), [0]);
  await free(t, scene, { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: port }] as ServicePort[] });
  const external = await update(scene, 'a', () => ({ type: 'ExternalName', externalName: 'example.com' }));
  t.same([external.spec.clusterIP, external.spec.clusterIPs], [undefined, undefined]);
  await free(t, scene, { clusterIP: plain.spec.clusterIP ?? '' });
  const again = await update(scene, 'a', () => ({ type: 'ClusterIP', externalName: undefined as never }));
  t.match(again.spec.clusterIP, /^10\.43\./);
});

t.test('a LoadBalancer with local traffic has a health port, and gives it back', async (t) => {
  const scene = createScene();
  const { spec } = await create(scene, 'a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  const health = spec.healthCheckNodePort ?? 0;
  t.ok(health >= 30000);
  const cluster = await update(scene, 'a', () => ({ externalTrafficPolicy: 'Cluster' }));
  t.notOk(cluster.spec.healthCheckNodePort);
  await free(t, scene, { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: health }] as ServicePort[] });
});

t.test('a change of a node port frees the old one; an update that leaves them out keeps them', async (t) => {
  const scene = createScene();
  await create(scene, 'a', { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 30080 }] as ServicePort[] });
  const kept = await update(scene, 'a', () => ({ ports: [{ name: 'x', port: 80, protocol: 'TCP' }] as ServicePort[] }));
  t.same(nodePorts(kept), [30080]);
  await update(scene, 'a', () => ({ ports: [{ name: 'x', port: 80, nodePort: 30081 }] as ServicePort[] }));
  await free(t, scene, { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 30080 }] as ServicePort[] });
  await refused(t, 'Invalid', () => create(scene, 'b', { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 30081 }] as ServicePort[] }));
});

t.test('what a refused write or a dry run took is given back', async (t) => {
  const scene = createScene();
  const spec: Partial<Service['spec']> = { type: 'NodePort', clusterIP: '10.43.9.9', ports: [{ name: 'x', port: 80, nodePort: 30090 }] as ServicePort[] };
  await scene.registry.create(SERVICES, service('dry', spec), write({ dryRun: true }));
  await refused(t, 'Invalid', () => create(scene, 'Bad_Name', spec));
  await refused(t, 'Forbidden', () => scene.registry.create(SERVICES, service('no', spec), write({ validate: () => Promise.reject(new StatusError('Forbidden', 'no')) })));
  await create(scene, 'a', { type: 'ClusterIP' });
  await scene.registry.update(SERVICES, key('a'), change({ spec: { ...((scene.registry.get(SERVICES, key('a')) as Service).spec), type: 'NodePort', ports: spec.ports } }), write({ dryRun: true }));
  await free(t, scene, spec);
});

t.test('after a restart what is taken is known from the store', async (t) => {
  const scene = createScene();
  await create(scene, 'a', { type: 'NodePort', clusterIP: '10.43.5.5', ports: [{ name: 'x', port: 80, nodePort: 30099 }] as ServicePort[] });
  const { store, clock, random } = scene;
  const registry = openRegistry(store, { clock, random, serviceCidr: '10.43.0.0/16', nodePorts: { first: 30000, last: 32767 } });
  await refused(t, 'Invalid', () => create({ ...scene, registry }, 'b', { clusterIP: '10.43.5.5' }));
  await refused(t, 'Invalid', () => create({ ...scene, registry }, 'b', { type: 'NodePort', ports: [{ name: 'x', port: 80, nodePort: 30099 }] as ServicePort[] }));
});

t.test('held by a finalizer a Service keeps its address until it is gone', async (t) => {
  const scene = createScene();
  const draft = service('a', { clusterIP: '10.43.6.6' });
  draft.metadata.finalizers = ['service.kubernetes.io/load-balancer-cleanup'];
  await scene.registry.create(SERVICES, draft, write());
  await scene.registry.delete(SERVICES, key('a'), {}, write());
  await refused(t, 'Invalid', () => create(scene, 'b', { clusterIP: '10.43.6.6' }));
  await scene.registry.update(SERVICES, key('a'), change({ metadata: { finalizers: [] } }), write());
  await free(t, scene, { clusterIP: '10.43.6.6' });
});

t.test('many at once get addresses of their own', async (t) => {
  const scene = createScene({ serviceCidr: '10.43.0.0/24' });
  const made = await Promise.all(Array.from({ length: 200 }, (_, at) => create(scene, `s${String(at)}`, { type: 'NodePort' })));
  t.equal(new Set(made.map(({ spec }) => spec.clusterIP)).size, 200);
  t.equal(new Set(made.flatMap(nodePorts)).size, 200);
});

t.test('when the range is full, of the networks that users added', async (t) => {
  const scene = createScene({ serviceCidr: '10.43.0.0/30' });
  for (const name of ['a', 'b']) await create(scene, name);
  await refused(t, 'InternalError', () => create(scene, 'c'));
  const more = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'more' }, spec: { cidrs: ['2001:db8::/64', '10.99.0.0/30'] } } as unknown as KubeObject;
  await scene.registry.create(kindOf('servicecidrs', 'networking.k8s.io'), more, write());
  t.same([(await create(scene, 'c')).spec.clusterIP, (await create(scene, 'd')).spec.clusterIP].sort(), ['10.99.0.1', '10.99.0.2']);
  await refused(t, 'InternalError', () => create(scene, 'e'));
  await scene.registry.delete(SERVICES, key('c'), {}, write());
  await create(scene, 'e');
});
