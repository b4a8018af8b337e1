// Which pages of a program are given back: those that are as on disk.
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { onQuiet } from '../../../internal/base/quiet.ts';
import { releaseWhenQuiet, untouchedMappings, type Usage } from '../../../cmd/idle-memory.ts';

t.test('only mappings of the program that nothing was written to', async (t) => {
  const mapping = (range: string, access: string, path: string, dirtyKb: number): string => `${range} ${access} 00000000 fe:01 123                        ${path}\nRss:                 500 kB\nPrivate_Dirty:       ${String(dirtyKb)} kB\nAnonymous:           ${String(dirtyKb)} kB\n`;
  const smaps = [mapping('1000-3000', 'r-xp', '/bin/skiff', 0), mapping('3000-4000', 'r--p', '/bin/skiff', 4), mapping('4000-5000', 'rw-p', '/bin/skiff', 0), mapping('5000-6000', 'r-xp', '/lib/libc.so', 0), mapping('6000-7000', 'rw-p', '', 8), mapping('8000-9000', 'r--p', '/bin/skiff', 0)].join('');
  t.same(untouchedMappings(smaps, '/bin/skiff'), [{ start: 0x1000n, length: 0x2000n }, { start: 0x8000n, length: 0x1000n }]);
});

for (const [when, active] of [['once it is quiet', 0], ['though it is busy since its start', 1000]] as const) {
  t.test(`they leave this process ${when}, which goes on`, async (t) => {
    const before = touchAll();
    const timers: (() => void)[] = [];
    let seconds = 0;
    let released = 0;
    t.teardown(onQuiet(() => released++));
    const usage = (): Usage => ({ active: active * ++seconds, idle: 0, cpu: 0, resident: 0 });
    releaseWhenQuiet({ ...systemClock, setTimer: (_delayMs, run) => { timers.push(run); return { cancel: () => {} }; } }, usage);
    timers.shift()?.();
    t.ok(await fallen(before), 'those of the start');
    t.equal(released, 0);
    touchAll();
    timers.shift()?.();
    t.equal(await fallen(before), active === 0);
    t.equal(released, active === 0 ? 1 : 0);
    t.ok(ownMappings().length > 0);
  });
}

/** Gives how many kB of files are resident then. */
function touchAll(): number {
  const memory = openSync('/proc/self/mem', 'r');
  const page = Buffer.alloc(4096);
  for (const { start, length } of ownMappings()) {
    for (let at = 0n; at < length; at += 4096n) readSync(memory, page, 0, page.length, start + at);
  }
  closeSync(memory);
  return residentKb();
}

function ownMappings(): { start: bigint; length: bigint }[] {
  return untouchedMappings(readFileSync('/proc/self/smaps', 'utf8'), readlinkSync('/proc/self/exe'));
}

function residentKb(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** Below the half, in less than a hundred turns of the event loop. */
async function fallen(beforeKb: number): Promise<boolean> {
  for (let turn = 0; turn < 100; turn++) {
    if (residentKb() <= beforeKb / 2) return true;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return false;
}

t.test('after work, once it is quiet again; not while it works, and not for nothing', async (t) => {
  let quiet = 0;
  t.teardown(onQuiet(() => quiet++));
  const timers: (() => void)[] = [];
  const usage = { active: 0, idle: 0, cpu: 0, resident: 0 };
  releaseWhenQuiet({ ...systemClock, setTimer: (_delayMs, run) => { timers.push(run); return { cancel: () => {} }; } }, () => ({ ...usage }));
  const second = (active: number, cpu: number, grown = 5e6): void => {
    usage.active += active;
    usage.idle += 1000 - active;
    usage.cpu += cpu;
    usage.resident += grown;
    timers.shift()?.();
  };
  const until = async (condition: () => boolean): Promise<void> => { while (!condition()) await new Promise((resolve) => setImmediate(resolve)); };
  const litter = (): boolean => Array.from({ length: 50_000 }, (_, at) => ({ at })).length > 0 && timers.length === 1;
  second(900, 0);
  second(900, 0);
  t.equal(quiet, 0, 'there is much to do at the start');
  second(0, 0);
  await until(() => quiet === 1);
  await until(litter);
  second(50, 50);
  second(50, 50); // little was done: nothing is released, and the next garbage is waited for
  await until(litter);
  t.equal(quiet, 1);
  second(900, 100); // others had the processor
  second(900, 900);
  second(100, 100);
  t.equal(quiet, 1, 'one quiet second may be a pause');
  second(900, 900);
  second(100, 100);
  t.equal(quiet, 1);
  second(100, 100);
  await until(() => quiet === 2);
  await until(litter);
  second(900, 900, 0);
  second(100, 100, 0);
  second(100, 100, 0); // nothing to win
  await until(litter);
  t.equal(quiet, 2);
});
