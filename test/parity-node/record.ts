// Plays the cases on a live upstream and writes what it shows as fixtures, from the network of the lab where that runs:
//   host lab -- node test/parity-node/record.ts KUBECONFIG REGISTRY [ROUNDS [SECTION...]]
// The section of static pods needs STATIC_FOLDER (the node's folder of them, as seen from here) and a node that asks http://ADDRESS:8899/ of the lab for more.
// REGISTRY (host:port, plain HTTP) is what upstream pulls docker.io's images from; the images of test/support are pushed there.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImages } from '../support/images.ts';
import { openApi } from '../support/api.ts';
import { IMAGES, SECTIONS, WARM } from './cases.ts';
import { makeNamespaces, namespaceOf, removeNamespace } from './namespaces.ts';
import { createStage } from './play.ts';
import { openStaticPlaces } from './static-places.ts';
import type { Recorded } from './trace.ts';

const WIDTH = 12;
const QUIET_MS = 4_000;
const [kubeconfig = '', registry = '', rounds = '3', ...wanted] = process.argv.slice(2);
const fixtures = join(import.meta.dirname, 'fixtures');
mkdirSync(fixtures, { recursive: true });
await pushImages(`http://${registry}`, undefined, 'library/');
const api = openApi(kubeconfig);
const folder = process.env['STATIC_FOLDER'];
const places = folder === undefined ? undefined : await openStaticPlaces(folder, registry.split(':')[0] ?? '');
const stage = createStage(api, places);
await removeNamespace(api, WARM);
await makeNamespaces(api, [WARM]);
await stage.warm(namespaceOf(WARM), IMAGES);
// Words `section/expression` take only the cases anew whose names match; the other answers are kept.
for (const word of wanted.length === 0 ? Object.keys(SECTIONS) : wanted) {
  const [section = '', only] = word.split('/');
  const cases = (SECTIONS[section] ?? []).filter(({ name }) => only === undefined || new RegExp(only).test(name));
  const file = join(fixtures, `${section}.json`);
  const answers: Record<string, Recorded[]> = only === undefined || !existsSync(file) ? {} : JSON.parse(readFileSync(file, 'utf8')) as Record<string, Recorded[]>;
  for (const { name } of cases) answers[name] = [];
  for (let round = 0; round < Number(rounds); round++) {
    await removeNamespace(api, section); // of a taking that was broken off
    await makeNamespaces(api, [section]);
    const seen = await stage.playAll(cases.map((one) => ({ one, namespace: namespaceOf(section), settled: () => sleep(QUIET_MS) })), WIDTH);
    for (const [index, { name }] of cases.entries()) {
      const record = seen[index];
      if (record === undefined) continue;
      if (record.output['error'] !== undefined) console.log(`${section}/${name}: ${record.output['error']}`);
      const known = answers[name] ?? [];
      if (!known.some((one) => JSON.stringify(one) === JSON.stringify(record))) known.push(record);
    }
    await removeNamespace(api, section);
  }
  const lines = Object.entries(answers).map(([name, records]) => `${JSON.stringify(name)}:[\n${records.map((one) => JSON.stringify(one)).join(',\n')}]`);
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
  console.log(`${section}: ${String(cases.length)} cases, ${Object.values(answers).map(({ length }) => String(length)).join(' ')} answers`);
}
api.close();
places?.close();
