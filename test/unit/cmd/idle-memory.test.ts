// Which pages of a program are given back: those that are as on disk.
import { readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { systemClock } from '../../../internal/base/clock.ts';
import { onQuiet } from '../../../internal/base/quiet.ts';
import { releaseWhenQuiet, untouchedMappings } from '../../../cmd/idle-memory.ts';

t.test('only mappings of the program that nothing was written to', async (t) => {
  const mapping = (range: string, access: string, path: string, dirtyKb: number): string => `${range} ${access} 00000000 fe:01 123                        ${path}\nRss:                 500 kB\nPrivate_Dirty:       ${String(dirtyKb)} kB\nAnonymous:           ${String(dirtyKb)} kB\n`;
  const smaps = [mapping('1000-3000', 'r-xp', '/bin/skiff', 0), mapping('3000-4000', 'r--p', '/bin/skiff', 4), mapping('4000-5000', 'rw-p', '/bin/skiff', 0), mapping('5000-6000', 'r-xp', '/lib/libc.so', 0), mapping('6000-7000', 'rw-p', '', 8), mapping('8000-9000', 'r--p', '/bin/skiff', 0)].join('');
  t.same(untouchedMappings(smaps, '/bin/skiff'), [{ start: 0x1000n, length: 0x2000n }, { start: 0x8000n, length: 0x1000n }]);
});

t.test('they leave this process, which goes on', async (t) => {
  const program = readlinkSync('/proc/self/exe');
  const resident = (): number => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const before = resident();
  releaseWhenQuiet({ ...systemClock, setTimer: (_delayMs, run) => { run(); return { cancel: () => {} }; } });
  let least = before;
  for (let looks = 0; looks < 100 && least > before * 0.8; looks++) {
    await new Promise((resolve) => setImmediate(resolve));
    least = Math.min(least, resident());
  }
  t.ok(least <= before * 0.8, `${String(before)} kB → ${String(least)} kB`);
  t.ok(untouchedMappings(readFileSync('/proc/self/smaps', 'utf8'), program).length > 0);
});

t.test('after work, once it is quiet again; not while it works, and not for nothing', async (t) => {
  let quiet = 0;
  t.teardown(onQuiet(() => quiet++));
  const timers: (() => void)[] = [];
  releaseWhenQuiet({ ...systemClock, setTimer: (_delayMs, run) => { timers.push(run); return { cancel: () => {} }; } });
  const fire = (): void => timers.shift()?.();
  const until = async (condition: () => boolean): Promise<void> => { while (!condition()) await new Promise((resolve) => setImmediate(resolve)); };
  fire();
  await until(() => quiet === 1);
  const litter = (): boolean => Array.from({ length: 50_000 }, (_, at) => ({ at })).length > 0 && timers.length === 1;
  await until(litter);
  fire();
  fire(); // little was done: nothing is released, and the next work is waited for
  await until(litter);
  t.equal(quiet, 1);
  work(1200);
  fire();
  t.equal(quiet, 1, 'it is at work');
  t.equal(timers.length, 1, 'and is looked at again');
  fire();
  t.equal(quiet, 1, 'a quiet second may be chance');
  fire();
  await until(() => quiet === 2);
});

function work(cpuMs: number): void {
  const begin = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(begin);
    if (user + system > cpuMs * 1000) return;
  }
}
