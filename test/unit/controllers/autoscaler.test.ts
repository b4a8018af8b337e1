// How many replicas, and how fast: tables of values.
import t from 'tap';
import type { HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { limit, newHistory, noteChange } from '../../../internal/controllers/autoscaling/limits.ts';
import { sizeByPods, sizeByTotal, type Target } from '../../../internal/controllers/autoscaling/replicas.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const OLD = '2026-01-01T11:00:00Z';
const pod = (name: string, { phase = 'Running', ready = 'True', startTime = OLD, deletionTimestamp = undefined as string | undefined } = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, ...(deletionTimestamp !== undefined && { deletionTimestamp }) }, spec: { containers: [] }, status: { phase, startTime, conditions: [{ type: 'Ready', status: ready, lastTransitionTime: startTime }] },
}) as unknown as Pod;
const used = (values: Record<string, number>): Map<string, { value: number; at: number; windowMs: number }> => new Map(Object.entries(values).map(([name, value]) => [name, { value, at: NOW, windowMs: 30_000 }]));
const half: Target = { utilization: 50, requests: new Map(['a', 'b', 'c'].map((name) => [name, 1000])) };
const tolerances = { down: 0.1, up: 0.1 };

t.test('by what pods use', async (t) => {
  const cases: [title: string, pods: Pod[], values: Record<string, number>, target: Target, expected: number][] = [
    ['above: more', [pod('a'), pod('b')], { a: 1000, b: 1000 }, half, 4],
    ['below: fewer', [pod('a'), pod('b')], { a: 100, b: 100 }, half, 1],
    ['within a tenth: as it is', [pod('a'), pod('b')], { a: 540, b: 540 }, half, 2],
    ['by value', [pod('a'), pod('b')], { a: 300, b: 500 }, { averageValue: 100 }, 8],
    ['one that says nothing is taken for idle on the way up', [pod('a'), pod('b')], { a: 1500 }, half, 3],
    ['and for full on the way down', [pod('a'), pod('b'), pod('c')], { a: 100, b: 100 }, half, 3],
    ['one that starts does not count', [pod('a'), pod('b', { phase: 'Pending' })], { a: 1000 }, half, 2],
    ['nor does its CPU before it is ready', [pod('a'), pod('b', { ready: 'False', startTime: '2026-01-01T11:59:00Z' })], { a: 100, b: 900 }, half, 1],
    ['one that goes does not count', [pod('a'), pod('b', { deletionTimestamp: OLD })], { a: 1000, b: 0 }, half, 2],
  ];
  for (const [title, pods, values, target, expected] of cases) t.equal(sizeByPods({ currentReplicas: pods.length, pods, metrics: used(values), isCpu: true, tolerances, now: NOW }, target).replicas, expected, title);
  t.throws(() => sizeByPods({ currentReplicas: 1, pods: [], metrics: used({}), isCpu: true, tolerances, now: NOW }, half), { message: 'no pods returned by selector while calculating replica count' });
  t.throws(() => sizeByPods({ currentReplicas: 1, pods: [pod('a')], metrics: used({}), isCpu: true, tolerances, now: NOW }, half), { message: 'did not receive metrics for targeted pods (pods might be unready)' });
  t.match(sizeByPods({ currentReplicas: 1, pods: [pod('a')], metrics: used({ a: 705 }), isCpu: true, tolerances, now: NOW }, half), { utilization: 70, average: 705 });
  t.equal(sizeByTotal(10_000, { value: 4000 }, { currentReplicas: 2, statusReplicas: 2, pods: [pod('a'), pod('b')], tolerances }).replicas, 5);
  t.equal(sizeByTotal(10_000, { averageValue: 2000 }, { currentReplicas: 2, statusReplicas: 2, pods: [], tolerances }).replicas, 5);
});

t.test('how fast', async (t) => {
  const autoscaler = (behavior?: object): Autoscaler => ({ spec: { ...(behavior !== undefined && { behavior }) } }) as Autoscaler;
  const after = (seconds: number): number => NOW + seconds * 1000;
  const wish = (current: number, desired: number, max = 100): { current: number; desired: number; min: number; max: number } => ({ current, desired, min: 1, max });

  const plain = newHistory(5, NOW);
  t.match(limit(autoscaler(), wish(5, 30), plain, after(15)), { replicas: 10, limited: { status: 'True', reason: 'ScaleUpLimit' } }, 'twice as many at most');
  t.match(limit(autoscaler(), wish(10, 2), plain, after(30)), { replicas: 20, able: { reason: 'ScaleDownStabilized' } }, 'the highest of five minutes');
  t.match(limit(autoscaler(), wish(10, 2), plain, after(400)), { replicas: 2, able: { reason: 'ReadyForNewScale' }, limited: { status: 'False', reason: 'DesiredWithinRange' } });
  t.match(limit(autoscaler(), wish(2, 9, 3), newHistory(2, NOW), after(15)), { replicas: 3, limited: { reason: 'TooManyReplicas' } });

  const slow = autoscaler({ scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }, scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }] } });
  const history = newHistory(2, NOW);
  t.match(limit(slow, wish(2, 9), history, after(15)), { replicas: 4, limited: { status: 'True', reason: 'ScaleUpLimit' } }, 'two pods a minute');
  noteChange(slow, history, { from: 2, to: 4, now: after(15) });
  t.match(limit(slow, wish(4, 9), history, after(30)), { replicas: 4 }, 'the minute is not over');
  t.match(limit(slow, wish(4, 9), history, after(76)), { replicas: 6 });
  t.match(limit(slow, wish(9, 1), newHistory(9, NOW), after(500)), { replicas: 4, limited: { reason: 'ScaleDownLimit' } }, 'half of them a minute');
  t.match(limit(autoscaler({ scaleDown: { selectPolicy: 'Disabled' } }), wish(9, 1), newHistory(1, NOW - 900_000), NOW), { replicas: 9 }, 'never down');
  const patient = autoscaler({ scaleUp: { stabilizationWindowSeconds: 120 } });
  const steady = newHistory(2, NOW);
  t.match(limit(patient, wish(2, 6), steady, after(15)), { replicas: 2, able: { reason: 'ScaleUpStabilized' } }, 'the lowest of two minutes');
});
