// The API's status of one container, from what the runtime has of it, why it waits, what the probes found, and the status before.
import type { Container, ContainerState, ContainerStatus, VolumeMountStatus } from '../../../internal/kinds/generated/api-types.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import type { ContainerStatus as RuntimeContainer } from '../../runtime/runtime.ts';
import { initContainersOf, isStatic, mainContainersOf, restartsAfter, type PodContainer } from '../pod-spec.ts';
import { latest, type PodState } from '../pod-state.ts';
import { ANNOTATION } from '../labels.ts';
import { hasBegunAgain, removedStatus } from '../restart-all.ts';

export function containerStatusOf(state: PodState, container: PodContainer, ended: boolean): ContainerStatus {
  const { spec } = container;
  const before = previousStatus(state, spec.name);
  // One that is made and not started yet (its postStart hook belongs to that) is nothing to tell of.
  const inHook = !ended && spec.lifecycle?.postStart !== undefined && state.starting.has(spec.name);
  const [current, earlier] = state.containers.filter(({ config, state: now }) => config.name === spec.name && now !== 'created' && !(inHook && now === 'running'));
  const base = current === undefined ? absentStatus(state, container, before) : presentStatus(current, earlier, before);
  // At a deletion nothing waits any more; a pod that ends by other things goes on telling what its containers waited for, until that is told as lost.
  const waitsNoMore = ended && (state.pod.metadata.deletionTimestamp !== undefined || (current === undefined && before?.state?.terminated !== undefined));
  const waiting = waitsNoMore ? undefined : waitingOf(state, container, current);
  const status = waiting === undefined ? base : withWaiting(base, waiting);
  return { ...status, ...readinessOf(state, container, current, status), ...detailsOf(state, container, current, before) };
}

function previousStatus({ previous }: PodState, name: string): ContainerStatus | undefined {
  return [...(previous.initContainerStatuses ?? []), ...(previous.containerStatuses ?? []), ...(previous.ephemeralContainerStatuses ?? [])].find((status) => status.name === name);
}

type Bare = Omit<ContainerStatus, 'ready'>;

function presentStatus(current: RuntimeContainer, earlier: RuntimeContainer | undefined, before: ContainerStatus | undefined): Bare {
  const { config } = current;
  const carried = before?.containerID === containerId(current) ? before.lastState : before?.state?.terminated === undefined ? before?.lastState : { terminated: before.state.terminated };
  const lastState = earlier === undefined ? carried : stateOf(earlier);
  return {
    name: config.name, image: config.annotations[ANNOTATION.imageShown] ?? config.imageName, imageID: config.annotations[ANNOTATION.imageRef] ?? config.imageId, containerID: containerId(current),
    restartCount: config.attempt, state: stateOf(current), lastState: lastState ?? {},
  };
}

