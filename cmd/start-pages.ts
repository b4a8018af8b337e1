// Most of the executable's pages are needed by the start alone: half a minute later two thirds of what is mapped has not been touched again. They are
// given back to the page cache, which the kernel may use for others; what is wanted again comes back from there by a fault of microseconds.
import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from '../internal/base/clock.ts';

const AFTER_MS = 3000;
const MADV_DONTNEED = 4;

/** Once the rush after being ready is over. */
export function releaseStartPages(clock: Clock): void {
  clock.setTimer(AFTER_MS, () => void release());
}

async function release(): Promise<void> {
  const { dlopen } = await import('node:ffi');
  const { functions: libc } = dlopen(null, { madvise: { arguments: ['u64', 'u64', 'i32'], return: 'i32' } });
  for (const { start, length } of untouchedMappings(readFileSync('/proc/self/smaps', 'utf8'), readlinkSync('/proc/self/exe'))) libc.madvise(start, length, MADV_DONTNEED);
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
