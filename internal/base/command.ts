// Runs other programs (runc, conmon, ip, iptables, tar). The only place that spawns short-lived children.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface CommandOptions {
  input?: string | Uint8Array;
  cwd?: string;
  env?: Record<string, string>;
  /** Default 60 s; the child is killed with SIGKILL then. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** It starts programs of its own (mount and umount do): they are killed with it. It ends with 137 then, also when the signal aborts. */
  group?: boolean;
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly result: CommandResult;
  constructor(command: string, args: readonly string[], result: CommandResult) {
    super(`${command} ${args.join(' ')}: exit ${String(result.code)}: ${(result.stderr.trim() || result.stdout.trim()).slice(-2000)}`);
    this.result = result;
  }
}

/** Runs to the end and gives the exit code, whatever it is (137 and the like for signals). Throws only when it cannot be started. */
export function tryCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const { signal, group = false, timeoutMs = 60_000 } = options;
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
      ...(group ? { detached: true } : { timeout: timeoutMs, killSignal: 'SIGKILL', ...(signal !== undefined && { signal }) }),
    });
    if (group) limitGroup(child, { timeoutMs, signal });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {}); // the child may exit without reading all of its input; its exit code tells
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0), stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    child.stdin.end(options.input);
  });
}

/** What the child has started holds its streams open, and goes on alone: all of them are ended. */
function limitGroup(child: ChildProcess, { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined }): void {
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // all have ended meanwhile
    }
  };
  const timer = setTimeout(kill, timeoutMs);
  signal?.addEventListener('abort', kill, { once: true });
  child.on('close', () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  });
  if (signal?.aborted === true) kill();
}

/** Runs to the end; a non-zero exit throws CommandError with what it printed. Gives stdout. */
export async function command(name: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryCommand(name, args, options);
  if (result.code !== 0) throw new CommandError(name, args, result);
  return result.stdout;
}

/** What children inherit where nothing else is said. */
export function environment(): Record<string, string> {
  return { ...process.env } as Record<string, string>;
}

/** A program's path as a shell finds it; also in the usual places for root's programs, which a service's PATH may lack. */
export function findProgram(name: string): string | undefined {
  if (name.includes('/')) return existsSync(name) ? name : undefined;
  const folders = (process.env['PATH'] ?? '').split(':').concat('/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin');
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}

const SIGNALS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };
