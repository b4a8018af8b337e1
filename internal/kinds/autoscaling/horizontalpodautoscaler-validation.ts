// Validation of HorizontalPodAutoscalers in the shape of autoscaling/v2 (upstream: pkg/apis/autoscaling/validation).
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { parseApiVersion } from '../../api/meta.ts';
import { dnsLabelProblems, pathSegmentProblems } from '../../api/names.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { CrossVersionObjectReferenceAutoscalingV2 as Reference, HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, HPAScalingPolicy, HPAScalingRules, MetricSpec, MetricTarget } from '../generated/api-types.ts';
import { nonNegative } from '../numbers.ts';
import { containerResourceNameProblems } from '../resource-names.ts';

const METRIC_TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const SOURCES = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
const SELECT_POLICIES = ['Disabled', 'Max', 'Min'];
const WINDOW_SECONDS_MAX = 3600;
const PERIOD_SECONDS_MAX = 1800;
const SCALED = 'spec.scaleTargetRef';

export function validateAutoscaler({ spec, metadata }: Autoscaler): FieldError[] {
  const { scaleTargetRef: target, minReplicas, maxReplicas = 0, metrics = [], behavior } = spec as Partial<Autoscaler['spec']>;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1) errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 0) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  errors.push(...validateReference(target, SCALED));
  // What was never stored has no resourceVersion; of what was, only a change is judged.
  if (!metadata.resourceVersion) errors.push(...validateTargetVersion(target));
  metrics.forEach((metric, index) => errors.push(...validateMetric(metric, `spec.metrics[${String(index)}]`)));
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) errors.push(forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas'));
  return [...errors, ...validateRules(behavior?.scaleUp, 'spec.behavior.scaleUp'), ...validateRules(behavior?.scaleDown, 'spec.behavior.scaleDown')];
}

export function validateAutoscalerUpdate({ spec: { scaleTargetRef: target } }: Autoscaler, { spec: { scaleTargetRef: old } }: Autoscaler): FieldError[] {
  return target?.apiVersion === old?.apiVersion && target?.kind === old?.kind ? [] : validateTargetVersion(target);
}

export function validateAutoscalerStatus({ status }: Autoscaler): FieldError[] {
  return [...nonNegative(status?.currentReplicas, 'status.currentReplicas'), ...nonNegative(status?.desiredReplicas, 'status.desiredReplicas')];
}

function validateReference(reference: Partial<Reference> = {}, path: string): FieldError[] {
  return (['kind', 'name'] as const).flatMap((field) => {
    const value = reference[field];
    return value ? pathSegmentProblems(value, false).map((problem) => invalid(`${path}.${field}`, value, problem)) : [required(`${path}.${field}`)];
  });
}

