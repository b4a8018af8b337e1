// What to do next for one pod: pure. The worker carries the actions out and plans again whenever something has changed, so a plan only
// ever says the next steps, and says nothing about what is already under way.
//
//   ending? ──yes──► kill (main, then sidecars from the last) ──► dismantle
//      no
//   sandbox and volumes ──► init containers and sidecars in order ──► main containers   (ephemeral ones as soon as there is a sandbox)
//
// Restart back-off: 10 s doubling to 5 min (or what the node's owner says), forgotten after twice that without a restart (API reference,
// container restart policy).
import { formatDuration } from '../../internal/api/duration.ts';
import type { ContainerStatus as RuntimeContainer } from '../runtime/runtime.ts';
import { containersOf, ephemeralContainersOf, findContainer, gracePeriodMs, initContainersOf, mainContainersOf, podInMessages, restartsAfter, restartsAfterKill, type PodContainer } from './pod-spec.ts';
import { BACKOFF_INITIAL_MS, isRunning, latest, type BackOff, type PodState } from './pod-state.ts';
import { needsRestart } from './resize.ts';
import { isToRestart, restartSource } from './restart-all.ts';

const MIN_GRACE_MS = 2_000;

export type PodAction =
  | { do: 'prepare'; attempt: number }
  | { do: 'start'; container: string; attempt: number; backOff?: BackOff }
  | { do: 'wait'; container: string; reason: string; message: string }
  | { do: 'kill'; id: string; container: string; message: string; graceMs: number; restart: boolean }
  | { do: 'forewarn'; id: string; container: string; message: string; graceMs: number }
  | { do: 'remove'; id: string }
  | { do: 'reset'; ids: string[]; container: string; backOff: BackOff }
  | { do: 'dismantle' };

export interface PodPlan {
  actions: PodAction[];
  againInMs?: number;
}

export function planPod(state: PodState): PodPlan {
  if (state.dismantled) return { actions: [] };
  if (state.ending !== undefined) return planEnding(state, state.ending.sinceMs + state.ending.graceMs);
  if (state.resetting) return { actions: [] };
  const source = restartSource(state);
  if (source !== undefined) return planRestartAll(state, source);
  const containers = planContainers(state);
  if (containers.finished) return planEnding(state, state.now + gracePeriodMs(state.pod));
  const ground = planGround(state, containers.actions);
  return withTimers(state, [...ground, ...containers.actions, ...planRemoval(state)]);
}

/** All but ephemeral containers go, and with nothing left the next plan starts from the beginning. */
function planRestartAll(state: PodState, source: RuntimeContainer): PodPlan {
  const { name } = source.config;
  const until = backOffEnd(state, state.backOffs.get(name), source.finishedAt);
  if (state.starting.size > 0) return { actions: [] };
  if (until > state.now) return { actions: waitFor(state, name, state.backOffs.get(name)?.durationMs ?? 0), againInMs: until - state.now };
  const reset = state.containers.filter(({ config }) => findContainer(state.pod, config.name)?.kind !== 'ephemeral');
  const running = reset.filter(isRunning);
  const kills = running.flatMap(({ id, config }) => killUnless(state, { do: 'kill', id, container: config.name, message: 'killing', graceMs: 0, restart: false }));
  if (running.length > 0 || state.stopping.size > 0) return { actions: kills };
  return { actions: [{ do: 'reset', ids: reset.map(({ id }) => id), container: name, backOff: raise(state, state.backOffs.get(name), source.finishedAt) }] };
}

interface ContainerPlan {
  /** Nothing runs that must, and nothing is to be started: the pod has come to its end. */
  finished: boolean;
  actions: PodAction[];
}

function planContainers(state: PodState): ContainerPlan {
  const init = planInit(state);
  if (init.failed) return { finished: true, actions: [] };
  const ephemeral = ephemeralContainersOf(state.pod).filter(({ spec }) => latest(state, spec.name) === undefined).flatMap((container) => start(state, container));
  if (!init.initialized) return { finished: false, actions: [...ephemeral, ...init.actions] };
  const main = mainContainersOf(state.pod).map((container) => planMain(state, container));
  if (main.every(({ stays }) => !stays)) return { finished: true, actions: [] };
  return { finished: false, actions: [...ephemeral, ...init.actions, ...inOrder(state, main.flatMap(({ actions }) => actions))] };
}

