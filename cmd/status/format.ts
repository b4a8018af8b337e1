// One screen of the status, for people. Pure.
import { ageOf } from '../../internal/api/age.ts';
import type { MemoryUse } from './processes.ts';
import type { NodeStatus, Status } from './gather.ts';

const DAY_MS = 86_400_000;
/** More are told of by -o json. */
const NODES_MAX = 12;

export function formatStatus(status: Status, now: number): string {
  const { role = 'server', pid = 0, startedAt = '', versions, server = '', nodes, pods, memory, written, certificates, warnings } = status;
  const rows: [string, string][] = [
    ['Skiff', `${versions.skiff} ${role}, Kubernetes ${versions.kubernetes}, process ${String(pid)}, for ${ageOf(startedAt, now)}`],
    [role === 'server' ? 'API' : 'Server', server],
    ['Data', status.dataDir],
    ['Pods', `${String(pods.running)} running of ${String(pods.total)}${role === 'agent' ? ' on this node' : ''}`],
    ...(memory === undefined ? [] : ([['Memory', memoryText(memory.main)], ...helpersText(memory.helpers)] satisfies [string, string][])),
    ...(written === undefined ? [] : ([['Written', `${size(written.bytes)} to disks since the start ${ageOf(written.since, now)} ago`]] satisfies [string, string][])),
    ['Certificates', certificateText(certificates, now)],
  ];
  return [
    nodeTable(nodes),
    ...rows.map(([name, text]) => `${name.padEnd(14)}${text}\n`),
    warnings.length === 0 ? 'Warnings      none\n' : warnings.map((line, index) => `${(index === 0 ? 'Warnings' : '').padEnd(14)}${line}\n`).join(''),
  ].join('');
}

function nodeTable(nodes: readonly NodeStatus[]): string {
  if (nodes.length === 0) return '';
  const shown = nodes.slice(0, NODES_MAX).map(({ name, roles, ready, address, version }) => [name, roles.join(',') || '<none>', ready ? 'Ready' : 'NotReady', address, version]);
  const table = [['NODE', 'ROLES', 'STATUS', 'ADDRESS', 'VERSION'], ...shown];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)) + 3);
  const more = nodes.length > NODES_MAX ? `and ${String(nodes.length - NODES_MAX)} more, ${String(nodes.filter(({ ready }) => !ready).length)} of all not Ready\n` : '';
  return `${table.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('').trimEnd()}\n`).join('')}${more}\n`;
}

/** A conmon for each container, and programs that run just now. */
function helpersText(helpers: MemoryUse): [string, string][] {
  const { processes } = helpers;
  return processes === 0 ? [] : [['', `${memoryText(helpers)} in ${String(processes)} ${processes === 1 ? 'helper' : 'helpers'}`]];
}

function memoryText({ rssBytes, pssBytes, anonymousBytes }: MemoryUse): string {
  return `${size(rssBytes)} resident (${size(pssBytes)} by share, ${size(anonymousBytes)} anonymous)`;
}

function certificateText(certificates: readonly Status['certificates'][number][], now: number): string {
  const [first] = certificates;
  if (first === undefined) return 'none yet';
  const days = Math.floor((Date.parse(first.notAfter) - now) / DAY_MS);
  return `${String(certificates.length)}, the first to end is ${first.name} on ${first.notAfter.slice(0, 10)} (${String(days)} days)`;
}

export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? String(Math.round(value)) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
