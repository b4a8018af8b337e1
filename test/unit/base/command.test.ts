// Programs and the programs they start: all of them end when a group is limited.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { tryCommand } from '../../../internal/base/command.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-command-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** Says who it is, then waits with its output open. */
const lingering = (name: string): readonly string[] => ['-c', `sh -c 'echo $$ >${join(folder, name)}; exec sleep 1000000' & wait`];
const isGone = (name: string): boolean => {
  try {
    return /^\S+ \(.*\) Z/.test(readFileSync(`/proc/${readFileSync(join(folder, name), 'utf8').trim()}/stat`, 'utf8'));
  } catch {
    return true;
  }
};

t.test('a group that takes too long is killed with all that it started', async (t) => {
  t.equal((await tryCommand('sh', lingering('slow'), { group: true, timeoutMs: 500 })).code, 137);
  t.equal(isGone('slow'), true);
});

t.test('also when it is not wanted any more, or was not from the beginning', async (t) => {
  const unwanted = new AbortController();
  const running = tryCommand('sh', ['-c', 'echo begun; sleep 1000000 & wait'], { group: true, signal: unwanted.signal });
  setImmediate(() => unwanted.abort());
  t.equal((await running).code, 137);
  t.equal((await tryCommand('sleep', ['1000000'], { group: true, signal: AbortSignal.abort() })).code, 137);
});

t.test('a group that ends is as any other', async (t) => {
  t.match(await tryCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'], { group: true }), { code: 3, stdout: 'out\n', stderr: 'err\n' });
  await t.rejects(tryCommand('/no/such/program', [], { group: true }), { code: 'ENOENT' });
});
