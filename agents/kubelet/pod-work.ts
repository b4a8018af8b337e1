// Carrying out what the plan says: each action starts its work and returns; the work wakes the worker when it is done.
import { messageOf } from '../../internal/base/errors.ts';
import { runPreStop } from './hooks.ts';
import type { NodeContext } from './node-context.ts';
import type { PodAction } from './plan.ts';
import type { PodMemory } from './pod-memory.ts';
import { findContainer, hasOwnUsers, type ContainerKind } from './pod-spec.ts';
import { StartError } from './start-error.ts';
import { containerType } from './stats/container-type.ts';
import { startContainer } from './steps/container.ts';
import { applySteps, StepError, undoSteps } from './steps/index.ts';
import { sandboxesOf } from './steps/sandbox.ts';
import type { Ground } from './steps/step.ts';
import { nextRefresh } from './volumes/index.ts';
import { MountError, VolumeLimitError } from './volumes/volume.ts';

type Of<Kind extends PodAction['do']> = Extract<PodAction, { do: Kind }>;
const GROUND_RETRY_MS = 500;
const GROUND_RETRY_MAX_MS = 122_000;
const START_RETRY_MS = 10_000;
const DISMANTLE_RETRY_MS = 1000;
/** A volume's driver may be away for long, and is soon seen when it is back. */
const DISMANTLE_RETRY_MAX_MS = 8000;

export function perform(action: PodAction, memory: PodMemory, node: NodeContext, wake: () => void): void {
  switch (action.do) {
    case 'prepare': return prepare(action, memory, node, wake);
    case 'start': return start(action, memory, node, wake);
    case 'kill': return kill(action, memory, node, wake);
    case 'forewarn': return forewarn(action, memory, node);
    case 'remove': return remove(action, memory, node);
    case 'reset': return reset(action, memory, node, wake);
    case 'dismantle': return dismantle(memory, node, wake);
    case 'wait':
      node.event(memory.pod, 'Warning', 'BackOff', `Back-off restarting failed container ${action.container} in pod ${memory.pod.metadata.name}_${memory.pod.metadata.namespace ?? ''}(${memory.pod.metadata.uid})`, action.container);
      memory.waiting.set(action.container, { reason: action.reason, message: action.message });
  }
}

function prepare({ attempt }: Of<'prepare'>, memory: PodMemory, node: NodeContext, wake: () => void): void {
  const ground: Ground = { pod: memory.pod, attempt, volumes: [], signal: memory.ended.signal };
  memory.standing = undefined;
  memory.ground = applySteps(ground, node).then(
    () => {
      memory.standing = ground;
      memory.groundFailures = 0;
      memory.refreshAt = nextRefresh(ground.volumes);
      return ground;
    },
    (error: unknown) => {
      tellGroundFailure(error, memory, node);
      memory.groundNotBefore = node.clock.now() + Math.min(GROUND_RETRY_MS * 2 ** memory.groundFailures++, GROUND_RETRY_MAX_MS);
      return undefined;
    },
  ).finally(() => {
    memory.ground = undefined;
    wake();
  });
}

