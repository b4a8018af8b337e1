// HorizontalPodAutoscaler, autoscaling/v2: defaults and row (upstream: pkg/apis/autoscaling). Stored in this version;
// horizontalpodautoscaler-v1.ts is the older view of it.
import { objectAge } from '../../api/age.ts';
import { copy } from '../../api/meta.ts';
import type { HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, HPAScalingRules, MetricSpec, MetricStatus } from '../generated/api-types.ts';
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './horizontalpodautoscaler-validation.ts';
import type { Cell, KindRules } from '../kind.ts';

const DEFAULT_UTILIZATION = 80;
const SHOWN_MAX = 2;

/** A metric's or its status's own part, whatever its type; the numbers are under `target` or `current`. */
interface Numbers {
  averageUtilization?: number;
  averageValue?: string;
  value?: string;
}

export const horizontalPodAutoscaler: KindRules<Autoscaler> = {
  // No policies are not the default ones.
  keepEmpty: ({ spec }) => {
    const emptied = [spec?.behavior?.scaleUp, spec?.behavior?.scaleDown].filter((rules) => rules?.policies?.length === 0);
    return emptied.length === 0 ? undefined : () => { for (const rules of emptied) if (rules !== undefined) rules.policies = []; };
  },
  applyDefaults: ({ spec }) => {
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if (spec.behavior !== undefined) {
      spec.behavior.scaleUp = { ...scaleUpRules(), ...spec.behavior.scaleUp };
      spec.behavior.scaleDown = { ...scaleDownRules(), ...spec.behavior.scaleDown };
    }
    if ((spec.metrics ?? []).length === 0) spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: DEFAULT_UTILIZATION } } }];
  },
  prepareForCreate: (draft) => { draft.status = { desiredReplicas: 0 }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { desiredReplicas: 0 }); },
  validate: (object) => validateAutoscaler(object),
  validateUpdate: (object, old) => validateAutoscalerUpdate(object, old),
  validateStatusUpdate: (object) => validateAutoscalerStatus(object),
  cells: autoscalerCells,
};

const PERIOD_SECONDS = 15;

/** By 4 pods or to the double, whichever is more. */
function scaleUpRules(): HPAScalingRules {
  return { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }, { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }] };
}

function scaleDownRules(): HPAScalingRules {
  return { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }] };
}

export function autoscalerCells(object: Autoscaler, now: number): Cell[] {
  const { spec, status, metadata } = object;
  const { kind, name } = spec.scaleTargetRef;
  return [metadata.name, `${kind}/${name}`, metricsText(spec.metrics ?? [], status?.currentMetrics ?? []), spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas), spec.maxReplicas, status?.currentReplicas ?? 0, objectAge(object, now)];
}

function metricsText(metrics: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (metrics.length === 0) return '<none>';
  const texts = metrics.map((metric, index) => metricText(metric, statuses[index]));
  return texts.length > SHOWN_MAX ? `${texts.slice(0, SHOWN_MAX).join(', ')} + ${String(texts.length - SHOWN_MAX)} more...` : texts.join(', ');
}

function metricText(metric: MetricSpec, status: MetricStatus | undefined): string {
  const part = partOf(metric) as { name?: string; target?: Numbers } | undefined;
  const current = (status === undefined ? undefined : (partOf(status) as { current?: Numbers } | undefined))?.current ?? {};
  const target = part?.target ?? {};
  const named = metric.type === 'Resource' || metric.type === 'ContainerResource' ? `${part?.name ?? ''}: ` : '';
  if (target.averageValue !== undefined) return `${named}${current.averageValue ?? '<unknown>'}/${target.averageValue}${metric.type === 'External' || metric.type === 'Object' ? ' (avg)' : ''}`;
  if (named === '') return `${current.value ?? '<unknown>'}/${target.value ?? ''}`;
  const percent = (value: number | undefined, otherwise: string): string => (value === undefined ? otherwise : `${String(value)}%`);
  return `${named}${percent(current.averageUtilization, '<unknown>')}/${percent(target.averageUtilization, '<auto>')}`;
}

function fieldOf(type: string): string {
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
}

function partOf(metric: MetricSpec | MetricStatus): unknown {
  return (metric as unknown as Record<string, unknown>)[fieldOf(metric.type)];
}
