// The cluster as one scheduling pass sees it: nodes with the pods on them. Pods placed during the pass are added to it, so that the next
// pod of the same pass already sees them.
import type { CSIDriver, CSINode, CSIStorageCapacity, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../kinds/generated/api-types.ts';
import type { Claims } from './claims.ts';
import { amountsOf, requestsOf, scoredRequestsOf, type Amounts } from './requests.ts';

export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

export interface NodeState {
  readonly node: Node;
  readonly name: string;
  readonly allocatable: Amounts;
  readonly pods: Set<Pod>;
  readonly requested: Map<string, number>;
  readonly scored: Map<string, number>;
  readonly ports: HostPort[];
}

export interface Volumes {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  all(): readonly PersistentVolume[];
  /** Names of volumes that this pass has given away. */
  readonly taken: Set<string>;
  readonly csi: CsiSource;
}

export interface CsiSource {
  driver(name: string): CSIDriver | undefined;
  node(name: string): CSINode | undefined;
  /** Volumes that are attached to the node, or about to be, as `driver/handle`, with their drivers. */
  attachedTo(node: string): readonly (readonly [volume: string, driver: string])[];
  capacities(): readonly CSIStorageCapacity[];
}

export interface Snapshot {
  readonly nodes: Map<string, NodeState>;
  namespace(name: string): Namespace | undefined;
  readonly volumes: Volumes;
  readonly claims: Claims;
}

export function nodeState(node: Node, pods: readonly Pod[]): NodeState {
  const state: NodeState = { node, name: node.metadata.name, allocatable: amountsOf(node.status?.allocatable), pods: new Set(), requested: new Map(), scored: new Map(), ports: [] };
  for (const pod of pods) addPod(state, pod);
  return state;
}

export function addPod(state: NodeState, pod: Pod): void {
  state.pods.add(pod);
  count(state.requested, requestsOf(pod), 1);
  count(state.scored, scoredRequestsOf(pod), 1);
  state.ports.push(...hostPortsOf(pod));
}

export function removePod(state: NodeState, pod: Pod): void {
  if (!state.pods.delete(pod)) return;
  count(state.requested, requestsOf(pod), -1);
  count(state.scored, scoredRequestsOf(pod), -1);
  for (const { ip, protocol, port } of hostPortsOf(pod)) {
    const index = state.ports.findIndex((each) => each.ip === ip && each.protocol === protocol && each.port === port);
    if (index >= 0) state.ports.splice(index, 1);
  }
}

function count(into: Map<string, number>, amounts: Amounts, sign: 1 | -1): void {
  for (const [name, amount] of amounts) into.set(name, (into.get(name) ?? 0) + sign * amount);
}

export function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap(({ ports }) => ports ?? []).filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map(({ hostIP, protocol, hostPort }) => ({ ip: hostIP === undefined || hostIP === '' ? '0.0.0.0' : hostIP, protocol: protocol ?? 'TCP', port: hostPort ?? 0 }));
}
