// HorizontalPodAutoscaler: every 15 s the target's scale is brought to what its metrics ask for, within bounds and rates (upstream: podautoscaler/horizontal.go).
// Metrics are asked of others, so it is done in `act`; what is decided is decided in pure parts: replicas.ts (how many), limits.ts (how fast).
import { messageOf } from '../../base/errors.ts';
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, formatTime, keyOf, parseApiVersion, parseKey, type GroupVersionResource, type KubeObject } from '../../api/meta.ts';
import { wake, type Acting } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { HorizontalPodAutoscalerAutoscalingV2 as Autoscaler, HorizontalPodAutoscalerCondition } from '../../kinds/generated/api-types.ts';
import { HORIZONTALPODAUTOSCALERS, PODS } from '../../kinds/generated/resources.ts';
import type { Kinds } from '../../kinds/index.ts';
import type { ControllerLoop } from '../action.ts';
import { limit, newHistory, noteChange, type History } from './limits.ts';
import { selected, type AutoscalerMetrics } from './metrics.ts';
import { MetricError, proposalOf, type Proposal } from './proposal.ts';

const EVERY_MS = 15_000;

interface Scale extends KubeObject {
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}
interface Target {
  resource: GroupVersionResource;
  scale: Scale;
}
export interface AutoscalerState {
  autoscaler: Autoscaler;
  views: Views;
}
interface Work extends AutoscalerState {
  acting: Acting;
  /** As it is to be written. */
  next: Autoscaler;
  now: number;
}

export function autoscalerLoop({ metrics, kinds }: { metrics: AutoscalerMetrics; kinds: Kinds }): ControllerLoop<AutoscalerState, AutoscalerState> {
  const histories = new Map<string, History>();
  const selectors = new Map<string, string>();
  return {
    name: 'horizontal-pod-autoscaler',
    user: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
    wakes: [wake(HORIZONTALPODAUTOSCALERS, (autoscaler, views, previous) => (previous !== undefined && isThere(autoscaler, views) && sameWhenWritten(autoscaler.spec, previous.spec) ? [] : [keyOf(autoscaler)]))],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const autoscaler = views.of(HORIZONTALPODAUTOSCALERS).get(namespace, name);
      if (autoscaler !== undefined) return { autoscaler, views };
      histories.delete(key);
      selectors.delete(key);
      return undefined;
    },
    plan: (state) => ({ actions: [state], againInMs: EVERY_MS }),
    async act(state, acting) {
      const work: Work = { ...state, acting, next: copy(state.autoscaler), now: acting.clock.now() };
      work.next.status = { desiredReplicas: 0, ...work.next.status };
      await autoscale(work, { metrics, kinds, histories, selectors });
      if (sameWhenWritten(work.next.status, state.autoscaler.status)) return;
      await acting.client.updateStatus(HORIZONTALPODAUTOSCALERS, work.next);
    },
  };
}

function isThere({ metadata }: Autoscaler, views: Views): boolean {
  return views.of(HORIZONTALPODAUTOSCALERS).get(metadata.namespace ?? '', metadata.name) !== undefined;
}

interface Parts {
  metrics: AutoscalerMetrics;
  kinds: Kinds;
  histories: Map<string, History>;
  selectors: Map<string, string>;
}

