// All pods ended without a kubelet: what stands written on containers is enough.
import t from 'tap';
import { PRIORITYCLASSES } from '../../../internal/kinds/generated/resources.ts';
import { endPods } from '../../../agents/kubelet/end-pods.ts';
import { shutdownGraceOf } from '../../../cmd/shutdown.ts';
import { createScene } from './scene.ts';

t.test('sidecars after the containers beside them, the last started first; critical pods after all others; each with its grace', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.client.create(PRIORITYCLASSES, { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'system-node-critical' }, value: 2_000_001_000 });
  const sidecar = (name: string): { name: string; image: string; restartPolicy: string } => ({ name, image: 'app:1', restartPolicy: 'Always' });
  await s.create('critical', { priorityClassName: 'system-node-critical', terminationGracePeriodSeconds: 7, containers: [{ name: 'important', image: 'app:1' }] });
  await s.create('web', { terminationGracePeriodSeconds: 20, initContainers: [sidecar('first'), sidecar('second')], containers: [{ name: 'main', image: 'app:1', lifecycle: { preStop: { exec: { command: ['say', 'goodbye'] } } } }] });
  await s.rest();
  t.same(s.runtime.running().sort(), ['first', 'important', 'main', 'second']);
  s.pods().stop();
  s.runtime.calls.length = 0;
  s.runtime.stubborn.add('second');
  const ended: string[] = [];
  const work = endPods({ runtime: s.runtime, clock: s.clock, log: s.node.log, ended: ({ config }) => ended.push(config.name) });
  await s.rest();
  t.same(s.runtime.calls, ['stop main 20000', 'stop second 20000'], 'the second takes its time');
  await s.clock.advance(20_000);
  await work;
  t.same(s.runtime.calls.slice(2), ['stop first 2000', 'stop-sandbox web', 'stop important 7000', 'stop-sandbox critical'], 'what comes after it has only a little left');
  t.same(ended, ['web', 'critical']);
});

t.test('a machine that goes down grants no more than it has', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.create('slow', { terminationGracePeriodSeconds: 3600, containers: [{ name: 'main', image: 'app:1' }] });
  await s.rest();
  s.pods().stop();
  await endPods({ runtime: s.runtime, clock: s.clock, log: s.node.log, graceMaxMs: 60_000 });
  t.ok(s.runtime.calls.includes('stop main 60000'));
  t.same([shutdownGraceOf([]), shutdownGraceOf(['shutdownGracePeriod=1m30s', 'shutdownGracePeriodCriticalPods=10s'])], [undefined, { graceMaxMs: 80_000, criticalMaxMs: 10_000 }]);
});
