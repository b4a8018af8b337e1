// Which of the nodes that can take a pod should: upstream's default scores and weights, each 0 to 100 over the nodes that are left.
import type { Node, Pod } from '../kinds/generated/api-types.ts';
import { matchesNodeTerm, untolerated } from '../kinds/node-selection.ts';
import type { PodNeeds } from './filters.ts';
import { scoredRequestsOf } from './requests.ts';
import type { NodeState } from './snapshot.ts';

const MB = 1024 * 1024;

/** The best node; of equals the first by name after those with the fewest pods, so that a run can be repeated. */
export function bestNode(needs: PodNeeds, nodes: readonly NodeState[]): NodeState | undefined {
  if (nodes.length < 2) return nodes[0];
  const totals = new Map(nodes.map((node) => [node, 0]));
  for (const { weight, of, normalize } of SCORES) {
    const raw = nodes.map((node) => of(needs, node));
    for (const [index, value] of normalize(raw).entries()) {
      const node = nodes[index];
      if (node !== undefined) totals.set(node, (totals.get(node) ?? 0) + weight * value);
    }
  }
  return nodes.toSorted((left, right) => (totals.get(right) ?? 0) - (totals.get(left) ?? 0) || left.pods.size - right.pods.size || (left.name < right.name ? -1 : 1))[0];
}

interface Score {
  weight: number;
  of(needs: PodNeeds, node: NodeState): number;
  normalize(raw: number[]): number[];
}

const asIs = (raw: number[]): number[] => raw;
const moreIsBetter = (raw: number[]): number[] => scaled(raw, Math.max(...raw, 0), 0);
const fewerIsBetter = (raw: number[]): number[] => moreIsBetter(raw).map((value) => 100 - value);
const betweenEnds = (raw: number[]): number[] => scaled(raw, Math.max(...raw), Math.min(...raw));

const SCORES: readonly Score[] = [
  { weight: 3, of: ({ pod }, { node }) => untolerated(pod.spec.tolerations, node.spec.taints, ['PreferNoSchedule']).length, normalize: fewerIsBetter },
  { weight: 2, of: ({ pod }, { node }) => preference(pod, node), normalize: moreIsBetter },
  { weight: 2, of: ({ spread }, node) => spread.crowd(node), normalize: fewerIsBetter },
  { weight: 2, of: ({ affinity }, node) => affinity.score(node), normalize: betweenEnds },
  { weight: 1, of: leastAllocated, normalize: asIs },
  { weight: 1, of: balanced, normalize: asIs },
  { weight: 1, of: imageLocality, normalize: asIs },
];

function scaled(raw: number[], most: number, least: number): number[] {
  return raw.map((value) => (most === least ? 0 : (100 * (value - least)) / (most - least)));
}

function usedShare(pod: Pod, { allocatable, scored }: NodeState, name: string): number {
  const limit = allocatable.get(name) ?? 0;
  return limit === 0 ? 1 : Math.min(1, ((scored.get(name) ?? 0) + (scoredRequestsOf(pod).get(name) ?? 0)) / limit);
}

function leastAllocated({ pod }: PodNeeds, node: NodeState): number {
  return (100 * (2 - usedShare(pod, node, 'cpu') - usedShare(pod, node, 'memory'))) / 2;
}

function balanced({ pod }: PodNeeds, node: NodeState): number {
  return 100 * (1 - Math.abs(usedShare(pod, node, 'cpu') - usedShare(pod, node, 'memory')) / 2);
}

/** Images that are there already save a pull: from 23 MB (nothing) to 1 GB for each container (everything). */
function imageLocality({ pod }: PodNeeds, { node }: NodeState): number {
  const sizes = new Map((node.status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, sizeBytes] as const)));
  const total = pod.spec.containers.reduce((bytes, { image = '' }) => bytes + (sizes.get(image) ?? sizes.get(withTag(image)) ?? 0), 0);
  const most = 1000 * MB * pod.spec.containers.length;
  return (100 * (Math.min(Math.max(total, 23 * MB), most) - 23 * MB)) / (most - 23 * MB);
}

function withTag(image: string): string {
  return image.slice(image.lastIndexOf('/') + 1).includes(':') ? image : `${image}:latest`;
}

function preference({ spec }: Pod, node: Node): number {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.filter((term) => matchesNodeTerm(term.preference, node)).reduce((total, { weight }) => total + weight, 0);
}
