// Budgets of pods: what a share is a share of, and what is told where it cannot be said.
import t from 'tap';
import { plan, type DisruptionState } from '../../../internal/controllers/disruption.ts';
import { printedSelector, scaleOf } from '../../../internal/controllers/disruption-scale.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus, Pod } from '../../../internal/kinds/generated/api-types.ts';

const NOW = Date.parse('2026-11-22T00:00:00Z');
const budget = (spec: object, status?: object): PodDisruptionBudget => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'n', uid: 'u', generation: 2 }, spec, ...(status !== undefined && { status }) }) as unknown as PodDisruptionBudget;
const pod = (name: string, owner?: object): Pod => ({ metadata: { name, namespace: 'n', uid: name, ...(owner !== undefined && { ownerReferences: [{ uid: 'o', name: 'o', controller: true, ...owner }] }) }, spec: {}, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }) as unknown as Pod;
const nothing = { of: () => ({ get: () => undefined }) } as never;

function outcome(state: DisruptionState): { events: string[]; status: PodDisruptionBudgetStatus | undefined } {
  const actions = plan(state, NOW).actions as unknown as { type: string; note?: { reason: string }; object?: { status: PodDisruptionBudgetStatus } }[];
  return { events: actions.flatMap(({ note }) => note?.reason ?? []), status: actions.find(({ type }) => type === 'update')?.object?.status };
}

t.test('pods of an owner that says no number fail a share, and only that', (t) => {
  const pods = [pod('a', { apiVersion: 'apps/v1', kind: 'DaemonSet' })];
  const scale = scaleOf(pods, nothing);
  const share = outcome({ budget: budget({ maxUnavailable: 1 }, { observedGeneration: 1, currentHealthy: 1, disruptionsAllowed: 1 }), pods, scale });
  t.strictSame(share.events, ['CalculateExpectedPodCountFailed']);
  t.match(share.status, { currentHealthy: 1, disruptionsAllowed: 0, observedGeneration: 1, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'daemonsets.apps does not implement the scale subresource', observedGeneration: 1 }] }, 'what stood is kept, and nothing may be taken away');
  const again = plan({ budget: budget({ maxUnavailable: 1 }, { ...share.status }), pods, scale }, NOW + 60_000);
  t.strictSame(again.actions, [], 'and is told once');
  const count = outcome({ budget: budget({ minAvailable: 0 }), pods, scale });
  t.strictSame(count.events, []);
  t.match(count.status, { expectedPods: 1, currentHealthy: 1, disruptionsAllowed: 1, conditions: [{ reason: 'SufficientPods' }] });
  t.end();
});

t.test('pods of nobody are told of where a share is meant', (t) => {
  const pods = [pod('a')];
  const scale = scaleOf(pods, nothing);
  t.strictSame(scale, { pods: 0, unmanaged: true });
  t.strictSame(outcome({ budget: budget({ maxUnavailable: '50%' }), pods, scale }).events, ['UnmanagedPods']);
  t.strictSame(outcome({ budget: budget({ minAvailable: 1 }), pods, scale }).events, []);
  t.strictSame(outcome({ budget: budget({ minAvailable: 1 }), pods: [], scale: scaleOf([], nothing) }).events, ['NoPods']);
  t.end();
});

t.test('selectors as Go prints them', (t) => {
  t.equal(printedSelector({ matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }] }), '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}');
  t.end();
});