/** All at once, but where one has a postStart hook: then one after the other, as upstream, since users have containers wait for the hook of one before them. */
function inOrder({ pod, starting }: PodState, actions: readonly PodAction[]): PodAction[] {
  const main = mainContainersOf(pod);
  if (main.every(({ spec }) => spec.lifecycle?.postStart === undefined)) return [...actions];
  const first = main.some(({ spec }) => starting.has(spec.name)) ? undefined : actions.find((action) => action.do === 'start');
  return actions.filter((action) => action.do !== 'start' || action === first);
}

/** Init containers one after the other; sidecars are left running behind them and started again when they end. */
function planInit(state: PodState): { initialized: boolean; failed: boolean; actions: PodAction[] } {
  const actions: PodAction[] = [];
  const begun = mainContainersOf(state.pod).some(({ spec }) => isOfSandbox(state, latest(state, spec.name)));
  for (const container of initContainersOf(state.pod)) {
    const status = latest(state, container.spec.name);
    const step = container.kind === 'sidecar' ? planSidecar(state, container, status) : begun ? DONE : planInitContainer(state, container, isOfSandbox(state, status) ? status : undefined);
    actions.push(...step.actions);
    if (step.failed) return { initialized: false, failed: true, actions: [] };
    if (!step.done && !begun) return { initialized: false, failed: false, actions };
  }
  return { initialized: true, failed: false, actions };
}

interface InitStep {
  done: boolean;
  failed: boolean;
  actions: PodAction[];
}
const DONE: InitStep = { done: true, failed: false, actions: [] };

function planInitContainer(state: PodState, container: PodContainer, status: RuntimeContainer | undefined): InitStep {
  if (isRunning(status)) return { done: false, failed: false, actions: [] };
  if (status?.state === 'exited') {
    const exitCode = status.exitCode ?? 255;
    if (exitCode === 0) return DONE;
    if (!restartsAfter(state.pod, container, exitCode)) return { done: false, failed: true, actions: [] };
  }
  return { done: false, failed: false, actions: start(state, container) };
}

function planSidecar(state: PodState, container: PodContainer, status: RuntimeContainer | undefined): InitStep {
  if (!isRunning(status) || !isOfSandbox(state, status)) return { done: false, failed: false, actions: start(state, container) };
  const id = status?.id ?? '';
  const kill = killWhenUnhealthy(state, container, id, 'Init container');
  // As long as its postStart hook runs, it has not started.
  const done = !state.starting.has(container.spec.name) && (container.spec.startupProbe === undefined || state.probes(id).startup === 'success');
  return { done, failed: false, actions: kill };
}

function planMain(state: PodState, container: PodContainer): { stays: boolean; actions: PodAction[] } {
  const status = latest(state, container.spec.name);
  if (state.starting.has(container.spec.name)) return { stays: true, actions: [] };
  if (status !== undefined && isRunning(status)) return { stays: !failsForGood(state, container, status.id), actions: killWhenUnhealthy(state, container, status.id, 'Container') };
  const again = status?.state !== 'exited' || state.restart.has(status.id) || restartsAfter(state.pod, container, status.exitCode ?? 255);
  return again ? { stays: true, actions: start(state, container) } : { stays: false, actions: [] };
}

function killWhenUnhealthy(state: PodState, container: PodContainer, id: string, what: string): PodAction[] {
  const { spec } = container;
  const { startup, liveness } = state.probes(id);
  const status = state.containers.find((candidate) => candidate.id === id);
  const restart = restartsAfterKill(state.pod, container);
  const kill = (why: string, graceSeconds: number | undefined, again: boolean, tellsRestart = container.kind === 'main'): PodAction[] => {
    const graceMs = graceSeconds === undefined ? gracePeriodMs(state.pod) : graceSeconds * 1000;
    return killUnless(state, { do: 'kill', id, container: spec.name, message: `${what} ${spec.name} ${why}${again && tellsRestart ? ', will be restarted' : ''}`, graceMs, restart: again });
  };
  if (status !== undefined && spec.image !== undefined && status.config.imageName !== spec.image) return kill('definition changed', undefined, true);
  if (status !== undefined && needsRestart(spec, state.actuated(status))) return kill('resize requires restart', undefined, true, false);
  if (liveness === 'failure') return kill('failed liveness probe', spec.livenessProbe?.terminationGracePeriodSeconds, restart);
  if (startup === 'failure') return kill('failed startup probe', spec.startupProbe?.terminationGracePeriodSeconds, restart);
  return [];
}

