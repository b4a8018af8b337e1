// PodDisruptionBudget: how many pods are healthy, should be, and may be taken away. Evictions are granted by the API server from this status;
// what it has granted is remembered in disruptedPods until the pod goes, or for two minutes.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy, formatTime, keyOf, parseKey } from '../api/meta.ts';
import { selectorOf } from '../api/selectors.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../kinds/generated/api-types.ts';
import { PODDISRUPTIONBUDGETS, PODS } from '../kinds/generated/resources.ts';
import { controllerLoop, note, updateStatus, type Action, type ControllerLoop } from './action.ts';
import { printedSelector, scaleOf, type Scale } from './disruption-scale.ts';
import { scaledValue } from './deployments/replicas.ts';
import { isFinished, isReady } from './pod-state.ts';

const GRANTED_MS = 120_000;

export interface DisruptionState {
  budget: PodDisruptionBudget;
  pods: Pod[];
  scale: Scale;
}

export function disruptionLoop(): ControllerLoop<DisruptionState> {
  return controllerLoop<DisruptionState>({
    name: 'disruption-controller',
    wakes: [
      wake(PODDISRUPTIONBUDGETS, (budget) => [keyOf(budget)]),
      wake(PODS, (pod, views, previous) => views.of(PODDISRUPTIONBUDGETS).list(pod.metadata.namespace).filter(({ spec }) => selects(spec?.selector, pod) || (previous !== undefined && selects(spec?.selector, previous))).map(keyOf)),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const budget = views.of(PODDISRUPTIONBUDGETS).get(namespace, name);
      if (budget === undefined) return undefined;
      const pods = views.of(PODS).list(namespace).filter((pod) => selects(budget.spec?.selector, pod) && !isFinished(pod));
      return { budget, pods, scale: scaleOf(pods, views) };
    },
    plan,
  });
}

function selects(selector: Parameters<typeof selectorOf>[0], { metadata }: Pod): boolean {
  return selectorOf(selector).matches(metadata.labels);
}

export function plan({ budget, pods, scale }: DisruptionState, now: number): Plan<Action> {
  if (scale.problem !== undefined && isShare(budget)) return { actions: failed(budget, scale.problem, now) };
  const { expected, desired } = wantedOf(budget, pods.length, scale.pods);
  const disrupted = Object.entries(budget.status?.disruptedPods ?? {}).filter(([name, time]) => Date.parse(time) + GRANTED_MS > now && pods.some(({ metadata }) => metadata.name === name && metadata.deletionTimestamp === undefined));
  const granted = new Set(disrupted.map(([name]) => name));
  const healthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !granted.has(pod.metadata.name) && isReady(pod)).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const status: PodDisruptionBudgetStatus = {
    observedGeneration: budget.metadata.generation ?? 0, currentHealthy: healthy, desiredHealthy: desired, expectedPods: expected, disruptionsAllowed: allowed,
    ...(disrupted.length > 0 && { disruptedPods: Object.fromEntries(disrupted) }),
    conditions: conditions(budget, { status: allowed > 0 ? 'True' : 'False', reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods', message: '' }, now),
  };
  const waits = disrupted.map(([, time]) => Date.parse(time) + GRANTED_MS - now);
  const actions = sameWhenWritten(status, budget.status) ? [] : [...remarks(budget, pods, scale), updateStatus(PODDISRUPTIONBUDGETS, { ...copy(budget), status })];
  return { actions, ...(waits.length > 0 && { againInMs: Math.min(...waits) }) };
}

/** Whether it depends on how many pods the owners are meant to have. */
function isShare({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** What stands is kept, but nothing may be taken away. */
function failed(budget: PodDisruptionBudget, problem: string, now: number): Action[] {
  const before = budget.status;
  const status = { ...copy(before ?? {}), disruptionsAllowed: 0, conditions: conditions(budget, { status: 'False', reason: 'SyncFailed', message: problem, observedGeneration: before?.observedGeneration ?? 0 }, now) } as PodDisruptionBudgetStatus;
  if (sameWhenWritten(status, before)) return [];
  return [{ type: 'event', note: note(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${problem}`) }, updateStatus(PODDISRUPTIONBUDGETS, { ...copy(budget), status })];
}

/** Said when the status changes: saying it at each look would be noise. */
function remarks(budget: PodDisruptionBudget, pods: readonly Pod[], { unmanaged }: Scale): Action[] {
  const unmanagedWords = `Pods selected by this PodDisruptionBudget (selector: ${printedSelector(budget.spec?.selector ?? {})}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
  return [
    ...(pods.length === 0 ? [{ type: 'event' as const, note: note(budget, 'Normal', 'NoPods', 'No matching pods found') }] : []),
    ...(unmanaged && isShare(budget) ? [{ type: 'event' as const, note: note(budget, 'Warning', 'UnmanagedPods', unmanagedWords) }] : []),
  ];
}

function wantedOf({ spec }: PodDisruptionBudget, pods: number, scale: number): { expected: number; desired: number } {
  if (spec?.maxUnavailable !== undefined) return { expected: scale, desired: Math.max(0, scale - scaledValue(spec.maxUnavailable, scale, Math.ceil)) };
  if (typeof spec?.minAvailable === 'string') return { expected: scale, desired: scaledValue(spec.minAvailable, scale, Math.ceil) };
  return { expected: pods, desired: spec?.minAvailable ?? 0 };
}

type Told = Pick<NonNullable<PodDisruptionBudgetStatus['conditions']>[number], 'status' | 'reason' | 'message' | 'observedGeneration'>;

function conditions(budget: PodDisruptionBudget, told: Told, now: number): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const old = budget.status?.conditions ?? [];
  const next = { type: 'DisruptionAllowed', observedGeneration: budget.metadata.generation ?? 0, ...told };
  const same = old.find(({ type }) => type === next.type);
  return [...old.filter(({ type }) => type !== next.type), { ...next, lastTransitionTime: same?.status === next.status ? same.lastTransitionTime : formatTime(now) }];
}