/** No container (yet): waiting, or what the status last said when it had ended. */
function absentStatus(state: PodState, { kind, spec }: PodContainer, before: ContainerStatus | undefined): Bare {
  const bare = { name: spec.name, image: spec.image ?? '', imageID: '' };
  const removed = removedStatus(state, before);
  if (removed !== undefined) return { ...bare, ...removed };
  if (before?.state?.terminated !== undefined) return { ...bare, ...withoutReady(before) };
  const begun = kind === 'init' && mainContainersOf(state.pod).some((main) => latest(state, main.spec.name) !== undefined);
  if (begun) {
    return { ...bare, restartCount: before?.restartCount ?? 0, lastState: before?.lastState ?? {}, state: { terminated: {
      exitCode: 0, reason: 'Completed', message: 'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally',
    } } };
  }
  const reason = initContainersOf(state.pod).length > 0 && kind !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating';
  const lost = before?.state?.running !== undefined && before.lastState?.terminated === undefined;
  return {
    ...bare, restartCount: (before?.restartCount ?? 0) + (lost && state.pod.metadata.deletionTimestamp === undefined ? 1 : 0), state: { waiting: { reason } },
    lastState: lost ? { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was deleted.  The container used to be Running' } } : before?.lastState ?? {},
  };
}

function withoutReady({ ready: _ready, started: _started, ...rest }: ContainerStatus): Bare {
  return rest;
}

export function containerId({ runtime, id }: Pick<RuntimeContainer, 'runtime' | 'id'>): string {
  return `${runtime}://${id}`;
}

function stateOf(container: RuntimeContainer): ContainerState {
  // One that could not be started was so at the beginning of time, as engines have it.
  const times = { startedAt: formatTime(container.startedAt) };
  if (container.state === 'running') return { running: times };
  if (container.state === 'unknown') return { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' } };
  const exitCode = container.exitCode ?? 255;
  return { terminated: {
    exitCode, reason: container.reason ?? (exitCode === 0 ? 'Completed' : 'Error'), ...(container.message !== undefined && container.message !== '' && { message: container.message }),
    ...times, ...(container.finishedAt > 0 && { finishedAt: formatTime(container.finishedAt) }), containerID: containerId(container),
  } };
}

/** Why it is not running although it is to be: the reason of the last failure, if there was one. */
function waitingOf(state: PodState, container: PodContainer, current: RuntimeContainer | undefined): { reason: string; message: string } | undefined {
  const waiting = state.waiting.get(container.spec.name);
  if (current?.state === 'running') return undefined;
  // Of init containers, sidecars among them, one that has done its work is shown so whatever follows.
  if ((container.kind === 'init' || container.kind === 'sidecar') && current?.state === 'exited' && current.exitCode === 0) return undefined;
  if (current?.state === 'exited' && !state.restart.has(current.id) && !restartsAfter(state.pod, container, current.exitCode ?? 255)) return undefined;
  // Its start has just failed, which the worker is about to be told.
  if (current?.reason === 'StartError' && state.starting.has(container.spec.name) && !endIsTold(state, current)) return { reason: 'RunContainerError', message: current.message ?? '' };
  if (current?.state === 'exited' && waiting?.reason === 'CrashLoopBackOff' && !endIsTold(state, current)) return undefined;
  return waiting;
}

/** Who watches sees that it has ended, and then why nothing follows yet. */
function endIsTold({ pod, previous }: PodState, current: RuntimeContainer): boolean {
  const { initContainerStatuses = [], containerStatuses = [] } = isStatic(pod) ? previous : pod.status ?? {};
  const shown = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === current.config.name);
  return [shown?.state?.terminated, shown?.lastState?.terminated].some((ended) => ended?.containerID === containerId(current));
}

function withWaiting(status: Bare, waiting: { reason: string; message: string }): Bare {
  const lastState = status.state?.terminated === undefined ? status.lastState : { terminated: status.state.terminated };
  return { ...status, ...(lastState !== undefined && { lastState }), state: { waiting: { reason: waiting.reason, ...(waiting.message !== '' && { message: waiting.message }) } } };
}

/** `started` and `ready`: probes decide where there are any; an init container is ready when it has succeeded. */
function readinessOf(state: PodState, { kind, spec }: PodContainer, current: RuntimeContainer | undefined, status: Bare): Pick<ContainerStatus, 'ready' | 'started'> {
  if (kind === 'ephemeral') return { ready: false };
  if (kind === 'init') {
    const hadSucceeded = hasBegunAgain(status.state?.waiting) && previousStatus(state, spec.name)?.ready === true;
    return { ready: status.state?.terminated?.exitCode === 0 || hadSucceeded, started: status.state?.running !== undefined };
  }
  if (status.state?.running === undefined || current === undefined) return { ready: false, started: false };
  const probes = state.probes(current.id);
  const started = spec.startupProbe === undefined || probes.startup === 'success';
  const ready = started && (spec.readinessProbe === undefined || probes.readiness === 'success');
  return { started, ready };
}

function detailsOf(state: PodState, { kind, spec }: PodContainer, current: RuntimeContainer | undefined, before: ContainerStatus | undefined): Partial<ContainerStatus> {
  const mounts = volumeMountsOf(spec);
  const devices = kind === 'main' ? state.devices(spec.name) : [];
  return {
    ...(mounts.length > 0 && { volumeMounts: mounts }),
    ...(current !== undefined && { resources: resourcesOf(state, current, spec) }),
    ...(current !== undefined && spec.resources?.requests !== undefined && { allocatedResources: spec.resources.requests }),
    ...(current?.user !== undefined && { user: { linux: current.user } }),
    ...(devices.length > 0 ? { allocatedResourcesStatus: devices } : before?.allocatedResourcesStatus !== undefined && { allocatedResourcesStatus: before.allocatedResourcesStatus }),
  };
}

function volumeMountsOf(spec: Container): VolumeMountStatus[] {
  return (spec.volumeMounts ?? []).map((mount) => ({
    name: mount.name, mountPath: mount.mountPath,
    ...(mount.readOnly === true && { readOnly: true, recursiveReadOnly: mount.recursiveReadOnly === 'Enabled' || mount.recursiveReadOnly === 'IfPossible' ? 'Enabled' : 'Disabled' }),
  }));
}

function resourcesOf(state: PodState, current: RuntimeContainer, spec: Container): NonNullable<ContainerStatus['resources']> {
  const { limits, requests } = current.state === 'running' ? state.actuated(current) : spec.resources ?? {};
  return { ...(limits !== undefined && { limits }), ...(requests !== undefined && { requests }) };
}
