// Skiff answers as upstream does: the whole table of requests is put to the real API server, and every answer compared with the one that a
// live Kubernetes gave (fixtures, taken by record.ts). What differs on purpose is listed in differences.ts, with its reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startControlPlane } from '../support/control-plane.ts';
import { differences } from './differences.ts';
import { ask, type Answer, type Run } from './exchange.ts';
import { SECTIONS } from './requests.ts';

const server = await startControlPlane();
t.teardown(() => server.remove());
const run: Run = { server, id: `parity-${process.pid.toString(36)}x`, saved: new Map() };

for (const [section, rows] of Object.entries(SECTIONS)) {
  const fixtures = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', `${section}.json`), 'utf8')) as Record<string, Answer>;
  await t.test(section, async (t) => {
    for (const row of rows) {
      const ours = await ask(run, row);
      const theirs = fixtures[row.name];
      if (theirs === undefined) t.fail(`${row.name}: no fixture; take it with record.ts`);
      else t.strictSame(differences(row.name, ours, theirs), [], row.name);
    }
  });
}
