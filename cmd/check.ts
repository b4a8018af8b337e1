// `skiff check [server|agent] [FLAGS] [-o json]`: whether this machine can be what is asked, with these flags and the configuration as it stands.
// Changes nothing. A table of all checks, each failure with its one-line fix; exit code 1 when something fails. install.sh runs it first.
import { networkInterfaces } from 'node:os';
import { CHECKS } from './checks/list.ts';
import { textOf, type Finding, type Machine, type Wanted } from './checks/check.ts';
import { readSettings, UsageError } from './settings.ts';

const HELP = `Usage: skiff check [server|agent] [FLAGS] [-o json]

Says whether this machine is fit for Skiff, and what to do where it is not. Changes nothing. FLAGS are those of skiff server or skiff agent, for which it
is to be fit; without a word it is what is installed here, else a server. Exit code 1: something fails.
`;

interface Row extends Finding {
  name: string;
}

export async function runCheck(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  const { verb, flags, json } = parseWords(argv);
  const settings = readSettings(verb, flags, process.env);
  const rows = await look({ verb, settings, node: verb === 'agent' || !settings['disable-agent'] }, thisMachine());
  process.stdout.write(json ? `${JSON.stringify({ checks: rows }, undefined, 2)}\n` : formatTable(rows));
  return rows.some(({ status }) => status === 'failed') ? 1 : 0;
}

/** All checks, one after the other. */
export async function look(wanted: Wanted, machine: Machine, checks = CHECKS): Promise<Row[]> {
  const rows: Row[] = [];
  for (const check of checks) for (const finding of await check.look(wanted, machine)) rows.push({ name: check.name, ...finding });
  return rows;
}

export function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
  return { root: '', uid: process.getuid?.() ?? 0, path: process.env['PATH'] ?? '', now: Date.now(), addresses, glibc: glibcVersion };
}

function glibcVersion(): string {
  Object.assign(process.report, { excludeNetwork: true }); // it would look up names
  return (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime ?? '';
}

/** Without a word it is what is installed here, else a server. */
function parseWords(argv: readonly string[]): { verb: 'server' | 'agent'; flags: string[]; json: boolean } {
  const [first, ...others] = argv;
  const given = first === 'server' || first === 'agent' ? first : undefined;
  const installed = /^INSTALL_SKIFF_ROLE='agent'$/m.test(textOf({ root: '' }, '/etc/skiff/install.env')) ? 'agent' : 'server';
  const flags = given === undefined ? [...argv] : others;
  const at = flags.findIndex((word) => /^(-o|--output)(=|$)/.test(word) || word === '-ojson');
  if (at < 0) return { verb: given ?? installed, flags, json: false };
  const [word = '', next] = flags.slice(at);
  const inline = word.includes('=') || word === '-ojson';
  const format = inline ? word.replace(/^-ojson$/, '=json').split('=')[1] : next;
  if (format !== 'json') throw new UsageError(`-o: ${JSON.stringify(format ?? '')} must be json`);
  flags.splice(at, inline ? 1 : 2);
  return { verb: given ?? installed, flags, json: true };
}

function formatTable(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const indent = ' '.repeat('warning'.length + width + 4);
  return rows.map(({ status, name, message, fix }) => `${status.padEnd(7)}  ${name.padEnd(width)}  ${message}\n${fix === undefined ? '' : `${indent}fix: ${fix}\n`}`).join('');
}
