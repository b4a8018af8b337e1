// A process that was busy holds more than it needs: garbage, what malloc keeps of what was freed, bytes kept to be quick, and pages of the
// executable that only that work touched (of the start's, two thirds are not touched again). Once it is quiet all of it is given back to the
// kernel; what is wanted again comes back by itself, pages by a fault of microseconds. What the start alone needed goes seconds after it, quiet
// or not, but for garbage: who is asked at once would carry it for as long as the work lasts.
//
//   started ──a part given back──► quiet for one ──► released
//   calm ──a collection of garbage──► busy? looked at each second ──quiet for two, and worth it──► released ──► calm
//
// Nothing is looked at while nothing happens: who allocates nothing has nothing to give back. It costs a tenth of a second of the
// processor, so it takes some work before, and some memory to win.
import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from '../internal/base/clock.ts';
import { becomeQuiet } from '../internal/base/quiet.ts';

const AFTER_START_MS = 3000;
const LOOK_MS = 1000;
/** Of the time looked at: less is quiet. */
const QUIET_PART = 0.15;
/** Worked, and grown, since the last release: less is not worth one. */
const WORTH_CPU_MS = 400;
const WORTH_BYTES = 8 * 1024 * 1024;
const MADV_DONTNEED = 4;

/** Milliseconds so far, and bytes now. `active` is the time in which the event loop had something to do, also while others had the processor. */
export interface Usage {
  active: number;
  idle: number;
  cpu: number;
  resident: number;
}

/** Once the rush after being ready is over and a second was quiet, and after each time of work from then on. */
export function releaseWhenQuiet(clock: Clock, usage: () => Usage = processUsage): void {
  let released = usage();
  const rest = async (): Promise<void> => {
    await release();
    released = usage();
    watchForWork(look);
  };
  const look = (before = usage(), wasQuiet = false): void => void clock.setTimer(LOOK_MS, () => {
    const now = usage();
    const isQuiet = partActive(before, now) < QUIET_PART;
    if (!isQuiet || !wasQuiet) look(now, isQuiet); // a single quiet second may be a client's pause
    else if (now.cpu - released.cpu >= WORTH_CPU_MS && now.resident - released.resident >= WORTH_BYTES) void rest();
    else watchForWork(look);
  });
  // Clients that came at once are not made to wait for it.
  const lookAfterStart = (before = usage()): void => void clock.setTimer(LOOK_MS, () => {
    const now = usage();
    if (partActive(before, now) < QUIET_PART) void rest();
    else lookAfterStart(now);
  });
  clock.setTimer(AFTER_START_MS - LOOK_MS, () => {
    void giveBack();
    lookAfterStart();
  });
}

/** Calls once, at the next collection of garbage. */
function watchForWork(begun: () => void): void {
  const observer = new PerformanceObserver(() => {
    observer.disconnect();
    begun();
  });
  observer.observe({ entryTypes: ['gc'] });
}

function partActive(before: Usage, now: Usage): number {
  const active = now.active - before.active;
  return active / (active + now.idle - before.idle || 1);
}

function processUsage(): Usage {
  const { user, system } = process.cpuUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return { active, idle, cpu: (user + system) / 1000, resident: process.memoryUsage.rss() };
}

async function release(): Promise<void> {
  becomeQuiet();
  collectGarbage();
  await giveBack();
}

/** What malloc keeps of what was freed, and the executable's pages: those stay in the page cache, and come back one by one as they are touched. */
async function giveBack(): Promise<void> {
  const { dlopen } = await import('node:ffi');
  const { functions: libc } = dlopen(null, { madvise: { arguments: ['u64', 'u64', 'i32'], return: 'i32' }, malloc_trim: { arguments: ['u64'], return: 'i32' } });
  libc.malloc_trim(0n);
  for (const { start, length } of untouchedMappings(readFileSync('/proc/self/smaps', 'utf8'), readlinkSync('/proc/self/exe'))) libc.madvise(start, length, MADV_DONTNEED);
}

/** The executable exposes it (build/executable.ts); from source there may be none. */
function collectGarbage(): void {
  const { gc } = globalThis as { gc?: (options: { type: 'major'; flavor: 'last-resort' }) => void };
  gc?.({ type: 'major', flavor: 'last-resort' });
}

/** Of the program's file, as it is on disk: nothing written, nothing relocated. */
export function untouchedMappings(smaps: string, program: string): { start: bigint; length: bigint }[] {
  const entries = smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return entries.flatMap((entry) => {
    const [, from = '', to = '', access = '', path = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/m.exec(entry) ?? [];
    const ours = path === program && (access === 'r--p' || access === 'r-xp') && /^Anonymous: +0 kB$/m.test(entry) && /^Private_Dirty: +0 kB$/m.test(entry);
    const start = BigInt(`0x${from || '0'}`);
    return ours ? [{ start, length: BigInt(`0x${to}`) - start }] : [];
  });
}
