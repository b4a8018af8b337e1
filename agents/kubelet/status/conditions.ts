// The pod's conditions that the kubelet owns, with upstream's reasons and texts. Conditions of others are kept as they are.
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../../internal/kinds/generated/api-types.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import { initContainersOf, mainContainersOf, observedGeneration } from '../pod-spec.ts';
import type { Phase } from './phase.ts';

/** Those that are a kubelet's to tell. */
export const OWNED = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', 'PodResizePending', 'PodResizeInProgress', 'AllContainersRestarting']);

export interface ConditionInput {
  pod: Pod;
  now: number;
  phase: Phase;
  statuses: readonly ContainerStatus[];
  sandboxReady: boolean;
  /** It has a terminal phase already. */
  settled: boolean;
  previous: PodStatus;
  /** Conditions of the moment: resize, disruption. */
  extra: readonly Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>[];
}

type Finding = Pick<PodCondition, 'status' | 'reason' | 'message'>;

export function conditionsOf(input: ConditionInput): PodCondition[] {
  const { pod, previous } = input;
  const foreign = (pod.status?.conditions ?? []).filter(({ type }) => !OWNED.has(type) && !input.extra.some((condition) => condition.type === type));
  const containersReady = containersReadyOf(input);
  // What was said of a pod when it had come to its end stays.
  const last = (type: string, now: Finding): Finding => (input.settled ? previous.conditions?.find((condition) => condition.type === type && condition.status === 'False') ?? now : now);
  const own: [type: string, finding: Finding][] = [
    ...input.extra.map(({ type, ...finding }): [string, Finding] => [type, finding]),
    ['PodReadyToStartContainers', { status: input.sandboxReady ? 'True' : 'False' }],
    ['Initialized', initializedOf(input)],
    ['Ready', last('Ready', readyOf(input, containersReady, foreign))],
    ['ContainersReady', last('ContainersReady', containersReady)],
    ['PodScheduled', { status: 'True' }],
  ];
  return [...foreign, ...own.map(([type, finding]) => settle(type, finding, input, previous.conditions ?? []))];
}

/** Keeps the transition time while the status stays. */
function settle(type: string, finding: Finding, { pod, now }: ConditionInput, previous: readonly PodCondition[]): PodCondition {
  const old = previous.find((condition) => condition.type === type) ?? pod.status?.conditions?.find((condition) => condition.type === type);
  const kept = old?.status === finding.status ? old.lastTransitionTime : undefined;
  return {
    type, status: finding.status, lastTransitionTime: kept ?? formatTime(now), ...(type !== 'AllContainersRestarting' && observedGeneration(pod)),
    ...(finding.reason !== undefined && finding.reason !== '' && { reason: finding.reason }),
    ...(finding.message !== undefined && finding.message !== '' && { message: finding.message }),
  };
}

function initializedOf({ pod, phase, statuses, previous }: ConditionInput): Finding {
  const inits = initContainersOf(pod);
  const find = (name: string): ContainerStatus | undefined => statuses.find((status) => status.name === name);
  const unknown = inits.filter(({ spec }) => find(spec.name) === undefined).map(({ spec }) => spec.name);
  const incomplete = inits.filter(({ kind, spec }) => {
    const status = find(spec.name);
    return status !== undefined && (kind === 'sidecar' ? status.started !== true : !status.ready);
  }).map(({ spec }) => spec.name);
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  const begun = pod.spec.containers.some(({ name }) => hasStarted(find(name)));
  const before = (previous.conditions ?? []).some(({ type, status }) => type === 'Initialized' && status === 'True');
  if (begun || before) return { status: 'True' };
  const message = listed([['containers with unknown status', unknown], ['containers with incomplete status', incomplete]]);
  return message === '' ? { status: 'True' } : { status: 'False', reason: 'ContainersNotInitialized', message };
}

function hasStarted(status: ContainerStatus | undefined): boolean {
  return status !== undefined && (status.started === true || status.state?.running !== undefined || status.state?.terminated !== undefined || status.lastState?.terminated !== undefined);
}

function containersReadyOf({ pod, phase, statuses }: ConditionInput): Finding {
  const watched = [...initContainersOf(pod).filter(({ kind }) => kind === 'sidecar'), ...mainContainersOf(pod)].map(({ spec }) => spec.name);
  const unknown = watched.filter((name) => !statuses.some((status) => status.name === name));
  const unready = watched.filter((name) => statuses.some((status) => status.name === name && !status.ready));
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const message = listed([['containers with unknown status', unknown], ['containers with unready status', unready]]);
  return message === '' ? { status: 'True' } : { status: 'False', reason: 'ContainersNotReady', message };
}

function readyOf({ pod }: ConditionInput, containersReady: Finding, foreign: readonly PodCondition[]): Finding {
  if (containersReady.status !== 'True') return containersReady;
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = foreign.find(({ type }) => type === conditionType);
    if (condition === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return problems.length === 0 ? { status: 'True' } : { status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

function listed(groups: [what: string, names: string[]][]): string {
  return groups.filter(([, names]) => names.length > 0).map(([what, names]) => `${what}: [${names.join(' ')}]`).join(', ');
}
