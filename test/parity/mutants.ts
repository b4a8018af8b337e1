// Asks a live upstream and Skiff the same thing about good objects spoilt in one place each, made and changed without being kept, and prints
// where their answers differ: node test/parity/mutants.ts KUBECONFIG [KIND…]. Rows of the table come of what it finds; it is no test itself.
// Only upstream's API server may run, as for record.ts.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { startControlPlane } from '../support/control-plane.ts';
import { parseKubeconfig } from '../support/kubeconfig.ts';
import { differences } from './differences.ts';
import { ask, type Answer, type Row, type Run } from './exchange.ts';
import { SETUP } from './requests/setup.ts';
import { SAMPLES, type Sample } from './samples.ts';

type Tree = Record<string, unknown>;
type Step = string | number;

interface Mutant {
  name: string;
  object: unknown;
}

const SHOWN_MAX = 600;
const AT_ONCE = 4;
const STRINGS = ['', 'A b', '/x..', '-1', 'x'.repeat(64), 'x'.repeat(254)];
const NUMBERS = [0, -1, 65536, 2147483647];

/** Every object that differs from the given one in one place; metadata, which is the same to all kinds, in ConfigMaps only. */
function mutants(object: Sample['object']): Mutant[] {
  return placesOf(object, []).filter(({ path }) => path[0] !== 'metadata' || object.kind === 'ConfigMap').flatMap(({ path, value }) => changes(value).map(({ name, value: changed }) => ({ name: `${path.join('.')} ${name}`, object: withValue(object, path, changed) })));
}

function placesOf(value: unknown, path: readonly Step[]): { path: readonly Step[]; value: unknown }[] {
  const own = path.length === 0 || ['apiVersion', 'kind'].includes(String(path[0])) || (path[0] === 'metadata' && path.length === 1) ? [] : [{ path, value }];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([key, below]) => placesOf(below, [...path, key]))];
}

const GONE = Symbol('gone');

function changes(value: unknown): { name: string; value: unknown }[] {
  const gone = { name: 'gone', value: GONE };
  if (typeof value === 'string') return [gone, ...STRINGS.map((text) => ({ name: `= ${text.slice(0, 8)}${String(text.length)}`, value: text }))];
  if (typeof value === 'number') return [gone, ...NUMBERS.map((number) => ({ name: `= ${String(number)}`, value: number }))];
  if (typeof value === 'boolean') return [gone, { name: `= ${String(!value)}`, value: !value }];
  if (Array.isArray(value)) return [gone, { name: '= []', value: [] }, { name: 'twice', value: [...(value as unknown[]), value[0] as unknown] }];
  return [gone, { name: '= {}', value: {} }, { name: '+ key', value: { ...(value as Tree), 'a b': 'c d' } }];
}

function withValue(root: unknown, path: readonly Step[], value: unknown): unknown {
  const copy = structuredClone(root);
  let place = copy as Tree;
  for (const step of path.slice(0, -1)) place = place[step] as Tree;
  const last = path.at(-1) ?? '';
  if (value !== GONE) place[last] = value;
  else if (Array.isArray(place)) place.splice(Number(last), 1);
  else delete place[last];
  return copy;
}

const [kubeconfig = '', ...kinds] = process.argv.slice(2);
const ours = await startControlPlane();
const id = `mutants-${process.pid.toString(36)}x`;
const keep = { keepAlive: true, maxSockets: AT_ONCE };
const runs: [Run, Run] = [{ server: { ...ours, agent: new Agent(keep) }, id, saved: new Map() }, { server: { ...parseKubeconfig(readFileSync(kubeconfig, 'utf8')), agent: new Agent(keep) }, id, saved: new Map() }];
let asked = 0;
let differ = 0;

async function compare(row: Row): Promise<void> {
  asked++;
  const answers = await Promise.all([ask(runs[0], row), ask(runs[1], row)]).catch((error: unknown) => console.log(`-- ${row.name}\n   ${String(error)}`));
  if (answers === undefined) return;
  const [mine, theirs] = answers;
  const found = mine.status === theirs.status ? differences(row.name, mine, theirs) : [{ place: 'status', ours: saidBy(mine), theirs: saidBy(theirs) }];
  if (found.length === 0) return;
  differ++;
  const shown = found.slice(0, 3).map(({ place, ours: our, theirs: their }) => `   ${place}\n      ours:   ${(JSON.stringify(our) ?? '').slice(0, SHOWN_MAX)}\n      theirs: ${(JSON.stringify(their) ?? '').slice(0, SHOWN_MAX)}`);
  console.log([`-- ${row.name}`, ...shown].join('\n'));
}

function saidBy({ status, body }: Answer): string {
  return `${String(status)} ${(body as { message?: string }).message ?? ''}`;
}

/** A few at once: none of them changes anything. */
async function compareAll(rows: readonly Row[]): Promise<void> {
  const left = rows.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => { for (const row of left) await compare(row); }));
}

async function spoil({ path, object, dry = false }: Sample, mark: string): Promise<void> {
  await compareAll(mutants(object).map((mutant) => ({ name: `${mark} create ${mutant.name}`, method: 'POST', path: `${path}?dryRun=All`, body: mutant.object })));
  await compare({ name: `${mark} create`, method: 'POST', path: dry ? `${path}?dryRun=All` : path, body: object });
  if (dry) return;
  const at = `${path}/${String(object.metadata['name'])}`;
  await compareAll(mutants(object).map((mutant) => ({ name: `${mark} update ${mutant.name}`, method: 'PUT', path: `${at}?dryRun=All`, body: mutant.object })));
  await Promise.all(runs.map((run) => ask(run, { name: 'removed', method: 'DELETE', path: `${at}?gracePeriodSeconds=0` })));
}

try {
  for (const row of SETUP) await Promise.all(runs.map((run) => ask(run, row)));
  for (const [index, sample] of SAMPLES.entries()) {
    if (kinds.length === 0 || kinds.includes(sample.object.kind)) await spoil(sample, `${sample.object.kind} ${String(index)}:`);
  }
} finally {
  await ours.remove();
}
console.log(`${String(asked)} asked, ${String(differ)} differ`);
process.exit(0);
