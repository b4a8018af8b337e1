// Taking Skiff down, kind by kind: `stop --pods` as far as a reboot would, `uninstall` to the end. What cannot be taken away is told and does not keep
// the rest: the next run finds it again.
import { systemClock } from '../../internal/base/clock.ts';
import { messageOf } from '../../internal/base/errors.ts';
import { createLog, type Log } from '../../internal/base/log.ts';
import { isRunning } from '../instance.ts';
import type { Belonging, Kind } from './belongings.ts';
import { disableService, stopInstance, stopService } from './service.ts';
import type { Site } from './site.ts';

export interface Report {
  /** A line of what has gone. */
  gone(line: string): void;
  kept(line: string, why: string): void;
  failed(line: string, error: unknown): void;
}

/** Warnings of parts that were made for a server; what they did is told by the report. */
export function quietLog(): Log {
  return createLog({ level: 'warn', format: 'text', clock: systemClock, write: (line) => void process.stderr.write(line) });
}

export function reportTo(verb: string): Report & { failures: number } {
  return {
    failures: 0,
    gone: (line) => void process.stdout.write(`${verb} ${line}\n`),
    kept: (line, why) => void process.stdout.write(`kept ${line} (${why})\n`),
    failed(line, error) {
      this.failures++;
      process.stderr.write(`skiff: ${line}: ${messageOf(error)}\n`);
    },
  };
}

/** Processes of Skiff itself, as lines. */
export function processLines({ services, instance }: Site): string[] {
  return [
    ...services.map(({ name }) => `service ${name}`),
    ...(instance !== undefined && isRunning(instance) ? [`process ${String(instance.pid)} skiff ${instance.verb}`] : []),
  ];
}

/** The supervisors first: they would start it again. `forGood`: also not at the next boot. */
export async function stopProcesses({ services, instance }: Site, report: Report, forGood: boolean): Promise<void> {
  for (const service of services) {
    await stopService(service).then(() => (forGood && service.installed ? disableService(service) : undefined)).catch((error: unknown) => report.failed(`service ${service.name}`, error));
  }
  if (instance === undefined || !isRunning(instance)) return;
  await stopInstance(instance, systemClock);
}

/** `first` is what was found before anything was taken away: what went with something else is told of as well. */
export async function takeAway(kinds: readonly Kind[], report: Report, first: ReadonlyMap<string, readonly Belonging[]> = new Map()): Promise<void> {
  for (const { name, find } of kinds) {
    const told = new Map((first.get(name) ?? []).map(({ line }) => [line, line]));
    for (const { line, remove } of await find()) {
      told.set(line, line);
      try {
        const why = await remove();
        if (why === undefined) continue;
        told.delete(line);
        report.kept(line, why);
      } catch (error) {
        told.delete(line);
        report.failed(line, error);
      }
    }
    for (const line of told.keys()) report.gone(line);
  }
}

export async function survey(kinds: readonly Kind[]): Promise<Map<string, readonly Belonging[]>> {
  const found = new Map<string, readonly Belonging[]>();
  for (const { name, find } of kinds) found.set(name, await find());
  return found;
}

/** Work that waits for the end of others has nothing of its own that keeps the process alive. */
export async function keptAlive<T>(work: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 3_600_000);
  try {
    return await work();
  } finally {
    clearInterval(alive);
  }
}

export function needRoot(): void {
  if (process.getuid?.() !== 0) throw new Error('needs root: run it with sudo');
}
