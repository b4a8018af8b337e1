// A node's own API answers as upstream's kubelet does: the whole table of requests is put to a real node, and every answer compared with the one
// that a live upstream gave (fixtures, taken by record.ts). What differs on purpose is listed in differences.ts, with its reason.
// PARITY_KUBELET names the sections that are played, PARITY_KUBELET_SEEN a file where the differences are written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openApi } from '../support/api.ts';
import { createSuppliedCluster } from '../support/cluster.ts';
import { ownNetwork } from '../support/lab.ts';
import { differences } from './differences.ts';
import { ask } from './exchange.ts';
import { SECTIONS } from './requests.ts';
import type { Answer } from './row.ts';
import { setStage } from './stage.ts';

ownNetwork();
const TIMEOUT_MS = 300_000;
const WIDTH = 8;
const only = process.env['PARITY_KUBELET']?.split(',');

t.setTimeout(TIMEOUT_MS);
const cluster = await createSuppliedCluster('pk', '10.98.17');
t.teardown(() => cluster.remove());
await cluster.start();
const api = openApi(cluster.kubeconfig);
t.teardown(() => api.close());
const run = { server: { ...api.credentials, url: `https://${cluster.host.ip}:10250` }, stage: await setStage(api, { node: 'n1', id: `kubelet-${process.pid.toString(36)}x` }) };

const seen: object[] = [];
const file = process.env['PARITY_KUBELET_SEEN'];
if (file !== undefined) t.teardown(() => writeFileSync(file, seen.map((one) => `${JSON.stringify(one)}\n`).join('')));

for (const [section, rows] of Object.entries(SECTIONS)) {
  if (only?.includes(section) === false) continue;
  const fixtures = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', `${section}.json`), 'utf8')) as Record<string, Answer>;
  await t.test(section, async (t) => {
    const answers = await Promise.all(inTurns(rows.map((row) => () => ask(run, row).catch((error: unknown): Answer => ({ status: 0, headers: {}, body: String(error) })))));
    for (const [index, row] of rows.entries()) {
      const ours = answers[index] ?? { status: 0, headers: {}, body: '' };
      const theirs = fixtures[row.name];
      if (theirs === undefined) t.fail(`${row.name}: no fixture; take it with record.ts`);
      else {
        const found = differences(row.name, ours, theirs);
        if (found.length > 0) seen.push({ row: row.name, found });
        t.strictSame(found, [], row.name);
      }
    }
  });
}

/** No row changes what another is told, so some are asked at once. */
function inTurns<T>(works: readonly (() => Promise<T>)[]): Promise<T>[] {
  const turns: Promise<unknown>[] = Array.from({ length: WIDTH }, () => Promise.resolve());
  return works.map((work, index) => {
    const mine = (turns[index % WIDTH] ?? Promise.resolve()).then(work);
    turns[index % WIDTH] = mine;
    return mine;
  });
}