/** Its probe wants it killed, and nothing will start it again. Where no other container stays the whole pod ends. */
function failsForGood(state: PodState, container: PodContainer, id: string): boolean {
  const { startup, liveness } = state.probes(id);
  return (startup === 'failure' || liveness === 'failure') && !restartsAfterKill(state.pod, container);
}

/** One kill at a time, unless the new one leaves less time. */
function killUnless(state: PodState, kill: Extract<PodAction, { do: 'kill' }>): PodAction[] {
  const deadline = state.stopping.get(kill.id);
  return deadline === undefined || state.now + kill.graceMs < deadline - 500 ? [kill] : [];
}

/** Starts a container, or says how long it still has to wait. */
function start(state: PodState, { spec }: PodContainer): PodAction[] {
  if (state.starting.has(spec.name)) return [];
  const last = latest(state, spec.name);
  if (last !== undefined && isRunning(last) && state.sandbox?.id === last.sandboxId) return [];
  if ((state.notBefore.get(spec.name) ?? 0) > state.now) return [];
  // Volumes or sandbox failed and wait for their own retry: there is nothing to stand on.
  if (state.ground === 'none' && state.groundNotBefore > state.now) return [];
  const attempt = nextAttempt(state, spec.name);
  const counts = countsForBackOff(state, last);
  if (last?.state !== 'exited' || counts === undefined) return [{ do: 'start', container: spec.name, attempt }];
  const backOff = state.backOffs.get(spec.name);
  if (backOffEnd(state, backOff, counts.finishedAt) > state.now) return waitFor(state, spec.name, backOff?.durationMs ?? 0);
  return [{ do: 'start', container: spec.name, attempt, backOff: raise(state, backOff, counts.finishedAt) }];
}

/** Which end the back-off is counted from. What is ended in order to be started again is judged by the end before that one, and once: then it waits like all that have ended. */
function countsForBackOff({ containers, restart, waiting }: PodState, last: RuntimeContainer | undefined): RuntimeContainer | undefined {
  if (last === undefined || !restart.has(last.id) || waiting.get(last.config.name)?.reason === 'CrashLoopBackOff') return last;
  return containers.find(({ id, state, config }) => id !== last.id && state === 'exited' && config.name === last.config.name);
}

function waitFor(state: PodState, container: string, durationMs: number): PodAction[] {
  const message = `back-off ${formatDuration(durationMs)} restarting failed container=${container} pod=${podInMessages(state.pod)}`;
  return state.waiting.get(container)?.message === message ? [] : [{ do: 'wait', container, reason: 'CrashLoopBackOff', message }];
}

/** When the back-off that stands lets the container start; 0 when none stands. */
function backOffEnd({ now, backOffMaxMs }: PodState, backOff: BackOff | undefined, finishedAt: number): number {
  if (backOff === undefined || now - backOff.updatedAt > 2 * backOffMaxMs) return 0;
  return finishedAt + backOff.durationMs;
}

function raise({ now, backOffMaxMs }: PodState, backOff: BackOff | undefined, finishedAt: number): BackOff {
  const fresh = backOff === undefined || finishedAt - backOff.updatedAt > 2 * backOffMaxMs;
  return { durationMs: Math.min(fresh ? BACKOFF_INITIAL_MS : backOff.durationMs * 2, backOffMaxMs), updatedAt: now };
}

