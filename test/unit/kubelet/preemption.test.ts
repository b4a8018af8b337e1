// Critical pods that find no room: whom they end for it, and what is told.
import t, { type Test } from 'tap';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { PRIORITYCLASSES } from '../../../internal/kinds/generated/resources.ts';
import { preempt } from '../../../agents/kubelet/steps/preemption.ts';
import { shortfallsOf } from '../../../agents/kubelet/steps/room.ts';
import { createScene, type Scene } from './scene.ts';

const CRITICAL = 2_000_000_000;
const asking = (name: string, requests: Record<string, string>, { limits, priority = 0 }: { limits?: Record<string, string>; priority?: number } = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, uid: name }, spec: { priority, containers: [{ name: 'c', image: 'app:1', resources: { requests, ...(limits !== undefined && { limits }) } }] }, status: {},
} as unknown as Pod);
const guaranteed = (name: string, requests: Record<string, string>, priority = 0): Pod => asking(name, requests, { limits: requests, priority });
const NODE = { cpu: '4', memory: '8Gi', pods: '10', 'ephemeral-storage': '1Gi' };

function victims(pod: Pod, others: readonly Pod[], node: Record<string, string> = NODE): string[] | string | undefined {
  const answer = preempt(pod, others, shortfallsOf(pod, others, node));
  return answer?.preempts?.victims.map(({ metadata }) => metadata.name) ?? answer?.message;
}

t.test('as few as will do, of the lowest class, the smaller of two that do', (t) => {
  const big = asking('big', { cpu: '2' }, { priority: CRITICAL });
  t.same(victims(big, [asking('a', { cpu: '1' })]), undefined, 'there is room');
  t.same(victims(big, [asking('a', { cpu: '1' }), asking('b', { cpu: '2' }), asking('c', { cpu: '1' })]), ['b'], 'one that is enough rather than two');
  t.same(victims(big, [asking('a', { cpu: '2', memory: '2Gi' }), asking('b', { cpu: '2', memory: '1Gi' })]), ['b'], 'less memory goes');
  t.same(victims(big, [guaranteed('g', { cpu: '2', memory: '1Gi' }), asking('b', { cpu: '2', memory: '4Gi' })]), ['b'], 'burstable before guaranteed');
  t.same(victims(big, [guaranteed('g', { cpu: '3', memory: '1Gi' }), asking('b', { cpu: '500m' })]), ['g'], 'what does not help stays');
  t.same(victims(big, [asking('a', { cpu: '1' }), asking('b', { cpu: '1' }), asking('c', { cpu: '1' }), guaranteed('g', { cpu: '1', memory: '1Mi' })])?.length, 2);
  t.same(victims(asking('one-more', {}, { priority: CRITICAL }), [asking('idle', {}), asking('busy', { cpu: '1' })], { ...NODE, pods: '2' }), ['idle'], 'places for pods are a resource too, and best-effort pods have those');
  t.end();
});

t.test('what is critical stays, unless the other is more so', (t) => {
  const big = asking('big', { cpu: '1000' }, { priority: CRITICAL });
  const none = (open: string): string => `Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${open}]`;
  t.same(victims(big, [asking('a', { cpu: '1' })]), none('(res: cpu, q: 996000), '));
  const two = asking('two', { cpu: '2' }, { priority: CRITICAL });
  t.same(victims(two, [asking('peer', { cpu: '3' }, { priority: CRITICAL })]), none('(res: cpu, q: 1000), '));
  t.same(victims({ ...two, spec: { ...two.spec, priority: CRITICAL + 1000 } }, [asking('peer', { cpu: '3' }, { priority: CRITICAL })]), ['peer']);
  t.end();
});

async function scene(t: Test): Promise<Scene> {
  const s = await createScene();
  t.teardown(() => s.stop());
  await s.client.create(PRIORITYCLASSES, { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'system-node-critical' }, value: CRITICAL + 1000 });
  return s;
}

const cpu = (amount: string) => ({ containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu: amount } } }] });
const critical = (amount: string) => ({ ...cpu(amount), priorityClassName: 'system-node-critical' });

async function untilRunning(s: Scene, name: string): Promise<void> {
  for (await s.rest(); (await s.pod(name)).status?.phase !== 'Running'; await s.rest()) await s.clock.runNext();
}

t.test('the critical pod begins when the other has ended, which is told why', async (t) => {
  const s = await scene(t);
  s.runtime.stubborn.add('c');
  await s.create('low', { ...cpu('3'), terminationGracePeriodSeconds: 20 });
  await s.rest();
  await s.create('high', critical('2'));
  await s.rest();
  t.same(s.events.filter((event) => /Preempting|OutOf/.test(event)), ['Warning Preempting low: Preempted in order to admit critical pod']);
  t.same(s.runtime.calls.filter((call) => /^(stop|run-sandbox) ?/.test(call)), ['run-sandbox low/0', 'stop c 20000'], 'with its own grace, and nothing of the critical one before it has ended');
  await s.create('late', cpu('1'));
  await s.create('later', cpu('2'));
  await s.rest();
  t.match([(await s.pod('late')).status?.phase, (await s.pod('later')).status?.reason], ['Running', 'OutOfcpu'], 'others find it there already');
  const told = s.events.length;
  await untilRunning(s, 'high');
  t.notOk(s.events.slice(told).some((event) => event.includes('ExceededGracePeriod')));
  t.match((await s.pod('low')).status, { phase: 'Failed', reason: 'Preempting', message: 'Preempted in order to admit critical pod' });
  t.match((await s.pod('low')).status?.conditions?.find(({ type }) => type === 'DisruptionTarget'), { status: 'True', reason: 'TerminationByKubelet', message: 'Pod was preempted by Kubelet to accommodate a critical pod.' });
  t.match(s.node.counts.text(), 'kubelet_preemptions{preemption_signal="cpu"} 1');
});

t.test('not when it may not come here anyway; and without end it is not waited for', async (t) => {
  const s = await scene(t);
  s.runtime.stopContainer = () => new Promise(() => {});
  await s.create('low', { ...cpu('3'), terminationGracePeriodSeconds: 2 });
  await s.rest();
  await s.create('impossible', critical('5'));
  await s.rest();
  t.match((await s.pod('impossible')).status, { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: /^Pod was rejected: Unexpected error while attempting to recover from admission failure: preemption: .*\[\(res: cpu, q: 1000\), \]$/ });
  t.same(s.runtime.running(), ['c']);
  await s.create('high', critical('2'));
  await s.rest();
  t.same((await s.pod('high')).status?.phase, 'Pending');
  await untilRunning(s, 'high');
  t.ok(s.events.includes('Warning ExceededGracePeriod low: Container runtime did not kill the pod within specified grace period.'));
});
