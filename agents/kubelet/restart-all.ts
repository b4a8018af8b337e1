// A container whose exit asks for it (restartPolicyRules, action RestartAllContainers: KEP-5532) has the whole pod begin again in its sandbox:
// all containers are stopped and removed, then init containers and the rest start as if for the first time. Pure.
import type { ContainerStatus as RuntimeContainer } from '../runtime/runtime.ts';
import type { ContainerState, ContainerStatus, Pod, PodCondition } from '../../internal/kinds/generated/api-types.ts';
import { containersOf, findContainer, matchingRule } from './pod-spec.ts';
import { latest, type PodState } from './pod-state.ts';

/** What is told of a container that was removed to begin again. */
const REMOVED = { reason: 'RestartingAllContainers', message: 'The container is removed because RestartAllContainers in place' };

/** The container whose exit has the pod begin again. */
export function restartSource(state: Pick<PodState, 'pod' | 'containers'>): RuntimeContainer | undefined {
  return state.containers.find((container) => {
    if (container.state !== 'exited' || latest(state, container.config.name)?.id !== container.id) return false;
    const spec = findContainer(state.pod, container.config.name)?.spec;
    return spec !== undefined && matchingRule(spec, container.exitCode ?? 255)?.action === 'RestartAllContainers';
  });
}

function hasSuchRule(pod: Pod): boolean {
  return containersOf(pod).some(({ spec }) => (spec.restartPolicyRules ?? []).some(({ action }) => action === 'RestartAllContainers'));
}

export function restartingCondition(state: PodState): Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>[] {
  if (!hasSuchRule(state.pod)) return [];
  const under = state.ending === undefined && restartSource(state) !== undefined;
  return [{ type: 'AllContainersRestarting', status: under ? 'True' : 'False', ...(under && { reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' }) }];
}

/** Of a container that is there no more: that it waits for its new beginning, told once and counted. Undefined where that is not why it has gone. */
export function removedStatus({ previous }: Pick<PodState, 'previous'>, before: ContainerStatus | undefined): Pick<ContainerStatus, 'restartCount' | 'state' | 'lastState'> | undefined {
  const under = previous.conditions?.some(({ type, status }) => type === 'AllContainersRestarting' && status === 'True') === true;
  if (!under || before?.state === undefined || before.state.waiting !== undefined) return undefined;
  return { restartCount: before.restartCount + 1, state: { waiting: REMOVED }, lastState: { terminated: { exitCode: 137, ...REMOVED } as NonNullable<ContainerState['terminated']> } };
}

/** Its next start has been counted already. */
export function isToRestart({ state, lastState }: ContainerStatus): boolean {
  return state?.waiting !== undefined && state.waiting.reason !== 'CrashLoopBackOff' && hasBegunAgain(lastState?.terminated);
}

/** It did not end by itself: whatever its exit code, it comes again. */
export function hasBegunAgain(terminated: { reason?: string } | undefined): boolean {
  return terminated?.reason === REMOVED.reason;
}
