// One metric's proposal: what it measures now, and how many replicas that asks for.
import { messageOf } from '../../base/errors.ts';
import { canonicalQuantity, quantityMilliValue } from '../../api/quantity.ts';
import { selectorOf } from '../../api/selectors.ts';
import type { HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, LabelSelector, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus, Pod } from '../../kinds/generated/api-types.ts';
import type { Kinds } from '../../kinds/index.ts';
import type { AutoscalerMetrics } from './metrics.ts';
import { requestsOf, sizeByPods, sizeByTotal, type Sized, type Sizing, type Tolerances } from './replicas.ts';

export interface Proposal {
  replicas: number;
  /** As events and conditions name it. */
  name: string;
  status: MetricStatus;
}

export interface ProposalContext {
  autoscaler: Autoscaler;
  metrics: AutoscalerMetrics;
  kinds: Kinds;
  /** Of the scale that is asked for. */
  specReplicas: number;
  statusReplicas: number;
  selector: string;
  pods: readonly Pod[];
  now: number;
}

/** Why a metric proposes nothing; `reason` is the condition's and the event's. */
export class MetricError extends Error {
  override readonly name = 'MetricError';
  readonly reason: string;
  /** What the condition says; the message has what it was about before it. */
  readonly detail: string;

  constructor(reason: string, about: string, detail: string) {
    super(`${about}${detail}`);
    this.reason = reason;
    this.detail = detail;
  }
}

const TOLERANCE = 0.1;

export async function proposalOf(spec: MetricSpec, context: ProposalContext): Promise<Proposal> {
  const [reason, about] = failureOf(spec);
  try {
    if (spec.resource !== undefined) return await byResource(spec.resource, undefined, context);
    if (spec.containerResource !== undefined) return await byResource(spec.containerResource, spec.containerResource.container, context);
    if (spec.pods !== undefined) return await byPods(spec.pods, context);
    if (spec.object !== undefined) return await byObject(spec.object, context);
    if (spec.external !== undefined) return await byExternal(spec.external, context);
  } catch (error) {
    throw new MetricError(reason, about, messageOf(error));
  }
  throw new MetricError('InvalidMetricSourceType', '', `unknown metric source type ${JSON.stringify(spec.type)}`);
}

function failureOf(spec: MetricSpec): [reason: string, about: string] {
  switch (spec.type) {
    case 'Resource': return ['FailedGetResourceMetric', `failed to get ${spec.resource?.name ?? ''} resource metric value: `];
    case 'ContainerResource': return ['FailedGetContainerResourceMetric', `failed to get ${spec.containerResource?.container ?? ''} container metric value: `];
    case 'Pods': return ['FailedGetPodsMetric', 'failed to get pods metric value: '];
    case 'Object': return ['FailedGetObjectMetric', 'failed to get object metric value: '];
    default: return ['FailedGetExternalMetric', `failed to get ${spec.external?.metric.name ?? ''} external metric value: `];
  }
}

async function byResource({ name, target }: { name: string; target: MetricTarget }, container: string | undefined, context: ProposalContext): Promise<Proposal> {
  const { autoscaler: { metadata }, metrics, pods, selector } = context;
  const isByValue = target.averageValue !== undefined;
  if (!isByValue && target.averageUtilization === undefined) throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set');
  const failing = (why: string): Error => new Error(`failed to get ${name} ${isByValue ? 'usage' : 'utilization'}: ${why}`);
  const found = await metrics.resource(name, { namespace: metadata.namespace ?? '', selector, found: pods }, container)
    .catch((error: unknown) => Promise.reject(failing(`unable to get metrics for resource ${name}: ${messageOf(error)}`)));
  let sized: Sized;
  try {
    const sizing = sizingOf(context, found, name === 'cpu');
    sized = sizeByPods(sizing, target.averageValue !== undefined ? { averageValue: quantityMilliValue(target.averageValue) } : { utilization: target.averageUtilization ?? 0, requests: requestsOf(pods, name, container) });
  } catch (error) {
    throw failing(messageOf(error));
  }
  const current = { averageValue: amountOf(name, sized.average), ...(sized.utilization !== undefined && { averageUtilization: sized.utilization }) };
  const share = isByValue ? 'resource' : `${container === undefined ? '' : 'container '}resource utilization (percentage of request)`;
  const status: MetricStatus = container === undefined ? { type: 'Resource', resource: { name, current } } : { type: 'ContainerResource', containerResource: { name, container, current } };
  return { replicas: sized.replicas, name: `${name} ${share}`, status };
}

