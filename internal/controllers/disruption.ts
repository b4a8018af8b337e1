// PodDisruptionBudget: how many pods are healthy, should be, and may be taken away. Evictions are granted by the API server from this status;
// what it has granted is remembered in disruptedPods until the pod goes, or for two minutes.
import { sameWhenWritten } from '../api/json-equality.ts';
import { controllerOf, copy, formatTime, keyOf, parseKey } from '../api/meta.ts';
import { selectorOf } from '../api/selectors.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Views } from '../informer/view.ts';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../kinds/generated/api-types.ts';
import { DEPLOYMENTS, PODDISRUPTIONBUDGETS, PODS, REPLICASETS, REPLICATIONCONTROLLERS, STATEFULSETS } from '../kinds/generated/resources.ts';
import { controllerLoop, updateStatus, type Action, type ControllerLoop } from './action.ts';
import { scaledValue } from './deployments/replicas.ts';
import { isFinished, isReady } from './pod-state.ts';

const GRANTED_MS = 120_000;

export interface DisruptionState {
  budget: PodDisruptionBudget;
  pods: Pod[];
  /** Pods that the owners of these pods are meant to have, each owner once. */
  scale: number;
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

function scaleOf(pods: readonly Pod[], views: Views): number {
  const owners = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    const namespace = pod.metadata.namespace ?? '';
    if (owner === undefined) continue;
    if (owner.kind === 'StatefulSet') owners.set(owner.uid, views.of(STATEFULSETS).get(namespace, owner.name)?.spec?.replicas ?? 0);
    if (owner.kind === 'ReplicationController') owners.set(owner.uid, views.of(REPLICATIONCONTROLLERS).get(namespace, owner.name)?.spec?.replicas ?? 0);
    if (owner.kind !== 'ReplicaSet') continue;
    const set = views.of(REPLICASETS).get(namespace, owner.name);
    const parent = set === undefined ? undefined : controllerOf(set);
    if (parent?.kind === 'Deployment') owners.set(parent.uid, views.of(DEPLOYMENTS).get(namespace, parent.name)?.spec.replicas ?? 0);
    else owners.set(owner.uid, set?.spec.replicas ?? 0);
  }
  return [...owners.values()].reduce((sum, replicas) => sum + replicas, 0);
}

export function plan({ budget, pods, scale }: DisruptionState, now: number): Plan<Action> {
  const { expected, desired } = wantedOf(budget, pods.length, scale);
  const disrupted = Object.entries(budget.status?.disruptedPods ?? {}).filter(([name, time]) => Date.parse(time) + GRANTED_MS > now && pods.some(({ metadata }) => metadata.name === name && metadata.deletionTimestamp === undefined));
  const granted = new Set(disrupted.map(([name]) => name));
  const healthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !granted.has(pod.metadata.name) && isReady(pod)).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const status: PodDisruptionBudgetStatus = {
    observedGeneration: budget.metadata.generation ?? 0, currentHealthy: healthy, desiredHealthy: desired, expectedPods: expected, disruptionsAllowed: allowed,
    ...(disrupted.length > 0 && { disruptedPods: Object.fromEntries(disrupted) }),
    conditions: conditions(budget, allowed, now),
  };
  const waits = disrupted.map(([, time]) => Date.parse(time) + GRANTED_MS - now);
  return { actions: sameWhenWritten(status, budget.status) ? [] : [updateStatus(PODDISRUPTIONBUDGETS, { ...copy(budget), status })], ...(waits.length > 0 && { againInMs: Math.min(...waits) }) };
}

function wantedOf({ spec }: PodDisruptionBudget, pods: number, scale: number): { expected: number; desired: number } {
  if (spec?.maxUnavailable !== undefined) return { expected: scale, desired: Math.max(0, scale - scaledValue(spec.maxUnavailable, scale, Math.ceil)) };
  if (typeof spec?.minAvailable === 'string') return { expected: scale, desired: scaledValue(spec.minAvailable, scale, Math.ceil) };
  return { expected: pods, desired: spec?.minAvailable ?? 0 };
}

function conditions(budget: PodDisruptionBudget, allowed: number, now: number): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const old = budget.status?.conditions ?? [];
  const next = { type: 'DisruptionAllowed', status: allowed > 0 ? ('True' as const) : ('False' as const), reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods', message: '', observedGeneration: budget.metadata.generation ?? 0 };
  const same = old.find(({ type }) => type === next.type);
  return [...old.filter(({ type }) => type !== next.type), { ...next, lastTransitionTime: same?.status === next.status ? same.lastTransitionTime : formatTime(now) }];
}
