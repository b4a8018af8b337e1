// A pod's row: the STATUS that kubectl shows is worked out here from phase, conditions and container states (upstream: printPod).
import { ageOf, objectAge } from '../../api/age.ts';
import type { ContainerStatus, Pod } from '../generated/api-types.ts';
import type { Cell } from '../kind.ts';
import { orNone } from '../cells.ts';

interface Progress {
  reason: string;
  ready: number;
  restarts: number;
  lastRestart: string;
}

export function podCells(pod: Pod, now: number): Cell[] {
  const { spec, status = {} } = pod;
  const restartable = new Set((spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always').map(({ name }) => name));
  const init = initProgress(pod, restartable);
  const { reason, ready, restarts, lastRestart } = init.initializing && !hasTrue(pod, 'Initialized') ? init : mainProgress(pod, init);
  const total = spec.containers.length + restartable.size;
  return [
    pod.metadata.name, `${String(ready)}/${String(total)}`, finalReason(pod, reason),
    restarts !== 0 && lastRestart !== '' ? `${String(restarts)} (${ageOf(lastRestart, now)} ago)` : String(restarts), objectAge(pod, now),
    orNone(status.podIPs?.[0]?.ip), orNone(spec.nodeName), orNone(status.nominatedNodeName), readinessGates(pod),
  ];
}

function initialReason({ status = {} }: Pod): string {
  const gated = (status.conditions ?? []).some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : (status.reason || (status.phase ?? ''));
}

interface InitProgress extends Progress {
  initializing: boolean;
  sidecarRestarts: number;
  sidecarLastRestart: string;
}

function initProgress(pod: Pod, restartable: ReadonlySet<string>): InitProgress {
  const progress: InitProgress = { reason: initialReason(pod), ready: 0, restarts: 0, lastRestart: '', initializing: false, sidecarRestarts: 0, sidecarLastRestart: '' };
  const count = pod.spec.initContainers?.length ?? 0;
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const isSidecar = restartable.has(container.name);
    progress.restarts += container.restartCount;
    progress.lastRestart = laterOf(progress.lastRestart, container);
    if (isSidecar) {
      progress.sidecarRestarts += container.restartCount;
      progress.sidecarLastRestart = laterOf(progress.sidecarLastRestart, container);
    }
    if (container.state?.terminated?.exitCode === 0) continue;
    if (isSidecar && container.started === true) {
      if (container.ready) progress.ready++;
      continue;
    }
    return { ...progress, initializing: true, reason: initReason(container, index, count) };
  }
  return progress;
}

function initReason({ state }: ContainerStatus, index: number, count: number): string {
  const { terminated, waiting } = state ?? {};
  if (terminated !== undefined) return `Init:${terminatedReason(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${String(index)}/${String(count)}`;
}

function mainProgress(pod: Pod, init: InitProgress): Progress {
  let { reason, ready, sidecarRestarts: restarts, sidecarLastRestart: lastRestart } = init;
  let hasRunning = false;
  let errorReason = '';
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    const { waiting, terminated, running } = container.state ?? {};
    restarts += container.restartCount;
    lastRestart = laterOf(lastRestart, container);
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated !== undefined) {
      reason = terminatedReason(terminated);
      if (terminated.exitCode !== 0) errorReason = reason;
    } else if (container.ready && running !== undefined) {
      hasRunning = true;
      ready++;
    }
  }
  if (reason === 'Completed') {
    if (hasRunning && hasTrue(pod, 'Ready')) reason = 'Running';
    else if (errorReason !== '') reason = errorReason;
    else if (hasRunning) reason = 'NotReady';
  }
  return { reason, ready, restarts, lastRestart };
}

function finalReason({ metadata, status = {} }: Pod, reason: string): string {
  if (metadata.deletionTimestamp === undefined) return reason;
  if (status.reason === 'NodeLost') return 'Unknown';
  return status.phase === 'Failed' || status.phase === 'Succeeded' ? reason : 'Terminating';
}

function terminatedReason({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  if (reason) return reason;
  return signal ? `Signal:${String(signal)}` : `ExitCode:${String(exitCode)}`;
}

// Times of one format compare as text.
function laterOf(last: string, { lastState }: ContainerStatus): string {
  const finished = lastState?.terminated?.finishedAt ?? '';
  return finished > last ? finished : last;
}

function hasTrue({ status }: Pod, type: string): boolean {
  return status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${String(gates.filter(({ conditionType }) => hasTrue(pod, conditionType)).length)}/${String(gates.length)}`;
}
