// Asks a live upstream API server the whole table and writes its answers as fixtures: node test/parity/record.ts KUBECONFIG [SECTION…]
// Only its API server may run (no controllers, no node): then it gives the same answers every time, but for the order of some lists (Go's maps):
// with SECTIONs only theirs are written, though all are asked, since each starts from what those before it left. Take a fresh server each time.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { ask, type Answer, type Run, type Server } from './exchange.ts';
import { SECTIONS } from './requests.ts';

interface Kubeconfig {
  clusters: { cluster: Record<string, string> }[];
  users: { user: Record<string, string> }[];
}

const [kubeconfig = '', ...wanted] = process.argv.slice(2);
const run: Run = { server: serverOf(kubeconfig), id: `parity-${process.pid.toString(36)}x`, saved: new Map() };
const directory = join(import.meta.dirname, 'fixtures');
mkdirSync(directory, { recursive: true });
for (const [section, rows] of Object.entries(SECTIONS)) {
  const answers: Record<string, Answer> = {};
  for (const row of rows) {
    if (row.name in answers) throw new Error(`two rows are named ${row.name}`);
    answers[row.name] = await ask(run, row);
  }
  const lines = Object.entries(answers).map(([name, answer]) => `${JSON.stringify(name)}:${JSON.stringify(answer)}`);
  if (wanted.length > 0 && !wanted.includes(section)) continue;
  writeFileSync(join(directory, `${section}.json`), `{\n${lines.join(',\n')}\n}\n`);
  process.stdout.write(`${section}: ${String(rows.length)}\n`);
}

function serverOf(path: string): Server {
  const { clusters, users } = load(readFileSync(path, 'utf8')) as Kubeconfig;
  const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
  const { cluster = {} } = clusters[0] ?? {};
  const { user = {} } = users[0] ?? {};
  return { url: cluster['server'] ?? '', ca: decode(cluster['certificate-authority-data']), cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) };
}
