// Processes of the machine by pid and start time, read from /proc.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isErrno } from '../../../internal/base/errors.ts';
import type { ProcessName } from './records.ts';

/** Undefined when there is no such process (any more). */
export function processOf(pid: number): ProcessName | undefined {
  const fields = statOf(pid);
  return fields === undefined ? undefined : { pid, startTime: fields[19] ?? '' };
}

/** Whether it is still the same process, and not a zombie. */
export function isAlive(process: ProcessName | undefined): process is ProcessName {
  if (process === undefined) return false;
  const fields = statOf(process.pid);
  return fields !== undefined && fields[19] === process.startTime && fields[0] !== 'Z' && fields[0] !== 'X';
}

export function signal({ pid }: ProcessName, number: number): void {
  try {
    process.kill(pid, number);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`. What cannot be read is SIGTERM. */
export function signalNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const upper = name.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const realTime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(upper);
  if (realTime !== null) return (realTime[1] === 'MIN' ? 34 : 64) + (realTime[2] === '-' ? -1 : 1) * Number(realTime[3] ?? 0);
  return (constants.signals as Record<string, number>)[upper] ?? constants.signals.SIGTERM;
}

/** Fields of /proc/<pid>/stat from the third (the state) on; the second may hold anything, brackets too. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // gone
  }
}
