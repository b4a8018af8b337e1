// Asks a live upstream API server the whole table and writes its answers as fixtures: node test/parity/record.ts KUBECONFIG ADDRESS [SECTION…]
// ADDRESS is one of this machine's at which the server reaches webhooks.
// Only its API server may run (no controllers, no node): then it gives the same answers every time, but for the order of some lists (Go's maps):
// with SECTIONs only theirs are written, though all are asked, since each starts from what those before it left. Take a fresh server each time.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseKubeconfig } from '../support/kubeconfig.ts';
import { askAll, startHook, type Answer, type Run } from './exchange.ts';
import { SECTIONS } from './requests.ts';
import { REPLIES } from './requests/hooks.ts';

const [kubeconfig = '', address = '', ...wanted] = process.argv.slice(2);
const hook = await startHook(address, REPLIES);
const run: Run = { server: parseKubeconfig(readFileSync(kubeconfig, 'utf8')), id: `parity-${process.pid.toString(36)}x`, saved: new Map(), hook };
const directory = join(import.meta.dirname, 'fixtures');
mkdirSync(directory, { recursive: true });
for (const [section, rows] of Object.entries(SECTIONS)) {
  const answers: Record<string, Answer> = {};
  for await (const [row, answer] of askAll(run, rows)) {
    if (row.name in answers) throw new Error(`two rows are named ${row.name}`);
    answers[row.name] = answer;
  }
  const lines = Object.entries(answers).map(([name, answer]) => `${JSON.stringify(name)}:${JSON.stringify(answer)}`);
  if (wanted.length > 0 && !wanted.includes(section)) continue;
  writeFileSync(join(directory, `${section}.json`), `{\n${lines.join(',\n')}\n}\n`);
  process.stdout.write(`${section}: ${String(rows.length)}\n`);
}
await hook.close();