/** Only ReplicationControllers are of the group without a name. */
function validateTargetVersion({ apiVersion = '', kind }: Partial<Reference> = {}): FieldError[] {
  const path = `${SCALED}.apiVersion`;
  if (apiVersion.split('/').length > 2) return [invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  return kind === 'ReplicationController' || parseApiVersion(apiVersion).group !== '' ? [] : [invalid(path, apiVersion, 'apiVersion must specify API group')];
}

function validateMetric(metric: MetricSpec, path: string): FieldError[] {
  const { type = '' } = metric as Partial<MetricSpec>;
  const unknown = METRIC_TYPES.includes(type) ? [] : [notSupported(`${path}.type`, type, METRIC_TYPES)];
  const present = SOURCES.filter((source) => metric[source] !== undefined);
  const own = `${type.charAt(0).toLowerCase()}${type.slice(1)}` as (typeof SOURCES)[number];
  const [first] = present;
  const errors = [...(type === '' ? [required(`${path}.type`, 'must specify a metric source type')] : []), ...unknown, ...(first === undefined ? [] : validateSource(metric, first, `${path}.${first}`)), ...unknown];
  if (unknown.length === 0 && metric[own] === undefined) errors.push(required(`${path}.${own}`, 'must populate information for the given metric source'));
  if (present.length > 1) errors.push(...present.filter((source) => source !== own).map((source) => forbidden(`${path}.${source}`, 'must populate the given metric source only')));
  return errors;
}

function validateSource(metric: MetricSpec, source: (typeof SOURCES)[number], path: string): FieldError[] {
  const { target = {} } = metric[source] as { target?: Partial<MetricTarget> };
  switch (source) {
    case 'object': return [...validateReference(metric.object?.describedObject, `${path}.describedObject`), ...validateIdentity(metric.object, path), ...validateTarget(target, `${path}.target`), ...someValue(target, `${path}.target`, 'must set either a target value or averageValue')];
    case 'external': return [...validateIdentity(metric.external, path), ...validateTarget(target, `${path}.target`), ...someValue(target, `${path}.target`, 'must set either a target value for metric or a per-pod target'), ...notBoth(target, `${path}.target.value`)];
    case 'pods': return [...validateIdentity(metric.pods, path), ...validateTarget(target, `${path}.target`), ...(target.averageValue === undefined ? [required(`${path}.target.averageValue`, 'must specify a positive target averageValue')] : [])];
    case 'resource': case 'containerResource': return [...validateResource(metric[source] ?? {}, path, source === 'containerResource'), ...validateTarget(target, `${path}.target`), ...utilization(target, `${path}.target`)];
  }
}

function validateIdentity(source: { metric?: { name?: string } } | undefined, path: string): FieldError[] {
  const name = source?.metric?.name ?? '';
  return name === '' ? [required(`${path}.metric.name`, 'must specify a metric name')] : pathSegmentProblems(name, false).map((problem) => invalid(`${path}.metric.name`, name, problem));
}

function validateResource({ name, container }: { name?: string; container?: string }, path: string, inContainer: boolean): FieldError[] {
  const errors = name ? (inContainer ? containerResourceNameProblems(name, `${path}.name`) : []) : [required(`${path}.name`, 'must specify a resource name')];
  if (!inContainer) return errors;
  if (!container) return [...errors, required(`${path}.container`, 'must specify a container')];
  return [...errors, ...dnsLabelProblems(container).map((problem) => invalid(`${path}.container`, container, problem))];
}

function validateTarget({ type = '', value, averageValue, averageUtilization: percent }: Partial<MetricTarget>, path: string): FieldError[] {
  const errors = type === '' ? [required(`${path}.type`, 'must specify a metric target type')] : [];
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) errors.push(invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  if (value !== undefined && compareQuantities(value, '0') <= 0) errors.push(invalid(`${path}.value`, value, 'must be positive'));
  if (averageValue !== undefined && compareQuantities(averageValue, '0') <= 0) errors.push(invalid(`${path}.averageValue`, averageValue, 'must be positive'));
  if (percent !== undefined && percent < 1) errors.push(invalid(`${path}.averageUtilization`, percent, 'must be greater than 0'));
  return errors;
}

function someValue({ value, averageValue }: Partial<MetricTarget>, path: string, detail: string): FieldError[] {
  return value === undefined && averageValue === undefined ? [required(`${path}.averageValue`, detail)] : [];
}

function notBoth({ value, averageValue }: Partial<MetricTarget>, path: string): FieldError[] {
  return value !== undefined && averageValue !== undefined ? [forbidden(path, 'may not set both a target value for metric and a per-pod target')] : [];
}

function utilization({ averageUtilization, averageValue }: Partial<MetricTarget>, path: string): FieldError[] {
  if (averageUtilization === undefined && averageValue === undefined) return [required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')];
  return averageUtilization !== undefined && averageValue !== undefined ? [forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')] : [];
}

function validateRules(rules: HPAScalingRules | undefined, path: string): FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = rules;
  const errors: FieldError[] = [];
  if (window < 0) errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  if (window > WINDOW_SECONDS_MAX) errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${String(WINDOW_SECONDS_MAX)}`));
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, SELECT_POLICIES));
  if (policies.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  policies.forEach((policy, index) => errors.push(...validatePolicy(policy, `${path}.policies[${String(index)}]`)));
  if (tolerance !== undefined && compareQuantities(tolerance, '0') < 0) errors.push(invalid(`${path}.tolerance`, tolerance, 'must be greater than or equal to 0'));
  return errors;
}

function validatePolicy(policy: Partial<HPAScalingPolicy>, path: string): FieldError[] {
  const { type = '', value = 0, periodSeconds = 0 } = policy;
  const errors = type === 'Pods' || type === 'Percent' ? [] : [notSupported(`${path}.type`, type, ['Percent', 'Pods'])];
  if (value <= 0) errors.push(invalid(`${path}.value`, value, 'must be greater than zero'));
  if (periodSeconds <= 0) errors.push(invalid(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero'));
  if (periodSeconds > PERIOD_SECONDS_MAX) errors.push(invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${String(PERIOD_SECONDS_MAX)}`));
  return errors;
}
