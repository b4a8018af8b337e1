// How Skiff is kept running on this machine: by systemd, by OpenRC, or by nobody (in the background). And how each is told to stop, so that no
// supervisor starts again what has been ended.
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { delay, type Clock } from '../../internal/base/clock.ts';
import { tryCommand } from '../../internal/base/command.ts';
import type { Entry } from '../../internal/base/ledger.ts';
import { isRunning, type Instance } from '../instance.ts';

export interface Service {
  manager: 'systemd' | 'openrc';
  name: string;
  /** Its unit file or init script. */
  file: string;
  /** It came with Skiff; otherwise somebody made it by hand, and it is stopped but not taken away. */
  installed: boolean;
}

/** A clean stop flushes what is relaxed; longer than that it is stuck, and containers and store bear a kill. */
const STOP_MS = 90_000;
const POLL_MS = 50;
const USUAL = ['/etc/systemd/system/skiff.service', '/etc/systemd/system/skiff-agent.service', '/etc/init.d/skiff', '/etc/init.d/skiff-agent'];

/** Those that were installed, and those that stand at the usual places by somebody's hand. */
export function findServices(entries: readonly Entry[]): Service[] {
  const ours = new Set(entries.flatMap((entry) => (entry.kind === 'path' ? [entry.path] : [])));
  return [...new Set([...ours, ...USUAL])].filter((file) => existsSync(file)).flatMap((file): Service[] => {
    const installed = ours.has(file);
    if (file.endsWith('.service') && !file.includes('.wants/')) return [{ manager: 'systemd', name: basename(file), file, installed }];
    return /^\/etc\/init\.d\/[^/]+$/.test(file) ? [{ manager: 'openrc', name: basename(file), file, installed }] : [];
  });
}

/** Whether the manager is the one that runs this machine: tools of both may be installed on a machine that neither runs. */
function isInCharge(manager: Service['manager']): boolean {
  return existsSync(manager === 'systemd' ? '/run/systemd/system' : '/run/openrc/softlevel');
}

export async function stopService({ manager, name }: Pick<Service, 'manager' | 'name'>): Promise<void> {
  if (!isInCharge(manager)) return;
  const words = manager === 'systemd' ? ['systemctl', 'stop', name] : ['rc-service', '--ifstarted', name, 'stop'];
  const { code, stderr, stdout } = await tryCommand(words[0] ?? '', words.slice(1), { timeoutMs: 2 * STOP_MS });
  if (code !== 0 && !/not loaded|does not exist/.test(stderr)) throw new Error(`${words.join(' ')}: ${(stderr || stdout).trim()}`);
}

/** No longer started at boot, and forgotten by its manager once its file is gone. */
export async function disableService({ manager, name }: Service): Promise<void> {
  if (manager === 'systemd') await tryCommand('systemctl', ['disable', name]).catch(() => undefined); // works on files alone, where it is installed
  else await tryCommand('rc-update', ['-a', 'del', name]).catch(() => undefined);
}

export async function forgetService({ manager, name }: Service): Promise<void> {
  if (manager !== 'systemd' || !isInCharge(manager)) return;
  await tryCommand('systemctl', ['daemon-reload']);
  await tryCommand('systemctl', ['reset-failed', name]); // fails where nothing had failed
}

/** The unit of systemd's that a process is the main one of, whatever it is called. */
async function unitOf({ pid }: Instance): Promise<string | undefined> {
  if (!isInCharge('systemd')) return undefined;
  const unit = /\/([^/\n]+\.service)(?:\/[^\n]*)?$/m.exec(readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8'))?.[1];
  if (unit === undefined) return undefined;
  const { stdout } = await tryCommand('systemctl', ['show', '--property', 'MainPID', '--value', unit]);
  return Number(stdout.trim()) === pid ? unit : undefined;
}

/** Ends the process, by its unit where it has one, and resolves when it has ended. */
export async function stopInstance(instance: Instance, clock: Clock): Promise<void> {
  if (!isRunning(instance)) return;
  const unit = await unitOf(instance);
  if (unit !== undefined) await stopService({ manager: 'systemd', name: unit });
  for (const [signal, patienceMs] of [['SIGTERM', STOP_MS], ['SIGKILL', STOP_MS]] as const) {
    if (!isRunning(instance)) return;
    process.kill(instance.pid, constants.signals[signal]);
    const deadline = clock.monotonicMs() + patienceMs;
    while (isRunning(instance) && clock.monotonicMs() < deadline) await delay(clock, POLL_MS);
  }
  if (isRunning(instance)) throw new Error(`process ${String(instance.pid)} does not end`);
}
