// Asks a live upstream kubelet the whole table and writes its answers as fixtures, from the network of the lab where that runs:
//   host lab -- node test/parity-kubelet/record.ts KUBECONFIG REGISTRY NODE ADDRESS [SECTION…]
// NODE at ADDRESS should be one that runs nothing but the kubelet (an agent): what shares its process shares its metrics and its configz.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApi } from '../support/api.ts';
import { pushImages } from '../support/images.ts';
import { ask } from './exchange.ts';
import { SECTIONS } from './requests.ts';
import type { Answer } from './row.ts';
import { setStage, strikeStage } from './stage.ts';

const [kubeconfig = '', registry = '', node = '', address = '', ...wanted] = process.argv.slice(2);
const directory = join(import.meta.dirname, 'fixtures');
mkdirSync(directory, { recursive: true });
await pushImages(`http://${registry}`, undefined, 'library/');
const api = openApi(kubeconfig);
const id = `kubelet-${process.pid.toString(36)}x`;
try {
  const run = { server: { ...api.credentials, url: `https://${address}:10250` }, stage: await setStage(api, { node, id }) };
  for (const [section, rows] of Object.entries(SECTIONS)) {
    if (wanted.length > 0 && !wanted.includes(section)) continue;
    const answers: Record<string, Answer> = {};
    for (const row of rows) {
      if (row.name in answers) throw new Error(`two rows are named ${row.name}`);
      answers[row.name] = await ask(run, row).catch((error: unknown) => ({ status: 0, headers: {}, body: String(error) }));
    }
    const lines = Object.entries(answers).map(([name, answer]) => `${JSON.stringify(name)}:${JSON.stringify(answer)}`);
    writeFileSync(join(directory, `${section}.json`), `{\n${lines.join(',\n')}\n}\n`);
    console.log(`${section}: ${String(rows.length)}`);
  }
} finally {
  await strikeStage(api, id);
  api.close();
}
