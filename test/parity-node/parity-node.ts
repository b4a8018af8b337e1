// A pod's life on Skiff is upstream's: the cases of some sections are played on a real node, and what is seen of each compared with what a live
// upstream kubelet showed (fixtures, taken by record.ts). What differs on purpose is listed in differences.ts, with its reason.
// PARITY_NODE names cases by a regular expression on `section/name` (default: all), PARITY_NODE_SEEN a folder where what was seen of them is written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TAP } from 'tap';
import { createSuppliedCluster } from '../support/cluster.ts';
import type { Difference } from '../support/differences.ts';
import { ownNetwork } from '../support/lab.ts';
import { openApi } from '../support/api.ts';
import { IMAGES, SECTIONS, WARM } from './cases.ts';
import type { NodeCase } from './case.ts';
import { differences } from './compare.ts';
import { makeNamespaces, namespaceOf } from './namespaces.ts';
import { OPEN } from './open.ts';
import { createStage, type Stage } from './play.ts';
import { openStaticPlaces, STATIC_PORT } from './static-places.ts';
import type { Recorded } from './trace.ts';

const TIMEOUT_MS = 600_000;
const SETTLE_MS = 30_000;
const WIDTH = 16;

export interface PlayedSections {
  sections: readonly string[];
  /** First three octets of the lab's network. */
  net: string;
}

export async function playSections(t: TAP, { sections: names, net }: PlayedSections): Promise<void> {
  ownNetwork();
  t.setTimeout(TIMEOUT_MS);
  const only = new RegExp(process.env['PARITY_NODE'] ?? '.');
  const sections = names.map((section) => ({ section, cases: (SECTIONS[section] ?? []).filter(({ name }) => only.test(`${section}/${name}`)), fixtures: fixturesOf(section) })).filter(({ cases }) => cases.length > 0);
  if (sections.length === 0) return;
  const stage = await openStage(t, net, sections.map(({ section }) => section));
  // All at once, as most of the time they wait; what came of them is told section by section.
  const plays = sections.flatMap(({ section, cases, fixtures }) => cases.map((one) => ({ one, section, theirs: fixtures[one.name] ?? [] })));
  const answers = await stage.playAll(plays.map(({ one, section, theirs }) => ({ one, namespace: namespaceOf(section), settled: settledAs(one, theirs) })), WIDTH);
  for (const { section } of sections) {
    await t.test(section, (t) => {
      const seen = plays.flatMap(({ one, section: of, theirs }, index) => (of === section && answers[index] !== undefined ? [{ one, theirs, ours: answers[index] }] : []));
      for (const { one, theirs, ours } of seen) {
        if (theirs.length === 0) t.fail(`${one.name}: no fixture; take it with record.ts`);
        else compare(t, `${section}/${one.name}`, differences(one, ours, theirs));
      }
      const folder = process.env['PARITY_NODE_SEEN'];
      if (folder !== undefined) writeFileSync(join(folder, `${section}.json`), JSON.stringify(Object.fromEntries(seen.map(({ one, ours }) => [one.name, ours]))));
      t.end();
    });
  }
}

/** A node with the images on it, and a namespace for each section. */
async function openStage(t: TAP, net: string, sections: readonly string[]): Promise<Stage> {
  const cluster = await createSuppliedCluster('parity', net);
  t.teardown(() => cluster.remove());
  const places = await openStaticPlaces(join(cluster.host.disk, 'plain/var/lib/kubelet/static'), cluster.lab.ip);
  t.teardown(() => places.close());
  await cluster.start(...['pod-manifest-path=/var/lib/kubelet/static', `manifest-url=http://${cluster.lab.ip}:${String(STATIC_PORT)}/`, 'http-check-frequency=2s'].flatMap((setting) => ['--kubelet-arg', setting]));
  const api = openApi(cluster.kubeconfig);
  t.teardown(() => api.close());
  const stage = createStage(api, places);
  await makeNamespaces(api, [WARM, ...sections]);
  await stage.warm(namespaceOf(WARM), IMAGES);
  return stage;
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