function tellGroundFailure(error: unknown, memory: PodMemory, node: NodeContext): void {
  const { pod } = memory;
  const step = error instanceof StepError ? error.step : '';
  const limit = error instanceof StepError && error.cause instanceof VolumeLimitError ? error.cause : undefined;
  if (limit !== undefined) return rejectForLimit(limit, memory, node);
  if (step === 'volumes') node.event(pod, 'Warning', error instanceof StepError && error.cause instanceof MountError ? error.cause.reason : 'FailedMount', messageOf(error));
  else if (step === 'claims') node.event(pod, 'Warning', 'FailedPrepareDynamicResources', `Failed to prepare dynamic resources: ${messageOf(error)}`);
  else if (step === 'sandbox') node.event(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
  else if (step === 'directories') node.event(pod, 'Warning', 'Failed', `error making pod data directories: ${messageOf(error)}`);
  else node.event(pod, 'Warning', 'FailedSync', `error making pod ${step}: ${messageOf(error)}`);
  node.log.debug('pod could not be prepared', { pod: pod.metadata.name, step, error: messageOf(error) });
}

function rejectForLimit({ reason, message }: VolumeLimitError, memory: PodMemory, node: NodeContext): void {
  node.event(memory.pod, 'Warning', reason, message);
  memory.forced ??= { sinceMs: node.clock.now(), graceMs: 0, status: { phase: 'Failed', reason, message: `Pod was rejected: ${message}` } };
}

function start({ container: name, attempt, backOff }: Of<'start'>, memory: PodMemory, node: NodeContext, wake: () => void): void {
  const { pod } = memory;
  const container = findContainer(pod, name);
  if (container === undefined) return;
  const aborted = new AbortController();
  memory.starting.set(name, aborted);
  memory.notBefore.delete(name);
  if (backOff !== undefined) memory.backOffs.set(name, backOff);
  const target = container.targetContainerName === undefined ? undefined : targetOf(container.targetContainerName, memory, node);
  startContainer({
    pod, container, attempt, pullBackOffs: memory.pullBackOffs, signal: aborted.signal, ...(target !== undefined && { targetId: target }),
    // Asked when the image is there: the ground may have been begun after this start.
    ground: Promise.resolve().then(() => memory.ground ?? memory.standing),
  }, node).then(
    (id) => {
      if (id !== undefined) node.counts.count('kubelet_started_containers_total', { container_type: containerType(container.kind) });
      memory.waiting.delete(name);
      memory.refreshAt ??= nextRefresh(memory.standing?.volumes ?? []); // an ephemeral container may have brought a volume
    },
    (error: unknown) => {
      if (aborted.signal.aborted) return;
      countFailedStart(error, container.kind, node);
      if (attempt === 0 && hasOwnUsers(pod) && !memory.waiting.has(name)) node.starts.ownUsersFailed++;
      memory.waiting.set(name, { reason: error instanceof StartError ? error.reason : 'CreateContainerError', message: messageOf(error) });
      const pulling = memory.pullBackOffs.get(container.spec.image ?? '')?.until;
      const backedOff = error instanceof StartError && error.reason === 'ImagePullBackOff';
      // A container that was there and ended is started again like all that end: what holds it up is its back-off.
      const ended = error instanceof StartError && (error.reason === 'RunContainerError' || error.reason === 'PostStartHookError');
      memory.notBefore.set(name, backedOff && pulling !== undefined ? pulling : node.clock.now() + (pulling === undefined && !ended ? START_RETRY_MS : 1000));
    },
  ).finally(() => {
    memory.starting.delete(name);
    wake();
  });
}

function countFailedStart(error: unknown, kind: ContainerKind, { counts }: NodeContext): void {
  const labels = { container_type: containerType(kind) };
  counts.count('kubelet_started_containers_total', labels);
  counts.count('kubelet_started_containers_errors_total', { code: error instanceof StartError ? error.reason : 'CreateContainerError', ...labels });
}

function targetOf(name: string, { pod }: PodMemory, node: NodeContext): string | undefined {
  const containers = sandboxesOf(node, pod.metadata.uid).flatMap(({ id }) => node.runtime.listContainers(id));
  return containers.find(({ config, state }) => config.name === name && state === 'running')?.id;
}

function kill({ id, container: name, message, graceMs, restart }: Of<'kill'>, memory: PodMemory, node: NodeContext, wake: () => void): void {
  const repeated = memory.stopping.has(id);
  const begun = node.clock.monotonicMs();
  memory.stopping.set(id, node.clock.now() + graceMs);
  if (restart) memory.restart.add(id);
  const hook = repeated ? Promise.resolve() : memory.forewarned.get(id) ?? announce({ id, name, message, graceMs }, memory, node);
  hook.then(() => node.runtime.stopContainer(id, Math.max(repeated ? 0 : 2000, Math.min(graceMs, graceMs - (node.clock.monotonicMs() - begun)))))
    .catch((error: unknown) => node.log.warn('container could not be stopped', { container: name, pod: memory.pod.metadata.name, error: messageOf(error) }))
    .finally(() => {
      memory.stopping.delete(id);
      wake();
    });
}

function forewarn({ id, container: name, message, graceMs }: Of<'forewarn'>, memory: PodMemory, node: NodeContext): void {
  memory.forewarned.set(id, announce({ id, name, message, graceMs }, memory, node));
}

/** What comes before the signal. */
function announce({ id, name, message, graceMs }: { id: string; name: string; message: string; graceMs: number }, { pod }: PodMemory, node: NodeContext): Promise<number> {
  const container = findContainer(pod, name)?.spec;
  node.event(pod, 'Normal', 'Killing', message, name);
  const podIps = sandboxesOf(node, pod.metadata.uid)[0]?.ips ?? [];
  return container === undefined ? Promise.resolve(0) : runPreStop({ pod, container, id, podIps: pod.spec.hostNetwork === true ? node.nodeIps : podIps }, graceMs, node);
}

/** Removed one after the other, the one that asked for it last: until it has gone the reset is not done. */
function reset({ ids, container, backOff }: Of<'reset'>, memory: PodMemory, node: NodeContext, wake: () => void): void {
  if (memory.resetting) return;
  memory.resetting = true;
  memory.backOffs.set(container, backOff);
  const last = ids.filter((id) => node.runtime.status(id)?.config.name === container);
  const removeAll = async (): Promise<void> => {
    for (const id of [...ids.filter((id) => !last.includes(id)), ...last.reverse()]) {
      memory.messages.delete(id);
      await node.runtime.removeContainer(id);
    }
  };
  removeAll().catch((error: unknown) => node.log.warn('containers could not be reset', { pod: memory.pod.metadata.name, error: messageOf(error) })).finally(() => {
    memory.resetting = false;
    memory.waiting.clear();
    wake();
  });
}

function remove({ id }: Of<'remove'>, memory: PodMemory, node: NodeContext): void {
  memory.messages.delete(id);
  memory.restart.delete(id);
  memory.resize.actuated.delete(id);
  node.runtime.removeContainer(id).catch((error: unknown) => node.log.warn('old container could not be removed', { error: messageOf(error) }));
}

function dismantle(memory: PodMemory, node: NodeContext, wake: () => void): void {
  memory.dismantling = true;
  undoSteps({ pod: memory.pod, attempt: 0, volumes: [], signal: memory.ended.signal }, node).then(
    () => { memory.dismantled = true; },
    (error: unknown) => {
      node.log.warn('pod could not be dismantled', { pod: memory.pod.metadata.name, error: messageOf(error) });
      memory.dismantleFailures++;
    },
  ).finally(() => {
    memory.dismantling = false;
    memory.standing = undefined;
    if (memory.dismantled) wake();
    else node.clock.setTimer(Math.min(DISMANTLE_RETRY_MS * 2 ** (memory.dismantleFailures - 1), DISMANTLE_RETRY_MAX_MS), wake);
  });
}
