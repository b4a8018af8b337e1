// The processes that are in a cgroup itself, not in those below it, and what they hold open. One that goes while it is looked at counts as gone.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { unlessErrno } from '../../../internal/base/errors.ts';
import { readCgroupFile } from './cgroup-file.ts';

export interface CgroupProcesses {
  processes: number;
  fileDescriptors: number;
  sockets: number;
  tasks: TaskStates;
}

/** A process that ends meanwhile: its folder is gone, or its files no longer answer (ESRCH). */
const GONE = ['ENOENT', 'ESRCH', 'EACCES', 'EINVAL'];

export type TaskStates = Record<'sleeping' | 'running' | 'stopped' | 'uninterruptible', number>;

/** By the letter that /proc has for them; what is idle in the kernel or has ended is none of these. */
const STATES: Readonly<Record<string, keyof TaskStates>> = { S: 'sleeping', R: 'running', T: 'stopped', t: 'stopped', D: 'uninterruptible' };

/** `directory`: of the cgroup's files (v1: of the controller `cpu`). */
export function readCgroupProcesses(directory: string, proc = '/proc'): CgroupProcesses {
  const pids = (readCgroupFile(directory, 'cgroup.procs') ?? '').split('\n').filter((pid) => pid !== '' && pid !== '0');
  const found: CgroupProcesses = { processes: pids.length, fileDescriptors: 0, sockets: 0, tasks: { sleeping: 0, running: 0, stopped: 0, uninterruptible: 0 } };
  for (const pid of pids) {
    for (const fd of entries(join(proc, pid, 'fd'))) {
      found.fileDescriptors++;
      if (target(join(proc, pid, 'fd', fd))?.startsWith('socket:') === true) found.sockets++;
    }
    for (const task of entries(join(proc, pid, 'task'))) {
      const state = STATES[/^[^]*\) (\w)/.exec(read(join(proc, pid, 'task', task, 'stat')) ?? '')?.[1] ?? ''];
      if (state !== undefined) found.tasks[state]++;
    }
  }
  return found;
}

/** Soft limit of open files; -1: none. Undefined: the process has gone. */
export function openFilesLimit(pid: number, proc = '/proc'): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(read(join(proc, String(pid), 'limits')) ?? '')?.[1];
  return soft === undefined ? undefined : soft === 'unlimited' ? -1 : Number(soft);
}

function entries(path: string): string[] {
  return unlessErrno(GONE, () => readdirSync(path)) ?? [];
}

function target(path: string): string | undefined {
  return unlessErrno(GONE, () => readlinkSync(path));
}

function read(path: string): string | undefined {
  return unlessErrno(GONE, () => readFileSync(path, 'utf8'));
}
