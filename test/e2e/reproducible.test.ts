// The same sources give the same executables, wherever and when they are built.
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

await t.test('two builds, one digest', async (t) => {
  const root = t.testdir();
  const [first, second] = [join(root, 'one'), join(root, 'another/folder')];
  for (const folder of [first, second]) execFileSync(process.execPath, ['build/executable.ts', '--output', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (const name of ['skiff-linux-x64', 'skiff-linux-arm64']) t.equal(digestOf(join(first, name)), digestOf(join(second, name)), name);
});

function digestOf(path: string): string {
  return hash('sha256', readFileSync(path));
}
