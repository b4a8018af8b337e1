// Skiff answers as upstream does: the whole table of requests is put to the real API server, and every answer compared with the one that a
// live Kubernetes gave (fixtures, taken by record.ts). What differs on purpose is listed in differences.ts, with its reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type TAP } from 'tap';
import { readJson } from '../../internal/api/large-integers.ts';
import { startControlPlane } from '../support/control-plane.ts';
import type { Difference } from '../support/differences.ts';
import { differences } from './differences.ts';
import { askAll, startHook, type Answer, type Run } from './exchange.ts';
import { OPEN } from './open.ts';
import { SECTIONS } from './requests.ts';
import { REPLIES } from './requests/hooks.ts';

const TIMEOUT_MS = 300_000;
const open = new Map(Object.entries(OPEN).flatMap(([why, rows]) => rows.map((row) => [row, why] as const)));

t.setTimeout(TIMEOUT_MS);
// What was before it started again is history that it no longer has.
const before = await startControlPlane();
await before.stop();
const server = await startControlPlane({ directory: before.directory });
t.teardown(() => server.remove());
const hook = await startHook('127.0.0.1', REPLIES);
t.teardown(() => hook.close());
const run: Run = { server, id: `parity-${process.pid.toString(36)}x`, saved: new Map(), hook };

for (const [section, rows] of Object.entries(SECTIONS)) {
  const fixtures = readJson(readFileSync(join(import.meta.dirname, 'fixtures', `${section}.json`), 'utf8')) as Record<string, Answer>;
  await t.test(section, async (t) => {
    for await (const [row, ours] of askAll(run, rows)) {
      const theirs = fixtures[row.name];
      if (theirs === undefined) t.fail(`${row.name}: no fixture; take it with record.ts`);
      else compare(t, row.name, differences(row.name, ours, theirs));
    }
  });
}

function compare(t: Pick<TAP, 'strictSame' | 'fail' | 'pass'>, name: string, found: readonly Difference[]): void {
  const why = open.get(name);
  if (why === undefined) t.strictSame(found, [], name);
  else if (found.length === 0) t.fail(`${name} agrees now: take it out of open.ts`);
  else t.pass(name, { todo: why });
}
