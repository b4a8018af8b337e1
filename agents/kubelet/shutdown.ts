// The end of the machine, where its owner gives pods time for it (KEP-2000, KEP-2712): pods end by priority, lowest first, each group with its time, and
// are Failed from then on, so that controllers make others elsewhere. No pod is taken on meanwhile.
import { delay, type Clock } from '../../internal/base/clock.ts';
import { parseDuration } from '../../internal/api/duration.ts';
import type { KubeletConfiguration } from './configuration/configuration.ts';
import { gracePeriodMs, isTerminalPhase } from './pod-spec.ts';
import { hasEnded, type PodWorker } from './pod-worker.ts';
import type { Pods } from './pods.ts';
import { statusPatch } from './status/status-patch.ts';

export interface ShutdownGroup {
  /** Pods of this priority and above, up to the next group's. */
  priority: number;
  graceMs: number;
}

export const SHUTTING_DOWN = 'node is shutting down';
const REJECTION = { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' };
const [REASON, MESSAGE] = ['Terminated', 'Pod was terminated in response to imminent node shutdown.'];
const CRITICAL_PRIORITY = 2_000_000_000;
const LOOK_MS = 100;
/** For the last statuses to reach the API after the last group's time. */
const TELL_MS = 5000;

type Settings = Pick<KubeletConfiguration, 'shutdownGracePeriod' | 'shutdownGracePeriodCriticalPods' | 'shutdownGracePeriodByPodPriority'>;

/** Lowest priority first; none: nothing is said of it. */
export function shutdownGroupsOf({ shutdownGracePeriod, shutdownGracePeriodCriticalPods, shutdownGracePeriodByPodPriority }: Settings): ShutdownGroup[] {
  if (shutdownGracePeriodByPodPriority.length > 0) return shutdownGracePeriodByPodPriority.map(({ priority, shutdownGracePeriodSeconds }) => ({ priority, graceMs: shutdownGracePeriodSeconds * 1000 })).sort((a, b) => a.priority - b.priority);
  const [all, critical] = [parseDuration(shutdownGracePeriod), parseDuration(shutdownGracePeriodCriticalPods)];
  return all === 0 ? [] : [{ priority: 0, graceMs: all - critical }, { priority: CRITICAL_PRIORITY, graceMs: critical }];
}

/** The highest group that the priority reaches; the lowest where it reaches none. */
export function groupOf(groups: readonly ShutdownGroup[], priority: number): number {
  return Math.max(0, groups.findLastIndex((group) => group.priority <= priority));
}

/** Resolves when all have ended or their time is over, and the API shows it as far as it answers. */
export async function endForShutdown(pods: Pods, groups: readonly ShutdownGroup[], clock: Clock): Promise<void> {
  pods.refuse(REJECTION);
  const workers = pods.workers().filter(({ memory }) => !memory.gone && !isTerminalPhase(memory.status.phase));
  for (const [index, { graceMs }] of groups.entries()) {
    const own = workers.filter(({ pod }) => groupOf(groups, pod.spec.priority ?? 0) === index);
    for (const worker of own) worker.end(REASON, MESSAGE, Math.min(graceMs, gracePeriodMs(worker.pod)));
    await until(() => own.every(hasEnded), graceMs, clock);
  }
  await until(() => workers.every(isTold), TELL_MS, clock);
}

function isTold({ memory }: PodWorker): boolean {
  return memory.stopped || (!memory.writing && isTerminalPhase(memory.status.phase) && statusPatch(memory.pod, memory.status) === undefined);
}

async function until(done: () => boolean, patienceMs: number, clock: Clock): Promise<void> {
  const end = clock.monotonicMs() + patienceMs;
  while (!done() && clock.monotonicMs() < end) await delay(clock, LOOK_MS);
}
