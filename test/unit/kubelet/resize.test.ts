// In-place resize, told by what the API shows and what the runtime is told.
import t, { type Test } from 'tap';
import { NODES, PODS } from '../../../internal/kinds/generated/resources.ts';
import type { PodCondition } from '../../../internal/kinds/generated/api-types.ts';
import { createScene, type Scene } from './scene.ts';

async function scene(t: Test): Promise<Scene> {
  const made = await createScene();
  t.teardown(() => made.stop());
  await made.client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: {}, status: { allocatable: { cpu: '8', memory: '8Gi' } } });
  return made;
}

const resize = (s: Scene, name: string, containers: object[]) => s.client.patch(PODS, { namespace: 'default', name }, { type: 'strategic', body: { spec: { containers } } as never }, { subresource: 'resize' });
const ofResize = (conditions: readonly PodCondition[] | undefined) => (conditions ?? []).filter(({ type }) => type.startsWith('PodResize')).map(({ type, reason, message }) => ({ type, ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) }));
const small = { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '200m', memory: '200Mi' } };

t.test('a running container is changed in place, and the status shows it', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'a', image: 'app:1', resources: small }, { name: 'b', image: 'app:1', resources: small }] });
  await s.rest();
  s.runtime.calls.splice(0);
  await resize(s, 'web', [{ name: 'a', resources: { requests: { cpu: '300m' }, limits: { cpu: '400m' } } }, { name: 'b', resources: { limits: { memory: '150Mi' } } }]);
  await s.rest();
  const { status, metadata } = await s.pod('web');
  t.same(s.runtime.calls, ['update b {"memoryLimitBytes":157286400}', 'update a {"cpuShares":307,"cpuQuota":40000,"cpuPeriod":100000}'], 'decreases come first, and only what differs is written');
  t.match(status?.containerStatuses, [
    { name: 'a', restartCount: 0, allocatedResources: { cpu: '300m', memory: '100Mi' }, resources: { requests: { cpu: '300m', memory: '100Mi' }, limits: { cpu: '400m', memory: '200Mi' } } },
    { name: 'b', restartCount: 0, resources: { limits: { cpu: '200m', memory: '150Mi' } } },
  ]);
  t.same([ofResize(status?.conditions), status?.observedGeneration], [[], metadata.generation]);
  t.match(s.events.filter((event) => event.includes('Resize')), [/^Normal ResizeStarted web: Pod resize started: \{/, /^Normal ResizeCompleted web: /]);
  s.restart();
  await s.rest();
  t.match((await s.pod('web')).status?.containerStatuses?.[0]?.resources, { requests: { cpu: '300m' } }, 'and after a restart of Skiff');
});

t.test('a container that asks for it is restarted', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'a', image: 'app:1', resources: small, resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }, { resourceName: 'cpu', restartPolicy: 'NotRequired' }] }] });
  await s.rest();
  s.runtime.calls.splice(0);
  await resize(s, 'web', [{ name: 'a', resources: { requests: { memory: '300Mi' }, limits: { memory: '300Mi' } } }]);
  await s.rest();
  t.same(s.runtime.calls, ['stop a 30000', 'start a/1']);
  const { status } = await s.pod('web');
  t.match(status?.containerStatuses?.[0], { restartCount: 1, ready: true, resources: { requests: { memory: '300Mi' } } });
  t.same(ofResize(status?.conditions), []);
});

t.test('what does not fit waits until there is room', async (t) => {
  const s = await scene(t);
  const big = { requests: { cpu: '3' }, limits: { cpu: '4' } };
  await s.create('other', { containers: [{ name: 'o', image: 'app:1', resources: big }] });
  await s.create('web', { containers: [{ name: 'a', image: 'app:1', resources: small }] });
  await s.rest();
  await resize(s, 'web', [{ name: 'a', resources: { requests: { cpu: '2' }, limits: { cpu: '2' } } }]);
  await s.rest();
  let { status } = await s.pod('web');
  t.match(ofResize(status?.conditions), [{ type: 'PodResizePending', reason: 'Deferred', message: /requested: 2000, used: 3000, capacity: 4000$/ }]);
  t.match(status?.containerStatuses?.[0]?.allocatedResources, { cpu: '100m' });
  await s.client.delete(PODS, { namespace: 'default', name: 'other' });
  await s.rest();
  ({ status } = await s.pod('web'));
  t.same(ofResize(status?.conditions), []);
  t.match(status?.containerStatuses?.[0], { restartCount: 0, allocatedResources: { cpu: '2' }, resources: { limits: { cpu: '2' } } });
});

t.test('a pod that is resized as a whole: containers without limits of their own have the new ones', async (t) => {
  const s = await scene(t);
  await s.create('web', { resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } }, containers: [{ name: 'a', image: 'app:1' }, { name: 'b', image: 'app:1', resources: { limits: { cpu: '100m', memory: '32Mi' } } }] });
  await s.rest();
  s.runtime.calls.splice(0);
  await s.client.patch(PODS, { namespace: 'default', name: 'web' }, { type: 'strategic', body: { spec: { resources: { limits: { cpu: '300m', memory: '256Mi' } } } } as never }, { subresource: 'resize' });
  await s.rest();
  t.same(s.runtime.calls, ['update a {"cpuShares":307,"cpuQuota":30000,"cpuPeriod":100000,"memoryLimitBytes":268435456}']);
  const { status } = await s.pod('web');
  t.match(status, { resources: { limits: { cpu: '300m', memory: '256Mi' } } });
  t.same(ofResize(status?.conditions), []);
});

t.test('more than the node has in all is refused, and where there is no such node or another system', async (t) => {
  const s = await scene(t);
  await s.create('web', { containers: [{ name: 'a', image: 'app:1', resources: small }] });
  await s.rest();
  const refused = (words: string, details: object) => t.rejects(resize(s, 'web', [{ name: 'a', resources: { requests: { cpu: '9', memory: '9Gi' }, limits: { cpu: '10', memory: '10Gi' } } }]), { reason: 'Forbidden', message: `pods "web" is forbidden: ${words}`, details });
  await refused('node didn\'t have enough allocatable resources: cpu, requested: 9000, allocatable: 8000; memory, requested: 9663676416, allocatable: 8589934592', { name: 'web', kind: 'pods', causes: [{ reason: 'NodeCapacity' }] });
  await s.client.patch(NODES, { namespace: '', name: 'n1' }, { type: 'merge', body: { metadata: { labels: { 'kubernetes.io/os': 'windows' } } } });
  await refused('pod resize is only supported on linux nodes, node "n1" is "windows"', { causes: [{ reason: 'UnsupportedPlatform' }] });
  await s.client.delete(NODES, { namespace: '', name: 'n1' });
  await refused('node "n1" not found', {});
});
