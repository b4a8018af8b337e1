// The Node object: what is registered, and the status that is posted. Pure: facts in, object out. What others put there is kept.
import type { ContainerImage, Node, NodeCondition, NodeStatus, NodeSystemInfo } from '../../../internal/kinds/generated/api-types.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import type { Draft } from '../../../internal/api/meta.ts';
import type { RuntimeHandler } from '../../runtime/runtime.ts';
import { isExtendedResource } from '../../../internal/kinds/resource-names.ts';
import type { Amounts } from '../devices/inventory.ts';
import type { Capacity } from './capacity.ts';

export interface NodeFacts {
  name: string;
  hostname: string;
  ips: readonly string[];
  externalIps?: readonly string[];
  port: number;
  capacity: Capacity;
  /** What device plugins have. */
  devices: Amounts;
  system: NodeSystemInfo;
  images: ContainerImage[];
  labels: Readonly<Record<string, string>>;
  taints: NonNullable<NonNullable<Node['spec']>['taints']>;
  /** Of the container runtime. */
  handlers: readonly RuntimeHandler[];
  /** Conditions under which the node is short of something. */
  pressures: readonly string[];
  /** Why the node is not ready; '' when it is. */
  problem: string;
  /** Volumes that must not be detached; undefined: what is shown stays. */
  volumesInUse?: readonly string[] | undefined;
  now: number;
}

export function nodeDraft(facts: NodeFacts): Draft<Node> {
  return {
    apiVersion: 'v1', kind: 'Node',
    metadata: { name: facts.name, labels: nodeLabels(facts), annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
    spec: facts.taints.length === 0 ? {} : { taints: facts.taints },
    status: nodeStatus(facts, undefined),
  };
}

export function nodeLabels({ hostname, system, labels }: Pick<NodeFacts, 'hostname' | 'system' | 'labels'>): Record<string, string> {
  const { operatingSystem: os, architecture: arch } = system;
  return { 'beta.kubernetes.io/arch': arch, 'beta.kubernetes.io/os': os, 'kubernetes.io/arch': arch, 'kubernetes.io/hostname': hostname.toLowerCase(), 'kubernetes.io/os': os, ...labels };
}

/** Of those that upstream 1.36 has nodes tell of (KEP-5328), what is done here; sorted. */
const DECLARED_FEATURES = ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers', 'RestartAllContainersOnContainerExits'];

export function nodeStatus(facts: NodeFacts, old: NodeStatus | undefined): NodeStatus {
  const own = new Set(['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']);
  return {
    ...old,
    addresses: [...facts.ips.map((address) => ({ type: 'InternalIP', address })), ...(facts.externalIps ?? []).map((address) => ({ type: 'ExternalIP', address })), { type: 'Hostname', address: facts.hostname }],
    ...inUse(facts, old), ...amounts(facts, old),
    conditions: [...(old?.conditions ?? []).filter(({ type }) => !own.has(type)), ...conditionsOf(facts, old?.conditions ?? [])],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } }, nodeInfo: facts.system, images: facts.images,
    runtimeHandlers: facts.handlers.map(({ name, ...features }) => ({ name, features })), features: { supplementalGroupsPolicy: true }, declaredFeatures: DECLARED_FEATURES,
  };
}

function inUse({ volumesInUse }: NodeFacts, old: NodeStatus | undefined): Pick<NodeStatus, 'volumesInUse'> {
  return volumesInUse === undefined || (volumesInUse.length === 0 && old?.volumesInUse === undefined) ? {} : { volumesInUse: [...volumesInUse] };
}

/** Extended resources that no plugin has are other people's: their capacity is kept as it is, and all of it may be used. */
function amounts({ capacity: own, devices }: NodeFacts, old: NodeStatus | undefined): Required<Pick<NodeStatus, 'capacity' | 'allocatable'>> {
  const capacity = { ...old?.capacity, ...own.capacity, ...devices.capacity };
  const extended = Object.fromEntries(Object.entries(capacity).filter(([name]) => isExtendedResource(name)));
  const kept = Object.fromEntries(Object.entries(old?.allocatable ?? {}).filter(([name]) => !isExtendedResource(name)));
  return { capacity, allocatable: { ...kept, ...extended, ...own.allocatable, ...devices.allocatable } };
}

/** Of a node that was made anew under an old name: devices that the API still tells of count for nothing until a plugin has them. */
export function withoutExtended({ capacity = {} }: NodeStatus): Required<Pick<NodeStatus, 'capacity' | 'allocatable'>> | undefined {
  const names = Object.keys(capacity).filter((name) => isExtendedResource(name) && capacity[name] !== '0');
  const zeros = Object.fromEntries(names.map((name) => [name, '0']));
  return names.length === 0 ? undefined : { capacity: zeros, allocatable: zeros };
}

function conditionsOf({ problem, pressures, now }: NodeFacts, old: readonly NodeCondition[]): NodeCondition[] {
  const condition = (type: string, status: string, reason: string, message: string): NodeCondition => {
    const before = old.find((candidate) => candidate.type === type);
    return { type, status, reason, message, lastHeartbeatTime: formatTime(now), lastTransitionTime: before?.status === status ? before.lastTransitionTime ?? formatTime(now) : formatTime(now) };
  };
  return [
    pressures.includes('MemoryPressure') ? condition('MemoryPressure', 'True', 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available') : condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    pressures.includes('DiskPressure') ? condition('DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure') : condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    pressures.includes('PIDPressure') ? condition('PIDPressure', 'True', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available') : condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problem === '' ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status') : condition('Ready', 'False', 'KubeletNotReady', problem),
  ];
}

/** Whether anything but heartbeat times differs. */
export function withoutHeartbeats(status: NodeStatus | undefined): NodeStatus {
  return { ...status, conditions: (status?.conditions ?? []).map(({ lastHeartbeatTime: _time, ...rest }) => rest) };
}
