// Preemption: which lower-priority pods must leave which node so that a pod fits. As few as possible, budgets respected where they can be.
import { selectorOf } from '../api/selectors.ts';
import type { Pod, PodDisruptionBudget } from '../kinds/generated/api-types.ts';
import { needsOf, refusal, type Refusal } from './filters.ts';
import { addPod, removePod, type NodeState, type Snapshot } from './snapshot.ts';

export interface Preemption {
  node: NodeState;
  victims: Pod[];
}

export interface PreemptionInput {
  pod: Pod;
  snapshot: Snapshot;
  budgets: readonly PodDisruptionBudget[];
  /** Why each node refused. */
  refusals: ReadonlyMap<NodeState, Refusal>;
}

/** The preemption to carry out, or in upstream's words why there is none. */
export function preempt(input: PreemptionInput): Preemption | string {
  const { pod, snapshot, refusals } = input;
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = snapshot.nodes.get(pod.status?.nominatedNodeName ?? '');
  if (nominated !== undefined && [...nominated.pods].some((other) => other.metadata.deletionTimestamp !== undefined && priorityOf(other) < priorityOf(pod))) return 'not eligible due to a terminating pod on the nominated node.';
  const reasons = new Map<string, number>();
  const candidates: Candidate[] = [];
  for (const [node, verdict] of refusals) {
    const candidate = verdict.resolvable ? candidateOn(node, input) : 'Preemption is not helpful for scheduling';
    if (typeof candidate === 'string') reasons.set(candidate, (reasons.get(candidate) ?? 0) + 1);
    else candidates.push(candidate);
  }
  const best = candidates.sort(cheaper)[0];
  if (best !== undefined) return best;
  return availabilityMessage(snapshot.nodes.size, reasons);
}

export function availabilityMessage(nodes: number, reasons: ReadonlyMap<string, number>): string {
  const texts = [...reasons].map(([reason, count]) => `${String(count)} ${reason}`).sort();
  return `0/${String(nodes)} nodes are available:${texts.length === 0 ? '' : ` ${texts.join(', ')}.`}`;
}

export function priorityOf({ spec }: Pod): number {
  return spec.priority ?? 0;
}

interface Candidate extends Preemption {
  violations: number;
}

function candidateOn(node: NodeState, { pod, snapshot, budgets }: PreemptionInput): Candidate | string {
  const lower = [...node.pods].filter((other) => priorityOf(other) < priorityOf(pod));
  if (lower.length === 0) return 'No preemption victims found for incoming pod';
  const fits = (): boolean => refusal(needsOf(pod, snapshot), node) === undefined;
  for (const other of lower) removePod(node, other);
  const victims: Pod[] = [];
  const possible = fits();
  const { violating, others } = byBudget(lower.toSorted(importance), budgets);
  let violations = 0;
  // Most important first: who can stay, stays.
  for (const other of [...violating, ...others]) {
    addPod(node, other);
    if (!possible || fits()) continue;
    removePod(node, other);
    victims.push(other);
    if (violating.includes(other)) violations++;
  }
  for (const victim of victims) addPod(node, victim);
  return possible && victims.length > 0 ? { node, victims: victims.sort(importance), violations } : 'Preemption is not helpful for scheduling';
}

function importance(left: Pod, right: Pod): number {
  return priorityOf(right) - priorityOf(left) || startOf(left) - startOf(right);
}

function startOf({ status, metadata }: Pod): number {
  return Date.parse(status?.startTime ?? metadata.creationTimestamp);
}

function byBudget(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]): { violating: Pod[]; others: Pod[] } {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const violating: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    const matching = budgets.filter((budget) => budget.metadata.namespace === pod.metadata.namespace && budget.status?.disruptedPods?.[pod.metadata.name] === undefined && selectorOf(budget.spec?.selector).matches(pod.metadata.labels));
    for (const budget of matching) left.set(budget, (left.get(budget) ?? 0) - 1);
    (matching.some((budget) => (left.get(budget) ?? 0) < 0) ? violating : others).push(pod);
  }
  return { violating, others };
}

function cheaper(left: Candidate, right: Candidate): number {
  const highest = ({ victims }: Candidate): number => Math.max(...victims.map(priorityOf));
  const total = ({ victims }: Candidate): number => victims.reduce((sum, victim) => sum + priorityOf(victim) + 2 ** 31, 0);
  const youngest = ({ victims }: Candidate): number => Math.min(...victims.filter((victim) => priorityOf(victim) === Math.max(...victims.map(priorityOf))).map(startOf));
  return left.violations - right.violations || highest(left) - highest(right) || total(left) - total(right) || left.victims.length - right.victims.length || youngest(right) - youngest(left);
}
