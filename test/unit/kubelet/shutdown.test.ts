// The end of the machine where pods are given time for it: by priority, and told as upstream tells it.
import t from 'tap';
import { readKubeletConfiguration } from '../../../agents/kubelet/configuration/configuration.ts';
import { endForShutdown, groupOf, shutdownGroupsOf } from '../../../agents/kubelet/shutdown.ts';
import { PRIORITYCLASSES } from '../../../internal/kinds/generated/resources.ts';
import { createScene } from './scene.ts';

t.test('groups: as they are said, or of the two periods; a pod is in the highest that its priority reaches', (t) => {
  const two = shutdownGroupsOf(readKubeletConfiguration(['shutdownGracePeriod=30s', 'shutdownGracePeriodCriticalPods=10s']));
  t.same(two, [{ priority: 0, graceMs: 20_000 }, { priority: 2_000_000_000, graceMs: 10_000 }]);
  t.same([-5, 0, 1_999_999_999, 2_000_000_000, 2_000_001_000].map((priority) => groupOf(two, priority)), [0, 0, 0, 1, 1]);
  t.same(shutdownGroupsOf(readKubeletConfiguration([])), []);
  const settings = { ...readKubeletConfiguration([]), shutdownGracePeriodByPodPriority: [{ priority: 1000, shutdownGracePeriodSeconds: 5 }, { priority: 0, shutdownGracePeriodSeconds: 60 }] };
  t.same(shutdownGroupsOf(settings), [{ priority: 0, graceMs: 60_000 }, { priority: 1000, graceMs: 5000 }]);
  t.throws(() => readKubeletConfiguration(['shutdownGracePeriodByPodPriority=1']), /must be a list of priority and shutdownGracePeriodSeconds/);
  t.end();
});

t.test('the lower group first; Failed, with upstream\'s words; none is taken on any more', async (t) => {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.create('plain', { containers: [{ name: 'a', image: 'app:1' }] });
  await s.client.create(PRIORITYCLASSES, { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 5000 });
  await s.create('high', { priorityClassName: 'high', containers: [{ name: 'b', image: 'app:1' }] });
  await s.rest();
  s.runtime.calls.splice(0);
  let over = false;
  const ending = endForShutdown(s.pods(), [{ priority: 0, graceMs: 20_000 }, { priority: 1000, graceMs: 10_000 }], s.clock).then(() => void (over = true));
  for (let at = 0; at < 500 && !over; at++) {
    await s.rest();
    await s.clock.advance(100);
  }
  await ending;
  const { status } = await s.pod('plain');
  t.match(status, { phase: 'Failed', reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' });
  t.match(status?.conditions?.find(({ type }) => type === 'DisruptionTarget'), { status: 'True', reason: 'TerminationByKubelet', message: 'Pod was terminated in response to imminent node shutdown.' });
  t.equal((await s.pod('high')).status?.phase, 'Failed');
  t.same(s.runtime.calls.filter((call) => call.startsWith('stop ')), ['stop a 20000', 'stop b 10000'], 'each with its group\'s time at most');
  await s.create('late', { containers: [{ name: 'c', image: 'app:1' }] });
  await s.rest();
  t.match((await s.pod('late')).status, { phase: 'Failed', reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' });
});
