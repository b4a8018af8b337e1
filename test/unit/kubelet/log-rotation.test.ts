// Rotation of real files: a runtime that keeps its log open as conmon does.
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createLogRotation } from '../../../agents/kubelet/logs/log-rotation.ts';
import type { ContainerConfig, SandboxConfig } from '../../../agents/runtime/runtime.ts';
import { silentLog } from '../../../internal/base/log.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';
import { createMemoryRuntime } from './memory-runtime.ts';

t.test('a log that has grown past its size is rotated, the older ones compressed, the oldest removed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), `skiff-rotation-${String(process.pid)}-`));
  mkdirSync(join(folder, 'main'));
  const path = join(folder, 'main/0.log');
  const clock = createFakeClock();
  const runtime = createMemoryRuntime(clock);
  const cut: number[] = [];
  let file = openSync(path, 'a');
  const rotation = createLogRotation({ runtime: Object.assign(runtime, { reopenLog: () => { closeSync(file); file = openSync(path, 'a'); return Promise.resolve(); } }), clock, log: silentLog, sizeMaxBytes: 1000, filesMax: 4, onCut: (_id, sizeBytes) => cut.push(sizeBytes) });
  t.teardown(() => {
    rotation.stop();
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  });
  const sandbox = await runtime.runSandbox({ logDirectory: folder } as SandboxConfig);
  const id = await runtime.createContainer(sandbox.id, { name: 'main', attempt: 0, logPath: 'main/0.log' } as ContainerConfig);
  rotation.start();
  await runtime.startContainer(id);
  t.equal(clock.nextInMs(), undefined, 'no timer while it is silent');
  const write = async (bytes: number): Promise<void> => {
    writeSync(file, 'x'.repeat(bytes));
    while (clock.nextInMs() === undefined) await settle(); // the write has been seen
    await clock.runNext();
    while (clock.nextInMs() === undefined) await settle(); // all that it led to is done, and a look is planned again
  };
  await write(100);
  t.same(readdirSync(join(folder, 'main')), ['0.log']);
  for (let round = 0; round < 5; round++) await write(1000);
  const names = readdirSync(join(folder, 'main')).sort();
  t.equal(names.length, 4, names.join(' '));
  t.same(names.map((name) => name.endsWith('.gz')), [false, true, true, false], 'the current, two compressed, the last one rotated');
  await write(1_000_000);
  t.same(cut, [1_000_000], 'a flood is told');
  t.equal(readdirSync(join(folder, 'main')).filter((name) => !name.endsWith('.gz')).reduce((sum, name) => sum + statSync(join(folder, 'main', name)).size, 0), 1000, 'and only its end is kept');
  await clock.runNext();
  await clock.runNext();
  t.equal(clock.nextInMs(), undefined, 'silent again, no timer again');
});
