// A pod's whole status from its state: pure. Upstream's rules: a terminal phase is never left, and is not shown while a container may still run.
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../../internal/kinds/generated/api-types.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import { podLimits, podRequests } from '../../../internal/kinds/pod-spec/requirements.ts';
import { podLimits as cgroupLimits } from '../cgroups/pod-resources.ts';
import { ephemeralContainersOf, initContainersOf, isHostNetwork, isStatic, isTerminalPhase, mainContainersOf, observedGeneration, qosClassOf } from '../pod-spec.ts';
import { isRunning, type PodState } from '../pod-state.ts';
import { restartingCondition } from '../restart-all.ts';
import { PREEMPTING } from '../steps/preemption.ts';
import { conditionsOf, OWNED } from './conditions.ts';
import { containerStatusOf } from './container-status.ts';
import { lostInit, lostMain } from './lost.ts';
import { phaseOf, type Phase } from './phase.ts';

export function podStatusOf(state: PodState, extra: readonly Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>[] = []): PodStatus {
  const { pod, previous, ending } = state;
  const ended = ending !== undefined;
  const begun = initContainersOf(pod).map((container) => containerStatusOf(state, container, ended));
  const seen = mainContainersOf(pod).map((container) => containerStatusOf(state, container, ended)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const ephemeral = ephemeralContainersOf(pod).map((container) => containerStatusOf(state, container, ended));
  const { phase: reached, reason, message } = phaseAndReason(state, [...begun, ...seen]);
  const over = ended && state.dismantled && !isStatic(pod);
  const [init, main, phase] = over ? [lostInit(begun), lostMain({ ...pod, status: state.shownAtEnding ?? {} }, seen), isTerminalPhase(reached) ? reached : 'Failed' as const] : [begun, seen, reached];
  const conditions = conditionsOf({
    pod, previous, now: state.now, phase: reached, statuses: [...begun, ...seen], sandboxReady: state.sandbox?.state === 'ready',
    settled: isTerminalPhase(pod.status?.phase) || isTerminalPhase(previous.phase),
    extra: [...extra, ...restartingCondition(state), ...disruption(state)],
  });
  return {
    ...carried(pod),
    phase, conditions, ...observedGeneration(pod),
    ...(reason !== undefined && { reason }), ...(message !== undefined && { message }),
    ...addresses(state),
    startTime: previous.startTime ?? pod.status?.startTime ?? formatTime(state.now),
    ...(init.length > 0 && { initContainerStatuses: init }), containerStatuses: main, ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClassOf(pod), ...resourcesOf(pod),
  };
}

/** What the whole pod has been granted, and what of CPU and memory it runs with (KEP-5419). */
function resourcesOf(pod: Pod): Pick<PodStatus, 'resources' | 'allocatedResources'> {
  const granted = { ...pod, status: {} };
  const allocatedResources = podRequests(granted);
  const [requests, limits] = [compute(allocatedResources), enforced(compute(podLimits(granted)), pod)];
  return {
    resources: { ...(Object.keys(limits).length > 0 && { limits }), ...(Object.keys(requests).length > 0 && { requests }) },
    ...(Object.keys(allocatedResources).length > 0 && { allocatedResources }),
  };
}

function compute(amounts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => name === 'cpu' || name === 'memory'));
}

/** A limit that not every container has is none of the pod's. */
function enforced(limits: Record<string, string>, pod: Pod): Record<string, string> {
  const { cpuQuota, memoryLimitBytes } = cgroupLimits(pod);
  return Object.fromEntries(Object.entries(limits).filter(([name]) => (name === 'cpu' ? cpuQuota : memoryLimitBytes) !== undefined));
}

/** Pods that the node itself ended tell controllers that it was not their own fault (KEP-3329). */
function disruption({ ending }: PodState): Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>[] {
  const { reason = '', message = '' } = ending?.status ?? {};
  if (!['Evicted', 'Terminated', PREEMPTING].includes(reason)) return [];
  return [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: reason === PREEMPTING ? 'Pod was preempted by Kubelet to accommodate a critical pod.' : message }];
}

/** The status of a pod that this node does not take on: nothing in it says that it was ever here. */
export function rejectedStatus(pod: Pod, now: number, { reason, message }: { reason: string; message: string }): PodStatus {
  const { hostIP: _ip, hostIPs: _ips, ...base } = pod.status ?? {};
  return {
    ...base, conditions: (base.conditions ?? []).filter(({ type }) => !OWNED.has(type)),
    phase: 'Failed', reason, message: `Pod was rejected: ${message}`, startTime: base.startTime ?? formatTime(now), ...observedGeneration(pod), qosClass: qosClassOf(pod),
  };
}

function phaseAndReason(state: PodState, statuses: readonly ContainerStatus[]): { phase: Phase; reason?: string; message?: string } {
  const { pod, previous, ending } = state;
  const active = state.containers.some(isRunning) || state.starting.size > 0;
  const initialized = mainContainersOf(pod).some(({ spec }) => state.containers.some((container) => container.config.name === spec.name && container.state !== 'created'));
  const reached = [pod.status?.phase, previous.phase].find(isTerminalPhase);
  const now = ending?.status?.phase ?? phaseOf(pod, statuses, { ended: ending !== undefined, initialized });
  const before = (previous.phase ?? 'Pending') as Phase;
  const phase = reached ?? (isTerminalPhase(now) && active ? before : now);
  const kept = phase === (previous.phase ?? pod.status?.phase) ? previous : {};
  const why = phase === 'Failed' && ending?.status !== undefined && reached === undefined ? ending.status : kept;
  return { phase, ...(why.reason !== undefined && { reason: why.reason }), ...(why.message !== undefined && { message: why.message }) };
}

function addresses({ pod, sandbox, hostIps, previous }: PodState): Partial<PodStatus> {
  const ips = isHostNetwork(pod) ? hostIps : sandbox?.state === 'ready' ? sandbox.ips : (previous.podIPs ?? []).map(({ ip }) => ip);
  return {
    ...(hostIps[0] !== undefined && { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(ips[0] !== undefined && { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
  };
}

/** What others write into a pod's status, and what the kubelet sets once. */
function carried({ status }: Pod): Partial<PodStatus> {
  const { nominatedNodeName, resourceClaimStatuses, extendedResourceClaimStatus } = status ?? {};
  return {
    ...(nominatedNodeName !== undefined && { nominatedNodeName }), ...(resourceClaimStatuses !== undefined && { resourceClaimStatuses }),
    ...(extendedResourceClaimStatus !== undefined && { extendedResourceClaimStatus }),
  };
}
