// conmon: the small process that is a container's parent, so that containers outlive Skiff: it writes the log, keeps the attach socket and
// leaves the exit code in a file.
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { startChild } from '../../../internal/base/child.ts';
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import { environment } from '../../../internal/base/command.ts';
import { readText } from './cgroups.ts';
import { wordsOf } from './ground.ts';

export interface ConmonOptions {
  id: string;
  bundle: string;
  ociRuntime: string;
  /** runc's --root. */
  root: string;
  exits: string;
  logPath: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  /** The container's cgroup is a scope of systemd's. */
  systemdCgroup: boolean;
  clock: Clock;
  /** Called with conmon's pid before it makes anything. */
  setApart(pid: number): Promise<void>;
}

/** The OCI runtime said no: what it was asked cannot be run. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** A conmon whose runc was killed may wait for the container's words for ever, as that waits to be started. A runc that lives is only slow. */
const ANSWER_MS = 30_000;
const SLOW_ANSWER_MS = 120_000;

/** Creates the container and gives the pid of its process, which waits for `runc start`. */
export async function createWithConmon(options: ConmonOptions): Promise<number> {
  const child = startChild('conmon', argumentsOf(options), {
    detached: true,
    cwd: options.bundle, // where it leaves `oom`. No --persist-dir: it writes the code there first, and on a full disk then nowhere else
    streams: ['none', 'none', 'none', 'output', 'input'],
    env: { ...environment(), _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4' },
  });
  const [answers, go] = child.streams.slice(3) as [Socket, Socket];
  go.on('error', () => {}); // it ended before it was let go: its answer, or their lack, tells
  await options.setApart(child.pid);
  go.end(Buffer.from([0]));
  const patience = createPatience(options.clock, () => hasChild(child.pid, options.ociRuntime));
  const answer = parseAnswer(await Promise.race([readLine(answers), patience.over]).finally(() => {
    patience.end();
    answers.destroy();
  }));
  if (answer.data > 0) return answer.data;
  if (answer.message === undefined) throw new Error('conmon ended without an answer');
  throw new RefusedError(wordsOf(answer.message));
}

/** `over` rejects when it has taken too long: sooner where nothing is at work any more. */
function createPatience(clock: Clock, atWork: () => boolean): { over: Promise<never>; end(): void } {
  const late = Promise.withResolvers<never>();
  const wait = (waitedMs: number): Timer => clock.setTimer(ANSWER_MS, () => {
    const sum = waitedMs + ANSWER_MS;
    if (sum >= SLOW_ANSWER_MS || !atWork()) late.reject(new Error(`the container was not made within ${String(sum / 1000)} s`));
    else timer = wait(sum);
  });
  let timer = wait(0);
  return { over: late.promise, end: () => timer.cancel() };
}

/** conmon's own child is runc, until the container's process is that. */
function hasChild(pid: number, program: string): boolean {
  const children = (readText(`/proc/${String(pid)}/task/${String(pid)}/children`) ?? '').trim().split(' ').filter((child) => child !== '');
  return children.some((child) => (readText(`/proc/${child}/cmdline`) ?? '').split('\0')[0] === program);
}

function argumentsOf(options: ConmonOptions): string[] {
  const { id, bundle } = options;
  return [
    '--api-version', '1', '-c', id, '-u', id, '-n', id, '-r', options.ociRuntime, '-b', bundle,
    '-p', `${bundle}/pidfile`, '-P', `${bundle}/conmon.pid`, '-l', `k8s-file:${options.logPath}`, '--exit-dir', options.exits,
    '--full-attach', '--no-sync-log', ...(options.systemdCgroup ? ['--systemd-cgroup'] : []), '--runtime-arg', '--root', '--runtime-arg', options.root,
    '--runtime-arg', '--log', '--runtime-arg', '/dev/null', // its streams are the container's: warnings would stand in the container's log. Why it failed it still says
    ...(options.stdin ? ['-i', ...(options.stdinOnce ? [] : ['--leave-stdin-open'])] : []), ...(options.tty ? ['-t'] : []),
  ];
}

function parseAnswer(line: string): { data: number; message?: string } {
  try {
    return JSON.parse(line) as { data: number; message?: string };
  } catch {
    return { data: -1, ...(line.trim() !== '' && { message: line.trim() }) };
  }
}

function readLine(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    stream.once('end', () => resolve(text));
    stream.once('error', reject);
  });
}
