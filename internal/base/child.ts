// Starts programs by posix_spawn(3), which lends the child this process's memory until its program is there. Node's own way forks: the kernel copies
// the page tables and tears them down again, and each page that is written meanwhile is copied, which for a server costs more processor time than
// most programs that it runs. A child is reaped when the kernel says that one has ended; nothing is polled.
import { closeSync } from 'node:fs';
import { dlopen, getRawPointer } from 'node:ffi';
import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { isErrno } from './errors.ts';

export interface ChildOptions {
  /** By number of its descriptor: nothing (/dev/null), what it reads, or what it writes. */
  streams: readonly ('none' | 'input' | 'output')[];
  cwd?: string | undefined;
  /** Default: this process's. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** In a session of its own, of which it is the first. */
  detached?: boolean;
  /** What its inputs hold that it has not read yet. Default: the kernel's 64 KiB. */
  inputBytes?: number;
}

export interface Child {
  readonly pid: number;
  /** Our ends, by number; none where it has nothing. */
  readonly streams: readonly (Socket | undefined)[];
  /** Its streams may still bring what it wrote, or be held open by what it started. */
  readonly ended: Promise<{ code: number; signal: number }>;
  /** What has ended is no failure. `group`: all of its session. */
  kill(signal: number, group?: boolean): void;
}

const WNOHANG = 1;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const POSIX_SPAWN_SETSID = 0x80;
/** More than glibc's structures have (80 and 336 bytes on 64-bit machines). */
const STRUCTURE_BYTES = 512;
const SIGNALS_BYTES = 128;
/** Children keep this process from ending of itself, as its open streams do. */
const HOLD_MS = 60_000;

const { functions: libc } = dlopen(null, {
  pipe2: { arguments: ['buffer', 'i32'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  waitpid: { arguments: ['i32', 'buffer', 'i32'], return: 'i32' },
  posix_spawnp: { arguments: ['buffer', 'buffer', 'buffer', 'buffer', 'buffer', 'buffer'], return: 'i32' },
  posix_spawnattr_init: { arguments: ['buffer'], return: 'i32' },
  posix_spawnattr_setflags: { arguments: ['buffer', 'i32'], return: 'i32' },
  posix_spawnattr_setsigdefault: { arguments: ['buffer', 'buffer'], return: 'i32' },
  posix_spawn_file_actions_init: { arguments: ['buffer'], return: 'i32' },
  posix_spawn_file_actions_destroy: { arguments: ['buffer'], return: 'i32' },
  posix_spawn_file_actions_adddup2: { arguments: ['buffer', 'i32', 'i32'], return: 'i32' },
  posix_spawn_file_actions_addopen: { arguments: ['buffer', 'i32', 'buffer', 'i32', 'u32'], return: 'i32' },
  posix_spawn_file_actions_addchdir_np: { arguments: ['buffer', 'buffer'], return: 'i32' },
});

const running = new Map<number, (status: number) => void>();
let hold: NodeJS.Timeout | undefined;

/** Throws what spawn(2) of a program that is not there, or of a folder to stand in that is not, throws. */
export function startChild(program: string, args: readonly string[], options: ChildOptions): Child {
  awaitEnds();
  const pipes = options.streams.map((kind) => (kind === 'none' ? undefined : openPipe(kind, options.streams.length, options.inputBytes)));
  let pid: number;
  try {
    pid = spawn(program, args, options, pipes.map((pipe) => pipe?.theirs));
  } catch (error) {
    for (const pipe of pipes) if (pipe !== undefined) closeSync(pipe.ours);
    throw error;
  } finally {
    for (const pipe of pipes) if (pipe !== undefined) closeSync(pipe.theirs);
  }
  let over = false;
  const ended = new Promise<{ code: number; signal: number }>((resolve) => running.set(pid, (status) => {
    over = true;
    const signal = status & 0x7f;
    resolve({ code: signal > 0 ? 128 + signal : (status >> 8) & 0xff, signal });
  }));
  hold ??= setInterval(reap, HOLD_MS);
  return {
    pid, ended,
    streams: pipes.map((pipe, at) => (pipe === undefined ? undefined : new Socket({ fd: pipe.ours, readable: options.streams[at] === 'output', writable: options.streams[at] === 'input' }))),
    kill(signal, group = false) {
      try {
        if (!over || group) process.kill(group ? -pid : pid, signal);
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error;
      }
    },
  };
}

function spawn(program: string, args: readonly string[], { cwd, env = process.env, detached = false }: ChildOptions, files: readonly (number | undefined)[]): number {
  const [argv, envp, pid, actions] = [pointersTo([program, ...args]), pointersTo(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))), Buffer.alloc(4), Buffer.alloc(STRUCTURE_BYTES)];
  libc.posix_spawn_file_actions_init(actions);
  try {
    for (const [number, file] of files.entries()) {
      if (file === undefined) libc.posix_spawn_file_actions_addopen(actions, number, text('/dev/null'), O_RDWR, 0);
      else libc.posix_spawn_file_actions_adddup2(actions, file, number);
    }
    if (cwd !== undefined) libc.posix_spawn_file_actions_addchdir_np(actions, text(cwd));
    const failure = libc.posix_spawnp(pid, text(program), actions, attributes(detached), argv, envp);
    if (failure !== 0) throw failed(program, failure);
    return pid.readInt32LE();
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
  }
}

