// Which nodes can take a pod, and in upstream's words why not. A verdict that preemption could change is `resolvable`.
import type { Pod, Taint } from '../kinds/generated/api-types.ts';
import { matchesNode, untolerated } from '../kinds/node-selection.ts';
import { podAffinity, type PodAffinity } from './pod-affinity.ts';
import { claimNeeds, claimsRefuse, type ClaimNeeds } from './claims.ts';
import { requestsOf, type Amounts } from './requests.ts';
import { hostPortsOf, type HostPort, type NodeState, type Snapshot } from './snapshot.ts';
import { topologySpread, type TopologySpread } from './topology-spread.ts';
import { exceedsLimits } from './volume-limits.ts';
import { volumeNeeds, volumesRefuse, type VolumeNeeds } from './volumes.ts';

export interface Refusal {
  reasons: string[];
  /** Fewer pods on the node might help. */
  resolvable: boolean;
}

/** What is worked out once for a pod before nodes are asked. */
export interface PodNeeds {
  pod: Pod;
  requests: Amounts;
  ports: HostPort[];
  affinity: PodAffinity;
  spread: TopologySpread;
  volumes: VolumeNeeds;
  claims: ClaimNeeds;
}

export function needsOf(pod: Pod, snapshot: Snapshot): PodNeeds {
  return { pod, requests: requestsOf(pod), ports: hostPortsOf(pod), affinity: podAffinity(pod, snapshot), spread: topologySpread(pod, snapshot), volumes: volumeNeeds(pod, snapshot), claims: claimNeeds(pod, snapshot.claims) };
}

/** undefined: the node can take the pod. The first filter that refuses speaks. */
export function refusal(needs: PodNeeds, state: NodeState): Refusal | undefined {
  for (const filter of FILTERS) {
    const verdict = filter(needs, state);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

type Filter = (needs: PodNeeds, state: NodeState) => Refusal | undefined;

const FILTERS: readonly Filter[] = [unschedulable, tainted, unmatched, portsTaken, tooLittle, tooManyVolumes, wrongVolumes, unevenSpread, unwanted, noDevices];

function final(reason: string): Refusal {
  return { reasons: [reason], resolvable: false };
}

function unschedulable({ pod }: PodNeeds, { node }: NodeState): Refusal | undefined {
  if (node.spec.unschedulable !== true) return undefined;
  const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  return untolerated(pod.spec.tolerations, [cordon], ['NoSchedule']).length === 0 ? undefined : final('node(s) were unschedulable');
}

function tainted({ pod }: PodNeeds, { node }: NodeState): Refusal | undefined {
  return untolerated(pod.spec.tolerations, node.spec.taints, ['NoSchedule', 'NoExecute']).length === 0 ? undefined : final('node(s) had untolerated taint(s)');
}

function unmatched({ pod }: PodNeeds, { node }: NodeState): Refusal | undefined {
  return matchesNode(pod.spec, node) ? undefined : final("node(s) didn't match Pod's node affinity/selector");
}

function portsTaken({ ports }: PodNeeds, state: NodeState): Refusal | undefined {
  const clash = ports.some((wanted) => state.ports.some((taken) => taken.port === wanted.port && taken.protocol === wanted.protocol && (taken.ip === wanted.ip || taken.ip === '0.0.0.0' || wanted.ip === '0.0.0.0')));
  return clash ? { reasons: ["node(s) didn't have free ports for the requested pod ports"], resolvable: true } : undefined;
}

function tooLittle({ requests }: PodNeeds, { allocatable, requested, pods }: NodeState): Refusal | undefined {
  const reasons: string[] = [];
  let resolvable = true;
  if (pods.size + 1 > (allocatable.get('pods') ?? 0)) reasons.push('Too many pods');
  for (const [name, amount] of requests) {
    if (amount === 0 || name === 'pods') continue;
    const limit = allocatable.get(name) ?? 0;
    if (amount <= limit - (requested.get(name) ?? 0)) continue;
    reasons.push(`Insufficient ${name}`);
    if (amount > limit) resolvable = false;
  }
  return reasons.length === 0 ? undefined : { reasons, resolvable };
}

function tooManyVolumes({ pod, volumes }: PodNeeds, state: NodeState): Refusal | undefined {
  const reason = volumes.volumes.length + volumes.waiting.length === 0 ? undefined : exceedsLimits(pod, state, volumes.source);
  return reason === undefined ? undefined : { reasons: [reason], resolvable: true };
}

/** Last, as it is the dearest to find out. */
function noDevices({ claims }: PodNeeds, { node }: NodeState): Refusal | undefined {
  const reason = claimsRefuse(claims, node);
  return reason === undefined ? undefined : final(reason);
}

function wrongVolumes({ volumes }: PodNeeds, { node }: NodeState): Refusal | undefined {
  const refused = volumesRefuse(volumes, node);
  return refused === undefined ? undefined : { reasons: [refused.reason], resolvable: refused.resolvable };
}

function unevenSpread({ spread }: PodNeeds, state: NodeState): Refusal | undefined {
  const reason = spread.refuses(state);
  return reason === undefined ? undefined : { reasons: [reason], resolvable: !reason.endsWith('(missing required label)') };
}

function unwanted({ affinity }: PodNeeds, state: NodeState): Refusal | undefined {
  const reason = affinity.refuses(state);
  return reason === undefined ? undefined : { reasons: [reason], resolvable: reason !== "node(s) didn't match pod affinity rules" };
}