async function autoscale(work: Work, parts: Parts): Promise<void> {
  const { next, now } = work;
  const target = await targetOf(work, parts.kinds);
  if (target === undefined) return;
  setCondition(work, 'AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
  const current = target.scale.spec.replicas ?? 0;
  const key = keyOf(next);
  const history = parts.histories.get(key) ?? newHistory(current, now);
  parts.histories.set(key, history);
  const { minReplicas: min = 1, maxReplicas: max } = next.spec;
  if (current === 0) {
    setCondition(work, 'ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero');
    return setStatus(work, { current, desired: 0, metrics: [] });
  }
  if (current > max) return rescale(work, target, { current, desired: max, why: 'Current number of replicas above Spec.MaxReplicas', metrics: [], history });
  if (current < min) return rescale(work, target, { current, desired: min, why: 'Current number of replicas below Spec.MinReplicas', metrics: [], history });
  const asked = await proposals(work, target, parts);
  const statuses = asked.found.map(({ status }) => status);
  const most = asked.found.reduce<Proposal | undefined>((best, each) => (best === undefined || each.replicas > best.replicas ? each : best), undefined);
  if (most === undefined || (asked.failed !== undefined && most.replicas < current)) return setStatus(work, { current, desired: next.status?.desiredReplicas ?? 0, metrics: statuses });
  setCondition(work, 'ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${most.name}`);
  const limited = limit(next, { current, desired: most.replicas, min, max }, history, now);
  setCondition(work, 'AbleToScale', 'True', limited.able.reason, limited.able.message);
  setCondition(work, 'ScalingLimited', limited.limited.status, limited.limited.reason, limited.limited.message);
  const why = most.replicas > current ? `${most.name} above target` : 'All metrics below target';
  return rescale(work, target, { current, desired: limited.replicas, why, metrics: statuses, history });
}

/** undefined: there is none, and the conditions say so. */
async function targetOf(work: Work, kinds: Kinds): Promise<Target | undefined> {
  const { acting, next } = work;
  const { kind, name, apiVersion = '' } = next.spec.scaleTargetRef;
  try {
    const { group, version } = parseApiVersion(apiVersion);
    const found = kinds.byKind(group, version, kind) ?? kinds.all().find((each) => each.group === group && each.kind === kind);
    if (found === undefined) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
    const resource = { group: found.group, version: found.version, resource: found.resource };
    return { resource, scale: await acting.client.getSub<Scale>(resource, { namespace: next.metadata.namespace ?? '', name }, 'scale') };
  } catch (error) {
    acting.event(next, 'Warning', 'FailedGetScale', messageOf(error));
    setCondition(work, 'AbleToScale', 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${messageOf(error)}`);
    return undefined;
  }
}

async function proposals(work: Work, { scale }: Target, { metrics, kinds, selectors }: Parts): Promise<{ found: Proposal[]; failed?: MetricError }> {
  const { next, acting, views, now } = work;
  const found: Proposal[] = [];
  const failures: MetricError[] = [];
  try {
    const selector = selectorOfScale(work, scale);
    const pods = selected(views.of(PODS).list(next.metadata.namespace ?? ''), selector);
    checkAlone(work, { selector, pods, selectors });
    for (const spec of next.spec.metrics ?? []) {
      await proposalOf(spec, { autoscaler: next, metrics, kinds, specReplicas: scale.spec.replicas ?? 0, statusReplicas: scale.status.replicas, selector, pods, now })
        .then((proposal) => found.push(proposal), (error: unknown) => failures.push(error as MetricError));
    }
    for (const { reason, detail } of failures) acting.event(next, 'Warning', reason, detail);
  } catch (error) {
    failures.push(error as MetricError);
  }
  const [first] = failures;
  if (first === undefined) return { found };
  const wholly = found.length === 0 || Math.max(...found.map(({ replicas }) => replicas)) < (scale.spec.replicas ?? 0);
  if (wholly) {
    const message = first.reason === 'InvalidSelector' || first.reason === 'AmbiguousSelector' ? first.detail : `the HPA was unable to compute the replica count: ${first.detail}`;
    setCondition(work, 'ScalingActive', 'False', first.reason, message);
    const count = `invalid metrics (${String(failures.length)} invalid out of ${String((next.spec.metrics ?? []).length)}), first error is: `;
    acting.event(next, 'Warning', 'FailedComputeMetricsReplicas', first.reason.endsWith('Selector') ? first.message : `${count}${first.message}`);
  }
  return { found, failed: first };
}

function selectorOfScale({ next, acting }: Work, { status }: Scale): string {
  if ((status.selector ?? '') !== '') return status.selector ?? '';
  acting.event(next, 'Warning', 'SelectorRequired', 'selector is required');
  throw new MetricError('InvalidSelector', '', "the HPA target's scale is missing a selector");
}

/** Two autoscalers over the same pods would undo each other's work. */
function checkAlone({ next, acting }: Work, { selector, pods, selectors }: { selector: string; pods: ReturnType<typeof selected>; selectors: Map<string, string> }): void {
  const { namespace = '' } = next.metadata;
  const key = keyOf(next);
  selectors.set(key, selector);
  const all = [...selectors].filter(([other, text]) => other === key || (parseKey(other).namespace === namespace && selected(pods, text).length > 0)).map(([other]) => other);
  if (all.length < 2) return;
  const message = `pods by selector ${selector} are controlled by multiple HPAs: [${all.join(' ')}]`;
  acting.event(next, 'Warning', 'AmbiguousSelector', message);
  throw new MetricError('AmbiguousSelector', '', message);
}

interface Rescale {
  current: number;
  desired: number;
  why: string;
  metrics: Proposal['status'][];
  history: History;
}

async function rescale(work: Work, { resource, scale }: Target, { current, desired, why, metrics, history }: Rescale): Promise<void> {
  const { next, acting, now } = work;
  if (desired === current) return setStatus(work, { current, desired, metrics });
  try {
    await acting.client.update({ ...resource, kind: 'Scale', namespaced: true }, { ...scale, spec: { ...scale.spec, replicas: desired } }, { subresource: 'scale' });
  } catch (error) {
    acting.event(next, 'Warning', 'FailedRescale', `New size: ${String(desired)}; reason: ${why}; error: ${messageOf(error)}`);
    setCondition(work, 'AbleToScale', 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${messageOf(error)}`);
    return setStatus(work, { current, desired: next.status?.desiredReplicas ?? 0, metrics });
  }
  setCondition(work, 'AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${String(desired)}`);
  acting.event(next, 'Normal', 'SuccessfulRescale', `New size: ${String(desired)}; reason: ${why}`);
  noteChange(next, history, { from: current, to: desired, now });
  setStatus(work, { current, desired, metrics });
  next.status = { ...next.status, desiredReplicas: desired, lastScaleTime: formatTime(now) };
}

function setStatus({ next }: Work, { current, desired, metrics }: { current: number; desired: number; metrics: Proposal['status'][] }): void {
  const { lastScaleTime, conditions = [] } = next.status ?? {};
  next.status = { currentReplicas: current, desiredReplicas: desired, ...(lastScaleTime !== undefined && { lastScaleTime }), ...(metrics.length > 0 && { currentMetrics: metrics }), conditions };
}

function setCondition({ next, now }: Work, type: string, status: 'True' | 'False', reason: string, message: string): void {
  const conditions = [...(next.status?.conditions ?? [])];
  const at = conditions.findIndex((condition) => condition.type === type);
  const old = conditions[at];
  const condition: HorizontalPodAutoscalerCondition = { type, status, reason, message, lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? formatTime(now)) : formatTime(now) };
  if (at < 0) conditions.push(condition);
  else conditions[at] = condition;
  next.status = { desiredReplicas: 0, ...next.status, conditions };
}
