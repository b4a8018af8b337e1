// A container that swaps its subPath for a link to the host, at every moment of the binding, never gets the host's folder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { bindSubPath, unbindSubPaths } from '../../../agents/kubelet/volumes/sub-path.ts';

const TRIES = 60;

// Renames alone, as fast as they go. What is missing for a moment the other side may have made meanwhile: it goes.
const SWAPPER = `
const { renameSync, rmSync } = require('node:fs');
process.chdir(process.argv[1]);
const put = (from) => {
  for (;;) {
    try {
      return renameSync(from, 'x');
    } catch {
      try {
        rmSync('x', { recursive: true, force: true });
      } catch {} // it is being filled
    }
  }
};
for (;;) {
  renameSync('x', 'folder'); put('link');
  renameSync('x', 'link'); put('folder');
}`;

t.test('a folder that becomes a link and a folder again', async (t) => {
  const root = mkdtempSync(join(tmpdir(), `skiff-sub-path-${String(process.pid)}-`));
  const [volume, victim, target] = [join(root, 'volume'), join(root, 'victim'), join(root, 'bound')];
  for (const folder of [join(victim, 'y'), join(volume, 'x/y')]) mkdirSync(folder, { recursive: true });
  for (const folder of ['', 'y']) writeFileSync(join(victim, folder, 'secret'), 's');
  symlinkSync(victim, join(volume, 'link'));
  const swapper = spawn(process.execPath, ['-e', SWAPPER, volume], { stdio: 'ignore' });
  const ended = once(swapper, 'exit');
  t.teardown(async () => {
    swapper.kill('SIGKILL');
    await ended;
    await unbindSubPaths(root);
    rmSync(root, { recursive: true, force: true });
  });
  let [bound, refused] = [0, 0];
  // At least so often, and until the other process has come between.
  for (let time = 0; time < TRIES || (refused === 0 && time < 100 * TRIES); time++) {
    const made = await bindSubPath(volume, time % 2 === 0 ? 'x' : 'x/y', target).then(() => true, () => false);
    if (made) bound++;
    else refused++;
    if (existsSync(join(target, 'secret'))) t.fail(`attempt ${String(time)}: the host's folder was bound`);
  }
  t.equal(existsSync(join(victim, 'new')), false);
  t.ok(bound + refused >= TRIES, `${String(bound)} bound, ${String(refused)} refused`);
  t.ok(refused > 0, 'the race was on');
});

t.test('what is missing is made below the volume only', async (t) => {
  const root = mkdtempSync(join(tmpdir(), `skiff-sub-path-${String(process.pid)}-`));
  const [volume, victim, target] = [join(root, 'volume'), join(root, 'victim'), join(root, 'bound')];
  for (const folder of [victim, volume]) mkdirSync(folder);
  symlinkSync(victim, join(volume, 'out'));
  symlinkSync('../victim', join(volume, 'up'));
  t.teardown(async () => {
    await unbindSubPaths(root);
    rmSync(root, { recursive: true, force: true });
  });
  for (const path of ['out', 'up', 'out/new', 'up/new/er', '../victim', '/etc', 'a/../../victim']) await t.rejects(bindSubPath(volume, path, target), path);
  t.notOk(existsSync(join(victim, 'new')));
  await bindSubPath(volume, 'a/b', target);
  t.ok(existsSync(join(volume, 'a/b')));
});
