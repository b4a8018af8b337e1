// kill -9 while writing: nothing acknowledged is lost, and no revision is given twice.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { openSqliteStore } from '../../../internal/store/sqlite.ts';
import { CONFIGMAPS, seeded } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const folder = mkdtempSync(join(tmpdir(), `skiff-crash-${String(process.pid)}-`));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

t.test('what was acknowledged before a kill is there after it', async (t) => {
  const path = join(folder, 'state.db');
  const chance = seeded(20261121);
  const acknowledged = new Map<string, string>();
  let highest = 0;
  for (let round = 0; round < 6; round++) {
    const { opened, revisions } = await writeUntilKilled(path, 20 + Math.floor(chance() * 400), acknowledged);
    t.ok(opened >= highest, `round ${String(round)} goes on at ${String(opened)}, after ${String(highest)}`);
    highest = Math.max(highest, ...revisions);
    const store = await openSqliteStore({ path, clock: createFakeClock() });
    const lost = [...acknowledged].filter(([name, revision]) => store.get(CONFIGMAPS, { namespace: 'default', name })?.metadata.resourceVersion !== revision);
    t.strictSame(lost, [], `all ${String(acknowledged.size)} are there`);
    t.ok(store.revision >= highest);
    await store.close();
  }
});

/** Kills the writer at its nth line, which is at no particular point of its work. */
async function writeUntilKilled(path: string, lines: number, acknowledged: Map<string, string>): Promise<{ opened: number; revisions: number[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-writer.ts'), path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const revisions: number[] = [];
  let opened = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what = '', name = '', revision = ''] = line.split(' ');
    if (what === 'opened') opened = Number(name);
    else revisions.push(Number(revision));
    if (what === 'durable') acknowledged.set(name, revision);
    if (++seen === lines) child.kill('SIGKILL');
  }
  return { opened, revisions };
}
