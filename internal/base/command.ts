// Runs other programs (runc, ip, iptables, mount) to their end.
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { startChild } from './child.ts';

const SIGKILL = 9;

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

/** Who waits in the kernel for a server that is away does not even end when killed: he is left to it. */
const STUCK_MS = 5000;

/** Runs to the end and gives the exit code, whatever it is (137 and the like for signals). Throws only when it cannot be started, or is given up. */
export async function tryCommand(command: string, args: readonly string[], { input, cwd, env, timeoutMs = 60_000, signal, group = false }: CommandOptions = {}): Promise<CommandResult> {
  const child = startChild(command, args, { streams: [input === undefined ? 'none' : 'input', 'output', 'output'], cwd, env: env && { ...process.env, ...env }, detached: group });
  const [stdin, stdout, stderr] = child.streams;
  // The child may exit without reading all of its input; its exit code tells.
  if (input !== undefined) stdin?.on('error', () => {}).end(input);
  const givenUp = Promise.withResolvers<never>();
  const stuck = Promise.withResolvers<[{ code: number }, string, string]>();
  let patience: NodeJS.Timeout | undefined;
  const kill = (): void => {
    child.kill(SIGKILL, group);
    patience ??= setTimeout(() => stuck.resolve([{ code: 128 + SIGKILL }, '', '']), STUCK_MS);
  };
  const giveUp = (): void => {
    kill();
    if (!group) givenUp.reject(signal?.reason as Error);
  };
  const timer = setTimeout(kill, timeoutMs);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  try {
    const [{ code }, out, err] = await Promise.race([Promise.all([child.ended, textOf(stdout), textOf(stderr)]), givenUp.promise, stuck.promise]);
    return { code, stdout: out, stderr: err };
  } finally {
    clearTimeout(timer);
    clearTimeout(patience);
    signal?.removeEventListener('abort', giveUp);
  }
}

function textOf(stream: Socket | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => stream?.on('error', () => {}).on('data', (chunk: Buffer) => chunks.push(chunk)).once('close', () => resolve(Buffer.concat(chunks).toString())));
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
