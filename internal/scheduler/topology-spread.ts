// Topology spread: how evenly pods that a constraint selects lie over places (zones, hosts). Worked out once per pod, asked per node.
import { selectorOf } from '../api/selectors.ts';
import { controllerOf } from '../api/meta.ts';
import type { Pod, TopologySpreadConstraint } from '../kinds/generated/api-types.ts';
import { matchesNode, untolerated } from '../kinds/node-selection.ts';
import { withLabelKeys } from './pod-affinity.ts';
import type { NodeState, Snapshot } from './snapshot.ts';

export interface TopologySpread {
  refuses(node: NodeState): string | undefined;
  /** Pods already at the node's places: fewer is better. */
  crowd(node: NodeState): number;
}

const REASON = "node(s) didn't match pod topology spread constraints";

export function topologySpread(pod: Pod, snapshot: Snapshot): TopologySpread {
  const constraints = pod.spec.topologySpreadConstraints ?? [];
  const hard = constraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
  const soft = constraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway');
  const checks = hard.map((constraint) => ({ constraint, counts: countsOf(constraint, hard, pod, snapshot) }));
  const wishes = soft.map((constraint) => ({ constraint, counts: countsOf(constraint, soft, pod, snapshot) }));
  return {
    refuses(node) {
      for (const { constraint } of checks) if (node.node.metadata.labels?.[constraint.topologyKey] === undefined) return `${REASON} (missing required label)`;
      return checks.every(({ constraint, counts }) => isEven(constraint, counts, node, pod)) ? undefined : REASON;
    },
    crowd(node) {
      if (constraints.length === 0) return siblings(pod, node);
      return wishes.reduce((total, { constraint, counts }) => total + (counts.get(node.node.metadata.labels?.[constraint.topologyKey] ?? '') ?? 0) / constraint.maxSkew, 0);
    },
  };
}

function isEven(constraint: TopologySpreadConstraint, counts: ReadonlyMap<string, number>, node: NodeState, pod: Pod): boolean {
  const place = node.node.metadata.labels?.[constraint.topologyKey] ?? '';
  const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
  const self = selects(constraint, pod)(pod) ? 1 : 0;
  return (counts.get(place) ?? 0) + self - (counts.size === 0 ? 0 : least) <= constraint.maxSkew;
}

/** Selected pods per place, over the nodes that count for this pod. */
function countsOf(constraint: TopologySpreadConstraint, all: readonly TopologySpreadConstraint[], pod: Pod, snapshot: Snapshot): Map<string, number> {
  const counts = new Map<string, number>();
  const matches = selects(constraint, pod);
  for (const state of snapshot.nodes.values()) {
    const labels = state.node.metadata.labels ?? {};
    const place = labels[constraint.topologyKey];
    if (place === undefined || !all.every(({ topologyKey }) => labels[topologyKey] !== undefined)) continue;
    if (constraint.nodeAffinityPolicy !== 'Ignore' && !matchesNode(pod.spec, state.node)) continue;
    if (constraint.nodeTaintsPolicy === 'Honor' && untolerated(pod.spec.tolerations, state.node.spec.taints, ['NoSchedule', 'NoExecute']).length > 0) continue;
    const here = [...state.pods].filter((other) => other.metadata.deletionTimestamp === undefined && other.metadata.namespace === pod.metadata.namespace && matches(other)).length;
    counts.set(place, (counts.get(place) ?? 0) + here);
  }
  return counts;
}

function selects(constraint: TopologySpreadConstraint, pod: Pod): (other: Pod) => boolean {
  const selector = selectorOf(withLabelKeys(constraint.labelSelector, pod, constraint.matchLabelKeys));
  return (other) => selector.matches(other.metadata.labels);
}

// Without constraints of its own a pod still keeps away from its siblings.
function siblings(pod: Pod, { pods }: NodeState): number {
  const owner = controllerOf(pod)?.uid;
  return owner === undefined ? 0 : [...pods].filter((other) => controllerOf(other)?.uid === owner).length;
}
