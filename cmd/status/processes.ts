// What Skiff costs this machine: the memory of its process and of its helpers (a conmon for each container, and what it runs just now), and what the
// process has written to disks since it was started, as the kernel counts it.
import { readdirSync, readFileSync } from 'node:fs';

export interface MemoryUse {
  processes: number;
  /** Resident; pages that several share count in each. */
  rssBytes: number;
  /** Proportional: shared pages divided by those who share them. */
  pssBytes: number;
  anonymousBytes: number;
}

export interface Usage {
  main: MemoryUse;
  helpers: MemoryUse;
  writtenBytes: number;
}

export function usageOf(pid: number, helpers: readonly number[]): Usage {
  const children = childrenOf(pid).filter((child) => !helpers.includes(child));
  return { main: memoryOf([pid]), helpers: memoryOf([...helpers, ...children]), writtenBytes: writtenBy(pid) };
}

function memoryOf(pids: readonly number[]): MemoryUse {
  const found = pids.map((pid) => readQuietly(`/proc/${String(pid)}/smaps_rollup`)).filter((text) => text !== '');
  const sum = (field: string): number => found.reduce((total, text) => total + 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0), 0);
  return { processes: found.length, rssBytes: sum('Rss'), pssBytes: sum('Pss'), anonymousBytes: sum('Anonymous') };
}

function childrenOf(pid: number): number[] {
  const tasks = namesIn(`/proc/${String(pid)}/task`);
  return tasks.flatMap((task) => readQuietly(`/proc/${String(pid)}/task/${task}/children`).split(' ').filter((word) => word.trim() !== '').map(Number));
}

/** What was written and taken back before it reached the disk does not count. */
function writtenBy(pid: number): number {
  const text = readQuietly(`/proc/${String(pid)}/io`);
  const count = (field: string): number => Number(new RegExp(`^${field}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return Math.max(0, count('write_bytes') - count('cancelled_write_bytes'));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has ended
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
