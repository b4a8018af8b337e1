// A process that is asked to end before it is ready.
import t from 'tap';
import { startAll, type Component } from '../../../internal/base/component.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { untilReady } from '../../../cmd/termination.ts';

t.test('asked to end while a part still starts, those begun are stopped, last first, and no other is started', async (t) => {
  const seen: string[] = [];
  const ending = new AbortController();
  const component = (name: string, start: () => Promise<void> = () => Promise.resolve()): Component => ({
    name,
    start() {
      seen.push(`start ${name}`);
      return start();
    },
    stop() {
      seen.push(`stop ${name}`);
      return Promise.resolve();
    },
  });
  const starting = startAll([component('a'), component('b', () => new Promise(() => ending.abort(new Error('stopping')))), component('c')], silentLog, ending.signal);
  await t.rejects(starting, { message: 'stopping' });
  t.same(seen, ['start a', 'start b', 'stop b', 'stop a']);
});

t.test('asked to end, or failed, before it is ready: what runs is stopped', async (t) => {
  let stops = 0;
  const running = { stop: () => Promise.resolve(void stops++) };
  const never = new Promise<void>(() => {});
  const quiet = new AbortController().signal;
  t.equal(await untilReady(running, Promise.resolve(), { stopping: quiet }), running);
  await t.rejects(untilReady(running, never, { stopping: AbortSignal.abort(new Error('stopping on SIGTERM')) }), { message: 'stopping on SIGTERM' });
  await t.rejects(untilReady(running, never, { stopping: quiet, failed: Promise.reject(new Error('another cluster')) }), { message: 'another cluster' });
  t.equal(stops, 2);
});
