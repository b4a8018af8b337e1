// Which pods go so that a critical one has room (upstream's choice): best-effort ones before burstable before guaranteed, of each as few as will do,
// each time the one that comes nearest to what is missing, the smaller of two. Never one that may not be ended for it. Pure.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { isCritical, qosClassOf } from '../pod-spec.ts';
import type { Rejection } from './rejection.ts';
import { amountOf, type Shortfall } from './room.ts';

export const PREEMPTING = 'Preempting';
export const PREEMPTED = 'Preempted in order to admit critical pod';

interface Need {
  resource: string;
  amount: number;
}

/** Why the critical pod is not taken on, or not before others have ended. */
export function preempt(pod: Pod, others: readonly Pod[], shortfalls: readonly Shortfall[]): Rejection | undefined {
  const [first] = shortfalls;
  if (first === undefined) return undefined;
  const needs = shortfalls.map(({ resource, asked, used, has }) => ({ resource, amount: asked + used - has }));
  const candidates = others.filter((other) => mayPreempt(pod, other));
  const unmet = without(needs, candidates);
  if (unmet.length === 0) return { reason: PREEMPTING, message: PREEMPTED, preempts: { resource: first.resource, victims: choose(candidates, needs) } };
  const list = unmet.map(({ resource, amount }) => `(res: ${resource}, q: ${String(amount)}), `).join('');
  return { reason: 'UnexpectedAdmissionError', message: `Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${list}]` };
}

function mayPreempt(pod: Pod, other: Pod): boolean {
  if (!isCritical(other)) return true;
  const [own, its] = [pod.spec.priority, other.spec.priority];
  return own !== undefined && its !== undefined && own > its;
}

/** Enough of them, together, for the needs. */
function choose(candidates: readonly Pod[], needs: readonly Need[]): Pod[] {
  const ofClass = (qos: ReturnType<typeof qosClassOf>): Pod[] => candidates.filter((pod) => qosClassOf(pod) === qos);
  const [bestEffort, burstable, guaranteed] = [ofClass('BestEffort'), ofClass('Burstable'), ofClass('Guaranteed')];
  // Of each class what is needed beside all that goes before it.
  const last = nearest(guaranteed, without(needs, [...bestEffort, ...burstable]));
  const middle = nearest(burstable, without(needs, [...bestEffort, ...last]));
  return [...nearest(bestEffort, without(needs, [...middle, ...last])), ...middle, ...last];
}

function nearest(pods: readonly Pod[], needs: readonly Need[]): Pod[] {
  const [left, chosen] = [new Set(pods), [] as Pod[]];
  for (let open = needs; open.length > 0 && left.size > 0;) {
    const next = [...left].reduce((best, pod) => (comesNearer(pod, best, open) ? pod : best));
    left.delete(next);
    chosen.push(next);
    open = without(open, [next]);
  }
  return chosen;
}

function comesNearer(pod: Pod, best: Pod, needs: readonly Need[]): boolean {
  const [distance, least] = [distanceOf(pod, needs), distanceOf(best, needs)];
  return distance === least ? isSmaller(pod, best) : distance < least;
}

/** How much of each need the pod would leave open, as parts of it, squared. */
function distanceOf(pod: Pod, needs: readonly Need[]): number {
  return needs.reduce((sum, { resource, amount }) => sum + (Math.max(0, amount - amountOf(pod, resource)) / amount) ** 2, 0);
}

function isSmaller(pod: Pod, other: Pod): boolean {
  const by = (resource: string): number => amountOf(pod, resource) - amountOf(other, resource);
  return (by('memory') || by('cpu')) <= 0;
}

function without(needs: readonly Need[], pods: readonly Pod[]): Need[] {
  return needs.map(({ resource, amount }) => ({ resource, amount: pods.reduce((left, pod) => left - amountOf(pod, resource), amount) })).filter(({ amount }) => amount > 0);
}