async function byPods({ metric, target }: NonNullable<MetricSpec['pods']>, context: ProposalContext): Promise<Proposal> {
  const { autoscaler: { metadata }, metrics, pods, selector } = context;
  const found = await metrics.pods(metric.name, { namespace: metadata.namespace ?? '', selector, found: pods }, textOf(metric.selector))
    .catch((error: unknown) => Promise.reject(new Error(`unable to get metric ${metric.name}: ${messageOf(error)}`)));
  const { replicas, average } = sizeByPods(sizingOf(context, found, false), { averageValue: quantityMilliValue(target.averageValue ?? '0') });
  return { replicas, name: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric: { ...metric }, current: { averageValue: milli(average) } } } };
}

async function byObject({ metric, target, describedObject }: NonNullable<MetricSpec['object']>, context: ProposalContext): Promise<Proposal> {
  const { autoscaler: { metadata }, metrics, kinds } = context;
  const { kind, name, apiVersion = '' } = describedObject;
  const namespace = metadata.namespace ?? '';
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const resource = kinds.all().find((each) => each.kind === kind && each.group === group)?.resource ?? kind.toLowerCase();
  const usage = await metrics.object(metric.name, namespace, `${resource}${group === '' ? '' : `.${group}`}/${name}`, textOf(metric.selector))
    .catch((error: unknown) => Promise.reject(new Error(`unable to get metric ${metric.name}: ${kind} on ${namespace} ${name}/${messageOf(error)}`)));
  const { replicas, current } = byTotal(usage, target, context, 'object');
  return { replicas, name: target.type === 'Value' ? `${kind} metric ${metric.name}` : `external metric ${metric.name}`, status: { type: 'Object', object: { describedObject: { ...describedObject }, metric: { ...metric }, current } } };
}

async function byExternal({ metric, target }: NonNullable<MetricSpec['external']>, context: ProposalContext): Promise<Proposal> {
  const { autoscaler: { metadata }, metrics } = context;
  const namespace = metadata.namespace ?? '';
  const selector = textOf(metric.selector);
  const usage = await metrics.external(metric.name, namespace, selector)
    .catch((error: unknown) => Promise.reject(new Error(`unable to get external metric ${namespace}/${metric.name}/${selector}: ${messageOf(error)}`)));
  const { replicas, current } = byTotal(usage, target, context, 'external');
  return { replicas, name: `external metric ${metric.name}`, status: { type: 'External', external: { metric: { ...metric }, current } } };
}

function byTotal(usage: number, target: MetricTarget, context: ProposalContext, which: string): { replicas: number; current: MetricValueStatus } {
  const base = { ...sizingOf(context, new Map(), false), statusReplicas: context.statusReplicas };
  if (target.averageValue !== undefined) {
    const { replicas, average } = sizeByTotal(usage, { averageValue: quantityMilliValue(target.averageValue) }, base);
    return { replicas, current: { averageValue: milli(average) } };
  }
  if (target.value === undefined) throw new Error(`invalid ${which} metric source: neither a value target nor an average value target was set`);
  return { replicas: sizeByTotal(usage, { value: quantityMilliValue(target.value) }, base).replicas, current: { value: milli(usage) } };
}

function sizingOf({ specReplicas, pods, autoscaler, now }: ProposalContext, metrics: Sizing['metrics'], isCpu: boolean): Sizing {
  return { currentReplicas: specReplicas, pods, metrics, isCpu, tolerances: tolerancesOf(autoscaler), now };
}

function tolerancesOf({ spec: { behavior } }: Autoscaler): Tolerances {
  const given = (text: string | undefined): number => (text === undefined ? TOLERANCE : quantityMilliValue(text) / 1000);
  return { down: given(behavior?.scaleDown?.tolerance), up: given(behavior?.scaleUp?.tolerance) };
}

function textOf(selector: LabelSelector | undefined): string {
  return selector === undefined ? '' : selectorOf(selector).text;
}

function milli(amount: number): string {
  return canonicalQuantity(`${String(amount)}m`);
}

/** Memory in powers of 1024, as it is measured. */
function amountOf(resource: string, amount: number): string {
  if (resource !== 'memory' || amount % 1000 !== 0) return milli(amount);
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti'];
  let [value, unit] = [amount / 1000, 0];
  for (; value > 0 && value % 1024 === 0 && unit < units.length - 1; unit++) value /= 1024;
  return `${String(value)}${units[unit] ?? ''}`;
}
