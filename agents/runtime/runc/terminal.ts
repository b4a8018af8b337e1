// Commands on a terminal: `runc exec --tty` on a pseudo-terminal of node-pty's native part, which is loaded when first needed.
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import { delay, type Clock } from '../../../internal/base/clock.ts';
import { environment } from '../../../internal/base/command.ts';
import type { ExecOptions } from '../runtime.ts';

/** What of the addon is used. */
interface PseudoTerminals {
  fork(file: string, args: string[], env: string[], cwd: string, columns: number, rows: number, uid: number, gid: number, utf8: boolean, helper: string, onExit: (code: number, signal: number) => void): { fd: number; pid: number; pty: string };
  resize(fd: number, columns: number, rows: number): void;
}

export interface TerminalRun {
  file: string;
  args: string[];
  /** Path of the addon; from the package otherwise. */
  addon: (() => string) | undefined;
  options: Pick<ExecOptions, 'stdin' | 'stdout' | 'resize'>;
  onStarted(kill: () => void): void;
  clock: Clock;
}

const KEPT = 4096;
const DRAIN_MS = 200;
let loaded: PseudoTerminals | undefined;

/** The exit code, and the last it printed (for what runc has to say). */
export async function runTerminal({ file, args, addon, options, onStarted, clock }: TerminalRun): Promise<{ code: number; words: string }> {
  loaded ??= load(addon);
  const terminals = loaded;
  const ended = Promise.withResolvers<number>();
  const env = Object.entries(environment()).map(([name, value]) => `${name}=${value}`);
  const { fd, pid } = terminals.fork(file, args, env, '/', 80, 24, -1, -1, true, '', (code, signal) => ended.resolve(signal > 0 ? 128 + signal : code));
  const stream = new ReadStream(fd);
  // Until runc has made this terminal raw it would echo what comes meanwhile, and take a ^D for itself: only the container's own may.
  stream.setRawMode(true);
  let open = true;
  const closed = new Promise<void>((resolve) => stream.once('close', () => {
    open = false;
    resolve();
  }));
  stream.on('error', () => {}); // EIO is how a terminal ends
  onStarted(() => process.kill(pid, constants.signals.SIGKILL));
  const words = copyOut(stream, options.stdout);
  feed(options.stdin, stream);
  void follow(options.resize, ({ width, height }) => void (open && width > 0 && height > 0 && terminals.resize(fd, width, height)));
  const code = await ended.promise;
  // What it printed last may still be in the terminal; a process left in the background would keep it open for ever.
  await Promise.race([closed, delay(clock, DRAIN_MS)]);
  stream.destroy();
  return { code, words: words() };
}

/** No faster than the command reads. */
function feed(stdin: ExecOptions['stdin'], stream: ReadStream): void {
  stdin?.on('data', (chunk: Buffer) => {
    if (stream.destroyed || stream.write(chunk)) return;
    stdin.pause();
    const go = (): void => void stdin.resume();
    stream.once('drain', go).once('close', go);
  });
}

function copyOut(stream: ReadStream, to: ExecOptions['stdout']): () => string {
  let kept = '';
  stream.on('data', (chunk: Buffer) => {
    kept = (kept + chunk.toString()).slice(-KEPT);
    if (to === undefined || to.destroyed || to.write(chunk)) return;
    stream.pause();
    const go = (): void => void stream.resume();
    to.once('drain', go).once('close', go);
  });
  return () => kept.trim().split('\n').at(-1) ?? '';
}

async function follow(sizes: ExecOptions['resize'], apply: (size: { width: number; height: number }) => void): Promise<void> {
  if (sizes !== undefined) for await (const size of sizes) apply(size);
}

function load(addon: (() => string) | undefined): PseudoTerminals {
  const path = addon?.() ?? createRequire(`${process.cwd()}/package.json`).resolve(`@lydell/node-pty-linux-${process.arch}/pty.node`);
  const module = { exports: {} as PseudoTerminals };
  process.dlopen(module, path);
  return module.exports;
}
