// What a pod's spec says, asked in the ways the kubelet asks it: which containers there are and of what kind, what restarts them, its
// QoS class and its grace period. Pure; sources: API reference (PodSpec), KEP-753 (sidecars), KEP-5307 (container restart rules).
import type { Container, EphemeralContainer, Pod } from '../../internal/kinds/generated/api-types.ts';
import { qosClassOf as qosClassOfSpec, type QosClass } from '../../internal/kinds/pod-spec/qos.ts';

export type ContainerKind = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface PodContainer {
  kind: ContainerKind;
  spec: Container;
  /** Only of ephemeral containers. */
  targetContainerName?: string;
}

/** Every container in the order of the spec: init (and sidecars), main, ephemeral. */
/** In a user namespace of its own. */
export function hasOwnUsers({ spec }: Pod): boolean {
  return spec.hostUsers === false;
}

export function containersOf(pod: Pod): PodContainer[] {
  return [...initContainersOf(pod), ...mainContainersOf(pod), ...ephemeralContainersOf(pod)];
}

export function initContainersOf(pod: Pod): PodContainer[] {
  return (pod.spec.initContainers ?? []).map((spec) => ({ kind: isSidecar(spec) ? 'sidecar' : 'init', spec }));
}

export function mainContainersOf(pod: Pod): PodContainer[] {
  return pod.spec.containers.map((spec) => ({ kind: 'main', spec }));
}

export function ephemeralContainersOf(pod: Pod): PodContainer[] {
  return (pod.spec.ephemeralContainers ?? []).map((spec: EphemeralContainer) => ({
    kind: 'ephemeral', spec: spec as Container, ...(spec.targetContainerName !== undefined && { targetContainerName: spec.targetContainerName }),
  }));
}

export function findContainer(pod: Pod, name: string): PodContainer | undefined {
  return containersOf(pod).find(({ spec }) => spec.name === name);
}

/** An init container that keeps running beside the main ones. */
function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/** Whether a container that ended with this code is to be started again: its own rules, its own policy, then the pod's. */
export function restartsAfter(pod: Pod, { kind, spec }: PodContainer, exitCode: number): boolean {
  if (kind === 'ephemeral') return false;
  if (kind === 'sidecar') return true;
  const rule = matchingRule(spec, exitCode);
  if (rule !== undefined) return rule.action === 'Restart' || rule.action === 'RestartAllContainers';
  const policy = spec.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
  if (kind === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether a kill (failed probe) is followed by a start: rules about exit codes do not count, as there was none. */
export function restartsAfterKill(pod: Pod, { kind, spec }: PodContainer): boolean {
  if (kind === 'ephemeral') return false;
  return (spec.restartPolicy ?? pod.spec.restartPolicy ?? 'Always') !== 'Never';
}

/** The first of the container's own rules that is about this exit code. */
export function matchingRule(spec: Container, exitCode: number): NonNullable<Container['restartPolicyRules']>[number] | undefined {
  return (spec.restartPolicyRules ?? []).find((candidate) => matchesExitCode(candidate.exitCodes, exitCode));
}

function matchesExitCode(codes: { operator?: string; values?: number[] } | undefined, exitCode: number): boolean {
  if (codes === undefined) return false;
  const listed = (codes.values ?? []).includes(exitCode);
  return codes.operator === 'NotIn' ? !listed : listed;
}

/** As the API server derives it; what the status says wins, since the class of a pod never changes. */
export function qosClassOf({ spec, status }: Pod): QosClass {
  return status?.qosClass ?? qosClassOfSpec(spec);
}

/** Pods from files, mirrored to the API, carry where they come from. */
export const CONFIG_SOURCE = 'kubernetes.io/config.source';
export const CONFIG_HASH = 'kubernetes.io/config.hash';
/** When this kubelet first read it. */
export const CONFIG_SEEN = 'kubernetes.io/config.seen';
export const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

/** From a file of this node or a URL that it asks: the API only mirrors it. */
export function isStatic({ metadata }: Pick<Pod, 'metadata'>): boolean {
  return ['file', 'http'].includes(metadata.annotations?.[CONFIG_SOURCE] ?? '') && metadata.annotations?.[CONFIG_MIRROR] === undefined;
}

/** In a status and each of its conditions. What is not the API's has no generations. */
export function observedGeneration(pod: Pod): { observedGeneration?: number } {
  return isStatic(pod) ? {} : { observedGeneration: pod.metadata.generation ?? 1 };
}

/** Grace of a stop in ms: what the deletion says, else what the spec says. */
export function gracePeriodMs(pod: Pod): number {
  return Number(pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
}

export function isHostNetwork(pod: Pod): boolean {
  return pod.spec.hostNetwork === true;
}

export function isTerminalPhase(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** `name_namespace(uid)`: how upstream's messages write a pod. */
export function podInMessages(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`;
}

/** Pods that the node cannot do without. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const source = metadata.annotations?.['kubernetes.io/config.source'];
  return (source !== undefined && source !== 'api') || metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined || (spec.priority ?? 0) >= 2_000_000_000;
}