/** Restart count of the next container: one more than any that is known, here or in the status. */
function nextAttempt(state: PodState, name: string): number {
  const here = state.containers.filter(({ config }) => config.name === name).map(({ config }) => config.attempt);
  if (here.length > 0) return Math.max(...here) + 1;
  const statuses = [...(state.previous.initContainerStatuses ?? []), ...(state.previous.containerStatuses ?? []), ...(state.previous.ephemeralContainerStatuses ?? [])];
  const known = statuses.find((status) => status.name === name);
  if (known !== undefined && isToRestart(known)) return known.restartCount;
  const ran = known !== undefined && (known.state?.running !== undefined || known.state?.terminated !== undefined || known.lastState?.terminated !== undefined);
  return ran ? known.restartCount + 1 : 0;
}

/** Volumes and sandbox are made as soon as the pod is seen, beside the pulling of images. */
function planGround(state: PodState, starts: readonly PodAction[]): PodAction[] {
  if (state.ground === 'busy') return [];
  const standing = state.ground === 'ready' && state.sandbox?.state === 'ready';
  const wanted = starts.some((action) => action.do === 'start') || state.starting.size > 0 || state.containers.some(isRunning) || state.containers.length === 0;
  if (standing || !wanted || state.groundNotBefore > state.now) return [];
  const attempt = state.sandbox === undefined ? 0 : state.sandbox.state === 'ready' ? state.sandbox.config.attempt : state.sandbox.config.attempt + 1;
  return [{ do: 'prepare', attempt }];
}

/** Two of each name are kept: the one that counts and the one before, for its logs and lastState. */
function planRemoval(state: PodState): PodAction[] {
  const kept = new Map<string, number>();
  return state.containers.flatMap((container): PodAction[] => {
    const count = (kept.get(container.config.name) ?? 0) + 1;
    kept.set(container.config.name, count);
    return count > 2 && container.state !== 'running' && !state.stopping.has(container.id) ? [{ do: 'remove', id: container.id }] : [];
  });
}

/** Main and ephemeral containers first; each sidecar when all that started after it are gone, told of it and with its preStop hook begun at once. */
function planEnding(state: PodState, deadline: number): PodPlan {
  const running = state.containers.filter(isRunning);
  const graceMs = Math.max(MIN_GRACE_MS, deadline - state.now);
  const kind = (container: RuntimeContainer) => findContainer(state.pod, container.config.name)?.kind ?? 'main';
  const others = running.filter((container) => kind(container) !== 'sidecar');
  const order = containersOf(state.pod).map(({ spec }) => spec.name);
  const sidecars = running.filter((container) => kind(container) === 'sidecar').sort((a, b) => order.indexOf(b.config.name) - order.indexOf(a.config.name));
  const now = others.length > 0 && deadline > state.now ? others : others.length > 0 ? running : sidecars.slice(0, 1);
  const kills = now.flatMap((container) => killUnless(state, { do: 'kill', id: container.id, container: container.config.name, message: `Stopping container ${container.config.name}`, graceMs, restart: false }));
  const warnings = sidecars.filter((container) => !now.includes(container) && !state.forewarned.has(container.id) && !state.stopping.has(container.id))
    .map(({ id, config: { name } }) => ({ do: 'forewarn' as const, id, container: name, message: `Stopping container ${name}`, graceMs }));
  const actions = [...kills, ...warnings];
  if (running.length > 0) return sidecars.length > 0 && deadline > state.now ? { actions, againInMs: deadline - state.now } : { actions };
  const idle = state.starting.size === 0 && state.ground !== 'busy' && state.stopping.size === 0;
  return { actions: idle ? [{ do: 'dismantle' }] : [] };
}

function withTimers(state: PodState, actions: PodAction[]): PodPlan {
  const ends = [...state.notBefore.values(), state.groundNotBefore].filter((at) => at > state.now);
  for (const { spec } of containersOf(state.pod)) {
    const last = latest(state, spec.name);
    if (last?.state === 'exited') ends.push(backOffEnd(state, state.backOffs.get(spec.name), last.finishedAt));
  }
  const due = ends.filter((at) => at > state.now);
  return due.length === 0 ? { actions } : { actions, againInMs: Math.min(...due) - state.now };
}

function isOfSandbox(state: PodState, container: RuntimeContainer | undefined): boolean {
  return container !== undefined && container.sandboxId === state.sandbox?.id;
}
