// What a pod as a whole is granted, as its status tells it, and what its containers get of it.
import t from 'tap';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { RUNTIMECLASSES } from '../../../internal/kinds/generated/resources.ts';
import { containerLimits, limitsWithin, oomScoreAdjust } from '../../../agents/kubelet/cgroups/pod-resources.ts';
import { createScene } from './scene.ts';

const GIB = 2 ** 30;

t.test('status: allocated resources of the pod, and the limits that hold for all of it', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.create('both', { containers: [{ name: 'a', image: 'app:1', resources: { requests: { cpu: '100m', memory: '32Mi' }, limits: { cpu: '200m' } } }, { name: 'b', image: 'app:1', resources: { limits: { cpu: '50m', memory: '1Gi' } } }] });
  await s.create('whole', { resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } }, containers: [{ name: 'a', image: 'app:1' }] });
  await s.create('none', { containers: [{ name: 'a', image: 'app:1' }] });
  await s.rest();
  const shown = async (name: string): Promise<unknown> => {
    const { resources, allocatedResources } = (await s.pod(name)).status ?? {};
    return [resources, allocatedResources];
  };
  t.same(await shown('both'), [{ limits: { cpu: '250m' }, requests: { cpu: '150m', memory: '1056Mi' } }, { cpu: '150m', memory: '1056Mi' }]);
  t.same(await shown('whole'), [{ limits: { cpu: '200m', memory: '128Mi' }, requests: { cpu: '100m', memory: '64Mi' } }, { cpu: '100m', memory: '64Mi' }]);
  t.same(await shown('none'), [{}, undefined]);
});

t.test('a container without limits has those of its pod; the kernel spares it by its share of what the pod asks for', (t) => {
  const pod = { metadata: { name: 'a', uid: 'u' }, spec: { resources: { requests: { memory: '1Gi' }, limits: { cpu: '1', memory: '2Gi' } }, containers: [{ name: 'a' }, { name: 'b', resources: { requests: { memory: '512Mi' }, limits: { memory: '512Mi' } } }] } } as unknown as Pod;
  const [a, b] = pod.spec.containers;
  t.match(containerLimits(limitsWithin(pod, a?.resources)), { cpuQuota: 100_000, memoryLimitBytes: 2 * GIB });
  t.match(containerLimits(limitsWithin(pod, b?.resources)), { cpuQuota: 100_000, memoryLimitBytes: GIB / 2 });
  t.same([a, b].map((container) => oomScoreAdjust(pod, container as never, 4 * GIB)), [938, 813]);
  const sidecar = { metadata: { name: 'a', uid: 'u' }, spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }], containers: [{ name: 'a', resources: { requests: { memory: '1Gi' } } }] } } as unknown as Pod;
  t.equal(oomScoreAdjust(sidecar, { name: 's' } as never, 4 * GIB), 750, 'a sidecar as those that it serves');
  t.end();
});

t.test('a RuntimeClass decides by its handler', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.client.create(RUNTIMECLASSES, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'strong' }, handler: 'kata' });
  await s.create('web', { runtimeClassName: 'strong', containers: [{ name: 'a', image: 'app:1' }] });
  await s.rest();
  t.equal(s.runtime.listSandboxes()[0]?.config.runtimeHandler, 'kata');
});
