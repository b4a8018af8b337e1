// One autoscaler seen through two versions: nothing is lost on the way there and back.
import t from 'tap';
import { horizontalPodAutoscaler } from '../../../internal/kinds/autoscaling/horizontalpodautoscaler.ts';
import { fromV2, toV2 } from '../../../internal/kinds/autoscaling/horizontalpodautoscaler-v1.ts';
import type { HorizontalPodAutoscalerAutoscalingV2 as Autoscaler } from '../../../internal/kinds/generated/api-types.ts';

const autoscaler: Autoscaler = {
  apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', annotations: { mine: 'x' } },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 2, maxReplicas: 9,
    behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    metrics: [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
      { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
      { type: 'Pods', pods: { metric: { name: 'hits', selector: { matchLabels: { a: 'b' } } }, target: { type: 'AverageValue', averageValue: '10' } } },
      { type: 'Object', object: { describedObject: { kind: 'Service', name: 's' }, metric: { name: 'queue' }, target: { type: 'Value', value: '5' } } },
      { type: 'External', external: { metric: { name: 'lag', selector: { matchLabels: { c: 'd' } } }, target: { type: 'AverageValue', averageValue: '3' } } },
    ],
  },
  status: { currentReplicas: 3, desiredReplicas: 4, currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 55, averageValue: '100m' } } }], conditions: [{ type: 'AbleToScale', status: 'True' }] },
};

t.test('v1 shows CPU as a field and carries the rest', async (t) => {
  const old = fromV2(autoscaler);
  t.equal(old.spec.targetCPUUtilizationPercentage, 70);
  t.match(old.status, { currentReplicas: 3, desiredReplicas: 4, currentCPUUtilizationPercentage: 55 });
  t.match(JSON.parse(old.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'] ?? ''), [
    { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } }, { type: 'Pods', pods: { metricName: 'hits', targetAverageValue: '10' } },
    { type: 'Object', object: { target: { kind: 'Service', name: 's' }, metricName: 'queue', targetValue: '5' } }, { type: 'External', external: { metricName: 'lag', metricSelector: { matchLabels: { c: 'd' } }, targetAverageValue: '3' } },
  ]);
});

t.test('and back', async (t) => {
  const back = toV2(fromV2(autoscaler));
  t.same(back.spec, autoscaler.spec);
  t.same(back.metadata, autoscaler.metadata);
  t.same(back.status?.conditions, autoscaler.status?.conditions);
});

t.test('its row', async (t) => {
  t.same(horizontalPodAutoscaler.cells?.(autoscaler, Date.parse('2026-01-01T00:01:00Z')), ['h', 'Deployment/web', 'cpu: 55%/70%, memory: <unknown>/1Gi + 3 more...', '2', 9, 3, '60s']);
});
