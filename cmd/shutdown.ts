// A machine that goes down takes its pods with it, and they are ended in order: each with its preStop hook and grace period, critical ones last.
// A stop or restart of Skiff alone leaves them be, so the process asks, when its end is asked for, whether it is the machine's.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseDuration } from '../internal/api/duration.ts';
import { readKubeletConfiguration } from '../agents/kubelet/configuration/configuration.ts';
import type { Clock } from '../internal/base/clock.ts';
import { tryCommand } from '../internal/base/command.ts';
import type { Log } from '../internal/base/log.ts';
import { RUN_ROOT } from './places.ts';
import type { ServiceManager } from './service-manager.ts';

/** The script for OpenRC makes it, which is told of what systemd is asked. */
const MARK = join(RUN_ROOT, 'machine-stops');
/** A pod that asks for an hour must not hold a reboot for an hour, unless the node's owner says so. */
const DEFAULT_GRACE = { graceMaxMs: 60_000 };
/** More time is asked for again and again while pods end. */
const EXTENSION_MS = 30_000;

export async function machineStops(): Promise<boolean> {
  if (existsSync(MARK)) return true;
  if (!existsSync('/run/systemd/system')) return false;
  const { stdout } = await tryCommand('systemctl', ['is-system-running']).catch(() => ({ stdout: '' }));
  return stdout.trim() === 'stopping';
}

export interface ShutdownGrace {
  graceMaxMs: number;
  /** Of critical pods, which end after all others. */
  criticalMaxMs?: number;
}

/** As --kubelet-arg shutdownGracePeriod and shutdownGracePeriodCriticalPods say it (KEP-2000); undefined: they do not. */
export function shutdownGraceOf(kubeletArgs: readonly string[]): ShutdownGrace | undefined {
  const { shutdownGracePeriod, shutdownGracePeriodCriticalPods } = readKubeletConfiguration(kubeletArgs);
  const [all, criticalMaxMs] = [parseDuration(shutdownGracePeriod), parseDuration(shutdownGracePeriodCriticalPods)];
  return all === 0 ? undefined : { graceMaxMs: all - criticalMaxMs, criticalMaxMs };
}

/** When what ran them has stopped. */
export async function endPodsWithMachine(dataDir: string, { manager, clock, log, grace = DEFAULT_GRACE }: { manager: ServiceManager; clock: Clock; log: Log; grace?: ShutdownGrace | undefined }): Promise<void> {
  const [{ endAllPods }, { findSite }] = await Promise.all([import('./ownership/pods.ts'), import('./ownership/site.ts')]);
  await withMoreTime(manager, clock, () => endAllPods(findSite({ dataDir }, {}), { log, tell: (line) => log.info(`ended ${line}`), ...grace }));
}

/** Asks the service manager for more again and again while the work goes on. */
export async function withMoreTime(manager: ServiceManager, clock: Clock, work: () => Promise<void>): Promise<void> {
  let timer: ReturnType<Clock['setTimer']> | undefined;
  const extend = (): void => {
    manager.stopping('the machine goes down: ending pods', EXTENSION_MS);
    timer = clock.setTimer(EXTENSION_MS / 2, extend);
  };
  extend();
  try {
    await work();
  } finally {
    timer?.cancel();
  }
}
