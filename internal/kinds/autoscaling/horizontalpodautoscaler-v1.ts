// HorizontalPodAutoscaler, autoscaling/v1: CPU utilization is a field of its own; everything v2 knows beyond that is carried in annotations
// in the shape of old, so that an object that is read and written here loses nothing (upstream: pkg/apis/autoscaling/v1/conversion.go).
import { copy, type KubeObject } from '../../api/meta.ts';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, MetricSpec, MetricStatus } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './horizontalpodautoscaler-validation.ts';
import { autoscalerCells } from './horizontalpodautoscaler.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const CARRIED = ['metrics', 'current-metrics', 'conditions', 'behavior'].map((name) => `${PREFIX}${name}`);

const CPU_PERCENT = 80;

type Flat = Record<string, unknown>;

export const horizontalPodAutoscalerV1: KindRules<HorizontalPodAutoscaler> = {
  storage: { group: 'autoscaling', resource: 'horizontalpodautoscalers', encode: toV2, decode: fromV2 },
  applyDefaults: ({ spec, metadata }) => {
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if (metadata.annotations?.[`${PREFIX}metrics`] === undefined) spec.targetCPUUtilizationPercentage ??= CPU_PERCENT;
  },
  prepareForCreate: (draft) => { draft.status = { currentReplicas: 0, desiredReplicas: 0 }; },
  prepareForUpdate: (draft, old) => { draft.status = copy(old.status ?? { currentReplicas: 0, desiredReplicas: 0 }); },
  validate: (object) => validateAutoscaler(toV2(object)),
  validateUpdate: (object, old) => validateAutoscalerUpdate(toV2(object), toV2(old)),
  validateStatusUpdate: (object) => validateAutoscalerStatus(toV2(object)),
  cells: (object, now) => autoscalerCells(toV2(object), now),
};

export function toV2(object: HorizontalPodAutoscaler): Autoscaler {
  const { spec, status, metadata } = copy(object);
  const { targetCPUUtilizationPercentage: target, ...common } = spec;
  const { currentCPUUtilizationPercentage: current, ...counts } = status ?? { desiredReplicas: 0 };
  const carried = (name: string): unknown => read(metadata.annotations?.[`${PREFIX}${name}`]);
  const metrics = ((carried('metrics') as Flat[] | undefined) ?? []).map((flat) => nested(flat, 'target') as unknown as MetricSpec);
  const statuses = ((carried('current-metrics') as Flat[] | undefined) ?? []).map((flat) => nested(flat, 'current') as unknown as MetricStatus);
  if (target !== undefined) metrics.unshift({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } } });
  if (current !== undefined) statuses.unshift({ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } });
  const [behavior, conditions] = [carried('behavior'), carried('conditions')];
  const annotations = Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !CARRIED.includes(name)));
  const { annotations: _old, ...rest } = metadata;
  return {
    apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler',
    metadata: { ...rest, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...common, ...(metrics.length > 0 && { metrics }), ...(behavior !== undefined && { behavior }) } as Autoscaler['spec'],
    ...(status !== undefined && { status: { ...counts, ...(statuses.length > 0 && { currentMetrics: statuses }), ...(conditions !== undefined && { conditions }) } as NonNullable<Autoscaler['status']> }),
  };
}

export function fromV2(stored: KubeObject): HorizontalPodAutoscaler {
  const { metadata, spec, status } = copy(stored as Autoscaler);
  const { metrics = [], behavior, ...common } = spec;
  const { currentMetrics = [], conditions, ...counts } = status ?? { desiredReplicas: 0 };
  const cpu = metrics.find(({ resource }) => resource?.name === 'cpu' && resource.target.averageUtilization !== undefined);
  const currentCpu = currentMetrics.find(({ resource }) => resource?.name === 'cpu' && resource.current.averageUtilization !== undefined);
  const carried: Record<string, unknown> = {
    metrics: listed(metrics.filter((metric) => metric !== cpu).map((metric) => flat(metric, 'target'))),
    'current-metrics': listed(currentMetrics.filter((metric) => metric !== currentCpu).map((metric) => flat(metric, 'current'))),
    conditions, behavior,
  };
  const annotations = { ...metadata.annotations, ...Object.fromEntries(Object.entries(carried).filter(([, value]) => value !== undefined).map(([name, value]) => [`${PREFIX}${name}`, JSON.stringify(value)])) };
  const [target, current] = [cpu?.resource?.target.averageUtilization, currentCpu?.resource?.current.averageUtilization];
  return {
    apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler',
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...common, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    ...(status !== undefined && { status: { currentReplicas: 0, ...counts, ...(current !== undefined && { currentCPUUtilizationPercentage: current }) } }),
  };
}

/** v2: `{ metric: { name, selector }, describedObject, target: { averageValue, … } }`; of old: `{ metricName, metricSelector, target, targetAverageValue, … }`. */
function flat(metric: MetricSpec | MetricStatus, numbers: 'target' | 'current'): Flat {
  const { field, part } = partOf(metric as unknown as Flat);
  const { metric: identity, describedObject, [numbers]: values, ...rest } = part as { metric?: { name?: string; selector?: unknown }; describedObject?: unknown } & Flat;
  const { type: _type, value, averageValue, averageUtilization } = (values ?? {}) as Flat;
  const selector = field === 'external' ? 'metricSelector' : 'selector';
  const plainAverage = field === 'object' ? 'averageValue' : `${numbers}AverageValue`;
  return { type: metric.type, [field]: dropEmpty({ ...rest, metricName: identity?.name, [selector]: identity?.selector, target: describedObject, [`${numbers}Value`]: value, [plainAverage]: averageValue, [`${numbers}AverageUtilization`]: averageUtilization }) };
}

function nested(metric: Flat, numbers: 'target' | 'current'): Flat {
  const { field, part } = partOf(metric);
  const { metricName, metricSelector, selector, target, averageValue, [`${numbers}Value`]: value, [`${numbers}AverageValue`]: plainAverage, [`${numbers}AverageUtilization`]: averageUtilization, ...rest } = part;
  const average = averageValue ?? plainAverage;
  const type = averageUtilization !== undefined ? 'Utilization' : average !== undefined ? 'AverageValue' : 'Value';
  const identity = metricName === undefined ? undefined : dropEmpty({ name: metricName, selector: metricSelector ?? selector });
  return { type: metric.type, [field]: dropEmpty({ ...rest, metric: identity, describedObject: target, [numbers]: dropEmpty({ ...(numbers === 'target' && { type }), value, averageValue: average, averageUtilization }) }) };
}

function partOf(metric: Flat): { field: string; part: Flat } {
  const type = String(metric.type);
  const field = `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  return { field, part: (metric[field] ?? {}) as Flat };
}

function dropEmpty(object: Flat): Flat {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function listed(list: Flat[]): Flat[] | undefined {
  return list.length === 0 ? undefined : list;
}

// An annotation that someone has spoilt is as good as none.
function read(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
