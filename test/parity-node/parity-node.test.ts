// A pod's life on Skiff is upstream's: every case of the table is played on a real node, and what is seen of it compared with what a live
// upstream kubelet showed (fixtures, taken by record.ts). What differs on purpose is listed in differences.ts, with its reason.
// In CI all sections are played but probes and init, which need a quiet machine, and resources, recorded with cgroup v1. PARITY_NODE names others, by a regular expression (`.`: all); PARITY_NODE_SEEN a folder where what was seen of them is written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type TAP } from 'tap';
import { createCluster } from '../support/cluster.ts';
import { pushImages } from '../support/images.ts';
import { ownNetwork } from '../support/lab.ts';
import { startRegistry } from '../support/registry.ts';
import { openApi } from './api.ts';
import { IMAGES, SECTIONS, WARM } from './cases.ts';
import type { NodeCase } from './case.ts';
import { differences, type Difference } from './compare.ts';
import { makeNamespaces, namespaceOf } from './namespaces.ts';
import { OPEN } from './open.ts';
import { createStage } from './play.ts';
import type { Recorded } from './trace.ts';

ownNetwork();
const TIMEOUT_MS = 600_000;
const SETTLE_MS = 8_000;
const WIDTH = 24;
const only = new RegExp(process.env['PARITY_NODE'] ?? '^(restarts|hooks|failures|deletion|environment|volumes|names|security)/');

t.setTimeout(TIMEOUT_MS);
const cluster = await createCluster('parity', '10.98.11', ({ ip }) => `mirrors:\n  docker.io: {endpoint: ["http://${ip}:5000"]}\n`);
t.teardown(() => cluster.remove());
const registry = await startRegistry({ address: cluster.lab.ip, port: 5000 });
t.teardown(() => registry.stop());
await pushImages(registry.url, undefined, 'library/');
await cluster.start();
const api = openApi(cluster.kubeconfig);
t.teardown(() => api.close());
const stage = createStage(api);
const sections = Object.entries(SECTIONS).map(([section, cases]) => ({ section, cases: cases.filter(({ name }) => only.test(`${section}/${name}`)), fixtures: fixturesOf(section) })).filter(({ cases }) => cases.length > 0);
await makeNamespaces(api, [WARM, ...sections.map(({ section }) => section)]);
await stage.warm(namespaceOf(WARM), IMAGES);

// All at once, as most of the time they wait; what came of them is told section by section.
const plays = sections.flatMap(({ section, cases, fixtures }) => cases.map((one) => ({ one, section, theirs: fixtures[one.name] ?? [] })));
const answers = await stage.playAll(plays.map(({ one, section, theirs }) => ({ one, namespace: namespaceOf(section), settled: settledAs(one, theirs) })), WIDTH);
for (const { section } of sections) {
  await t.test(section, (t) => {
    const seen: Record<string, Recorded> = {};
    for (const [index, { one, section: of, theirs }] of plays.entries()) {
      const ours = answers[index];
      if (of !== section || ours === undefined) continue;
      seen[one.name] = ours;
      if (theirs.length === 0) t.fail(`${one.name}: no fixture; take it with record.ts`);
      else compare(t, `${section}/${one.name}`, differences(one, ours, theirs));
    }
    const folder = process.env['PARITY_NODE_SEEN'];
    if (folder !== undefined) writeFileSync(join(folder, `${section}.json`), JSON.stringify(seen));
    t.end();
  });
}

function compare(t: Pick<TAP, 'strictSame' | 'pass'>, name: string, found: readonly Difference[]): void {
  const why = OPEN[name];
  if (why === undefined) t.strictSame(found, [], name);
  else t.pass(name, { todo: `${why}${found.length === 0 ? ' (agrees here)' : ''}` });
}

/** What is the same as upstream's is settled; else it may become so for some seconds. */
function settledAs(one: NodeCase, theirs: readonly Recorded[]) {
  return async (record: () => Recorded, changed: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    const deadline = AbortSignal.timeout(SETTLE_MS);
    const atTheEnd = { ...one, without: { ...one.without, phases: '', conditions: '', containers: '', output: '' } };
    while (!deadline.aborted && differences(atTheEnd, record(), theirs).length > 0) await changed(deadline);
  };
}

function fixturesOf(section: string): Record<string, Recorded[]> {
  const file = join(import.meta.dirname, 'fixtures', `${section}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Record<string, Recorded[]> : {};
}