const prepared = new Map<boolean, Buffer>();

/** No signal is blocked or ignored in it, whatever is here. */
function attributes(detached: boolean): Buffer {
  let made = prepared.get(detached);
  if (made === undefined) {
    prepared.set(detached, (made = Buffer.alloc(STRUCTURE_BYTES)));
    libc.posix_spawnattr_init(made);
    libc.posix_spawnattr_setsigdefault(made, Buffer.alloc(SIGNALS_BYTES, 0xff));
    libc.posix_spawnattr_setflags(made, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (detached ? POSIX_SPAWN_SETSID : 0));
  }
  return made;
}

function failed(program: string, errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`spawn ${program} ${code}`), { code, errno: -errno, syscall: `spawn ${program}`, path: program });
}

interface Pipe {
  ours: number;
  theirs: number;
}

/** Their end has a number that is none of those it is to have there: else one would be put over another. */
function openPipe(kind: 'input' | 'output', numbers: number, inputBytes?: number): Pipe {
  const pair = Buffer.alloc(8);
  if (libc.pipe2(pair, O_CLOEXEC) !== 0) throw new Error('no pipe can be opened: too many open files');
  const [read, write] = [pair.readInt32LE(0), pair.readInt32LE(4)];
  const { ours, theirs } = kind === 'input' ? { ours: write, theirs: read } : { ours: read, theirs: write };
  if (kind === 'input' && inputBytes !== undefined) libc.fcntl(ours, F_SETPIPE_SZ, inputBytes); // where it may not, it stays as it is
  if (theirs >= numbers) return { ours, theirs };
  const higher = libc.fcntl(theirs, F_DUPFD_CLOEXEC, numbers);
  closeSync(theirs);
  return { ours, theirs: higher };
}

/** As C takes lists of words: pointers and a zero, then, in the same memory, what they point to. */
function pointersTo(words: readonly string[]): Buffer {
  const bytes = text(words.join('\0'));
  const tableBytes = 8 * (words.length + 1);
  const list = Buffer.alloc(tableBytes + bytes.length);
  bytes.copy(list, tableBytes);
  let at = getRawPointer(list) + BigInt(tableBytes);
  for (const [index, word] of words.entries()) {
    if (word.includes('\0')) throw new Error(`${JSON.stringify(word)} cannot be given to a program: it has a zero byte`);
    list.writeBigUInt64LE(at, 8 * index);
    at += BigInt(Buffer.byteLength(word) + 1);
  }
  return list;
}

function text(string: string): Buffer {
  return Buffer.from(`${string}\0`);
}

/** Before there is one: an end that nobody listens for is not told of again. */
function awaitEnds(): void {
  if (!process.listeners('SIGCHLD').includes(reap)) process.on('SIGCHLD', reap);
}

function reap(): void {
  const status = Buffer.alloc(4);
  for (const [pid, tell] of running) {
    const found = libc.waitpid(pid, status, WNOHANG);
    if (found === 0) continue;
    running.delete(pid);
    tell(found === pid ? status.readInt32LE() : 0);
  }
  if (running.size > 0) return;
  clearInterval(hold);
  hold = undefined;
}
