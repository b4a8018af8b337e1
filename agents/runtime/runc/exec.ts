// Commands in running containers, by `runc exec`, as the container's own user with its own environment.
import { rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { startChild, type Child } from '../../../internal/base/child.ts';
import type { Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { RuntimeError, type ExecOptions } from '../runtime.ts';
import { readText } from './cgroups.ts';
import { wordsOf, type Ground } from './ground.ts';
import { signal } from './process.ts';
import type { ContainerRecord } from './records.ts';
import type { OciProcess } from './spec.ts';

/** What runc itself ends with when it could not do it. */
const RUNC_FAILED = 255;
const DRAIN_MS = 50;
/** Long enough not to be due in the same turn of the event loop. */
const TURN_MS = 10;
const GRACE_MS = 1000;
const STDERR_KEPT = 4096;

export async function exec(ground: Ground, record: ContainerRecord, options: ExecOptions): Promise<number> {
  if (record.state !== 'running') throw new RuntimeError('ExecError', `container ${record.id} is not running: it is ${record.state}`);
  if (options.command.length === 0) throw new RuntimeError('ExecError', 'no command specified');
  options.signal?.throwIfAborted();
  const files = execFiles(ground, record, options);
  const guard = watchOver(ground, files.pid, options);
  try {
    const args = ['--root', ground.layout.runc, '--log', '/dev/null', 'exec', ...(options.tty ? ['--tty'] : []), '--process', files.process, '--pid-file', files.pid, record.id];
    const { runTerminal } = options.tty ? await import('./terminal.ts') : { runTerminal: undefined };
    const result = runTerminal === undefined ? await runPiped(ground, args, { options, guard }) : await runTerminal({ file: ground.ociRuntime, args, addon: ground.terminalAddon, options, onStarted: guard.onStarted, clock: ground.clock });
    guard.throwIfStopped();
    if (result.code !== RUNC_FAILED || readFileIfThere(files.pid) !== undefined) return result.code;
    if (options.mustStart === true) throw failed(result.words);
    return codeOfFailure(result.words);
  } finally {
    guard.end();
    for (const file of Object.values(files)) rmSync(file, { force: true });
  }
}

function execFiles({ layout, random }: Ground, { id }: ContainerRecord, { command, tty }: ExecOptions): { process: string; pid: string } {
  const { process: own } = JSON.parse(readText(join(layout.containers, id, 'config.json')) ?? '{}') as { process?: OciProcess };
  if (own === undefined) throw new RuntimeError('ExecError', `container ${id} has gone`);
  const name = join(layout.sockets, `exec-${random.bytes(8).toString('hex')}`);
  const env = tty && !own.env.some((line) => line.startsWith('TERM=')) ? [...own.env, 'TERM=xterm'] : own.env;
  writeFileSync(`${name}.json`, JSON.stringify({ ...own, args: command, terminal: tty, env }), { mode: 0o600 });
  return { process: `${name}.json`, pid: `${name}.pid` };
}

/** As a shell tells: 127 not found, 126 found but not to be run. Anything else is not the command's fault. */
function codeOfFailure(words: string): number {
  if (/executable file not found|no such file or directory/i.test(words)) return 127;
  if (/permission denied|exec format error|is a directory/i.test(words)) return 126;
  throw failed(words);
}

function failed(words: string): RuntimeError {
  return new RuntimeError('ExecError', words || 'the command could not be started');
}

interface Guard {
  onStarted(kill: () => void): void;
  throwIfStopped(): void;
  end(): void;
}

/** Ends the command when its time is over or nobody wants it any more; ending `runc exec` alone would leave it. */
function watchOver({ clock }: Ground, pidFile: string, { timeoutMs, signal: abort, command }: ExecOptions): Guard {
  let why: Error | undefined;
  let killRunc = (): void => {};
  let grace: Timer | undefined;
  const stop = (error: Error): void => {
    why ??= error;
    const pid = Number(readFileIfThere(pidFile) ?? '0');
    // Its session too. runc then ends by itself, after it has reaped it, unless something in the background holds its streams.
    if (pid > 0) for (const target of [-pid, pid]) signal({ pid: target, startTime: '' }, constants.signals.SIGKILL);
    grace = clock.setTimer(pid > 0 ? GRACE_MS : 0, () => killRunc());
  };
  const timer = timeoutMs === undefined ? undefined : clock.setTimer(timeoutMs, () => stop(new RuntimeError('DeadlineExceeded', `command ${JSON.stringify(command.join(' '))} timed out`)));
  const onAbort = (): void => stop(abort?.reason instanceof Error ? abort.reason : new RuntimeError('ExecError', 'the caller has gone'));
  abort?.addEventListener('abort', onAbort, { once: true });
  return {
    onStarted(kill) {
      killRunc = kill;
      if (why !== undefined) kill();
    },
    throwIfStopped() {
      if (why !== undefined) throw why;
    },
    end() {
      timer?.cancel();
      grace?.cancel();
      abort?.removeEventListener('abort', onAbort);
    },
  };
}

async function runPiped({ ociRuntime, clock }: Ground, args: string[], { options, guard }: { options: ExecOptions; guard: Guard }): Promise<{ code: number; words: string }> {
  const child = start(ociRuntime, args, options.stdin !== undefined);
  const [stdin, stdout, stderr] = child.streams;
  guard.onStarted(() => child.kill(constants.signals.SIGKILL));
  feed(stdin, options.stdin);
  let words = '';
  stderr?.on('data', (chunk: Buffer) => {
    if (words.length < STDERR_KEPT) words += chunk.toString();
  });
  const flows = [flow(stdout, options.stdout), flow(stderr, options.stderr)];
  const { code, signal: by } = await child.ended;
  options.stdin?.unpipe();
  await Promise.all(flows.map((each) => each.drained(clock)));
  return { code: by === 0 || by === constants.signals.SIGKILL ? code : RUNC_FAILED, words: wordsOf(words) };
}

function start(ociRuntime: string, args: string[], withInput: boolean): Child {
  try {
    return startChild(ociRuntime, args, { streams: [withInput ? 'input' : 'none', 'output', 'output'] });
  } catch (error) {
    throw new RuntimeError('ExecError', messageOf(error), { cause: error });
  }
}

function feed(to: Writable | undefined, stdin: Readable | undefined): void {
  if (to === undefined) return;
  to.on('error', () => {}); // it ended without reading all: its code tells
  stdin?.pipe(to);
}

/** Copies with back-pressure. A process left in the background may hold the pipe open for ever: quiet for a moment is the end too. */
function flow(from: Readable | undefined, to: Writable | undefined): { drained(clock: Ground['clock']): Promise<void> } {
  let moved = 0;
  let ended = from === undefined;
  from?.on('data', (chunk: Buffer) => {
    moved++;
    if (to !== undefined && !to.destroyed && !to.write(chunk)) {
      from.pause();
      const go = (): void => void from.resume();
      to.once('drain', go).once('close', go);
    }
  });
  from?.once('close', () => (ended = true));
  return {
    async drained(clock) {
      for (let before = -1; !ended && (before !== moved || from?.isPaused() === true); ) {
        before = moved;
        await new Promise<void>((resolve) => {
          // What came while this process was busy is read before it is found quiet: timers that are due run first, streams after them.
          const timer = clock.setTimer(DRAIN_MS, () => void clock.setTimer(TURN_MS, resolve));
          from?.once('close', () => {
            timer.cancel();
            resolve();
          });
        });
      }
      from?.destroy();
    },
  };
}
