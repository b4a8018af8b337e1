// Inter-pod affinity and anti-affinity: where other pods allow or want this one. Worked out once per pod over the whole snapshot, then
// asked per node. Topology places are `key=value` of node labels.
import { selectorOf } from '../api/selectors.ts';
import type { LabelSelector, Pod, PodAffinityTerm } from '../kinds/generated/api-types.ts';
import type { NodeState, Snapshot } from './snapshot.ts';

export interface PodAffinity {
  /** Why the node does not do, if so. */
  refuses(node: NodeState): string | undefined;
  /** Sum of weights that speak for the node (negative: against). */
  score(node: NodeState): number;
}

const EXISTING_ANTI = "node(s) didn't satisfy existing pods anti-affinity rules";
const AFFINITY = "node(s) didn't match pod affinity rules";
const ANTI = "node(s) didn't match pod anti-affinity rules";

export function podAffinity(pod: Pod, snapshot: Snapshot): PodAffinity {
  const wants = pod.spec.affinity?.podAffinity;
  const avoids = pod.spec.affinity?.podAntiAffinity;
  const required = (wants?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => matcher(term, pod, snapshot));
  const forbidden = (avoids?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => matcher(term, pod, snapshot));
  const found = new Set<string>();
  const refused = new Set<string>();
  const refusedByOthers = new Set<string>();
  const weights = new Map<string, number>();
  const involved = required.length > 0 || forbidden.length > 0 || (wants?.preferredDuringSchedulingIgnoredDuringExecution ?? avoids?.preferredDuringSchedulingIgnoredDuringExecution) !== undefined;
  const preferred = [
    ...(wants?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm, weight }) => ({ ...matcher(podAffinityTerm, pod, snapshot), weight })),
    ...(avoids?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm, weight }) => ({ ...matcher(podAffinityTerm, pod, snapshot), weight: -weight })),
  ];
  for (const state of snapshot.nodes.values()) {
    for (const other of state.pods) {
      if (involved) {
        if (required.length > 0 && required.every(({ matches }) => matches(other))) for (const { topologyKey } of required) note(found, place(topologyKey, state));
        for (const { matches, topologyKey } of forbidden) if (matches(other)) note(refused, place(topologyKey, state));
        for (const { matches, topologyKey, weight } of preferred) if (matches(other)) add(weights, place(topologyKey, state), weight);
      }
      if (other.spec.affinity !== undefined) othersWishes(other, pod, state, snapshot, refusedByOthers, weights);
    }
  }
  const isFirst = found.size === 0 && required.length > 0 && required.every(({ matches }) => matches(pod));
  return {
    refuses(node) {
      const places = (set: ReadonlySet<string>): boolean => [...set].some((each) => isAt(node, each));
      if (required.length > 0 && !required.every(({ topologyKey }) => isSatisfied(found, isFirst, place(topologyKey, node)))) return AFFINITY;
      if (places(refused)) return ANTI;
      return places(refusedByOthers) ? EXISTING_ANTI : undefined;
    },
    score: (node) => [...weights].filter(([where]) => isAt(node, where)).reduce((total, [, weight]) => total + weight, 0),
  };
}

function isSatisfied(found: ReadonlySet<string>, isFirst: boolean, where: string | undefined): boolean {
  return where !== undefined && (isFirst || found.has(where));
}

function othersWishes(other: Pod, pod: Pod, state: NodeState, snapshot: Snapshot, refused: Set<string>, weights: Map<string, number>): void {
  const affinity = other.spec.affinity;
  for (const term of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (matcher(term, other, snapshot).matches(pod)) note(refused, place(term.topologyKey, state));
  }
  // Upstream's hard affinity weight: 1 for a required term of theirs that matches this pod.
  for (const term of affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (matcher(term, other, snapshot).matches(pod)) add(weights, place(term.topologyKey, state), 1);
  }
  for (const { podAffinityTerm, weight } of affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (matcher(podAffinityTerm, other, snapshot).matches(pod)) add(weights, place(podAffinityTerm.topologyKey, state), weight);
  }
  for (const { podAffinityTerm, weight } of affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (matcher(podAffinityTerm, other, snapshot).matches(pod)) add(weights, place(podAffinityTerm.topologyKey, state), -weight);
  }
}

interface TermMatcher {
  topologyKey: string;
  matches(other: Pod): boolean;
}

function matcher(term: PodAffinityTerm, owner: Pod, snapshot: Snapshot): TermMatcher {
  const selector = selectorOf(withLabelKeys(term.labelSelector, owner, term.matchLabelKeys, term.mismatchLabelKeys));
  const namespaces = term.namespaceSelector === undefined ? undefined : selectorOf(term.namespaceSelector);
  const named = new Set(term.namespaces ?? []);
  if (named.size === 0 && namespaces === undefined) named.add(owner.metadata.namespace ?? '');
  return {
    topologyKey: term.topologyKey,
    matches(other) {
      const namespace = other.metadata.namespace ?? '';
      if (!named.has(namespace) && !(namespaces?.matches(snapshot.namespace(namespace)?.metadata.labels) ?? false)) return false;
      return selector.matches(other.metadata.labels);
    },
  };
}

/** matchLabelKeys and mismatchLabelKeys stand for the owner's own values of those labels. */
export function withLabelKeys(selector: LabelSelector | undefined, owner: Pod, match: readonly string[] = [], mismatch: readonly string[] = []): LabelSelector | undefined {
  if (selector === undefined || (match.length === 0 && mismatch.length === 0)) return selector;
  const value = (key: string): string | undefined => owner.metadata.labels?.[key];
  const expression = (key: string, operator: 'In' | 'NotIn'): NonNullable<LabelSelector['matchExpressions']> => (value(key) === undefined ? [] : [{ key, operator, values: [value(key) ?? ''] }]);
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...match.flatMap((key) => expression(key, 'In')), ...mismatch.flatMap((key) => expression(key, 'NotIn'))] };
}

function place(key: string, { node }: NodeState): string | undefined {
  const value = node.metadata.labels?.[key];
  return value === undefined ? undefined : `${key}=${value}`;
}

function isAt({ node }: NodeState, where: string): boolean {
  const split = where.indexOf('=');
  return node.metadata.labels?.[where.slice(0, split)] === where.slice(split + 1);
}

function note(set: Set<string>, where: string | undefined): void {
  if (where !== undefined) set.add(where);
}

function add(map: Map<string, number>, where: string | undefined, weight: number): void {
  if (where !== undefined) map.set(where, (map.get(where) ?? 0) + weight);
}
