// Every packet rule of Skiff's, by name: chains SKIFF-*, and the rules elsewhere that jump to them. Read out of what iptables-save says, and taken
// away by one atomic iptables-restore per table. Rules and chains of others are not touched. A table that was not there before Skiff (iptables over
// nftables makes them when they are first used) goes as well, unless others use it by then.
import { command, tryCommand } from '../../internal/base/command.ts';
import type { Ledger } from '../../internal/base/ledger.ts';

const CHAIN_PREFIX = 'SKIFF-';
const OUR_TABLES = ['filter', 'nat', 'mangle', 'raw'];
const FAMILIES = ['iptables', 'ip6tables'] as const;
type Family = (typeof FAMILIES)[number];

export interface OwnRules {
  family: Family;
  table: string;
  chains: string[];
  /** As `-A CHAIN …`, in chains that are not ours. */
  jumps: string[];
}

/** Before the first rule of this start. The older iptables also leaves a lock file behind. */
export async function noteMissingTables(ledger: Ledger): Promise<void> {
  const saved = await tryCommand('iptables-save', []).catch(() => undefined);
  ledger.making('/run/xtables.lock');
  const there = tablesIn(saved?.stdout ?? '').map(({ table }) => table);
  for (const table of OUR_TABLES) if (saved?.code === 0 && !there.includes(table)) ledger.table('iptables', table);
}

/** Those of the given that hold nothing of others': no rule, no chain but the kernel's, every policy its first. */
export async function findEmptyTables(names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const saved = await tryCommand('iptables-save', []).catch(() => undefined);
  return tablesIn(saved?.stdout ?? '').filter(({ table, lines }) => names.includes(table) && lines.every((line) => isOwn(line) || (line.startsWith(':') && / ACCEPT \[/.test(line)))).map(({ table }) => table);
}

/** Only nftables can; the older kind of iptables keeps its tables until a boot, empty. */
export async function removeEmptyTable(name: string): Promise<void> {
  await tryCommand('nft', ['delete', 'table', 'ip', name]).catch(() => undefined);
}

function tablesIn(saved: string): { table: string; lines: string[] }[] {
  return saved.split(/^\*/m).slice(1).map((text) => {
    const [table = '', ...lines] = text.split('\n');
    return { table: table.trim(), lines: lines.filter((line) => line !== '' && line !== 'COMMIT' && !line.startsWith('#')) };
  });
}

export async function findOwnRules(): Promise<OwnRules[]> {
  const all = await Promise.all(FAMILIES.map(async (family) => {
    const saved = await tryCommand(`${family}-save`, []).catch(() => undefined); // not installed: no rules of ours either
    return saved?.code === 0 ? ownRulesIn(saved.stdout, family) : [];
  }));
  return all.flat();
}

/** Pure: `saved` is what iptables-save printed. */
export function ownRulesIn(saved: string, family: Family = 'iptables'): OwnRules[] {
  const tables: OwnRules[] = [];
  for (const line of saved.split('\n')) {
    const table = tables.at(-1);
    if (line.startsWith('*')) tables.push({ family, table: line.slice(1).trim(), chains: [], jumps: [] });
    else if (line.startsWith(`:${CHAIN_PREFIX}`)) table?.chains.push(line.slice(1).split(' ')[0] ?? '');
    else if (isJump(line)) table?.jumps.push(line);
  }
  return tables.filter(({ chains, jumps }) => chains.length > 0 || jumps.length > 0);
}

/** Words in quotes are somebody's comment. */
function isJump(line: string): boolean {
  return line.startsWith('-A ') && !line.startsWith(`-A ${CHAIN_PREFIX}`) && / -[jg] SKIFF-/.test(line.replace(/"(?:[^"\\]|\\.)*"/g, ''));
}

function isOwn(line: string): boolean {
  return line.startsWith(`:${CHAIN_PREFIX}`) || line.startsWith(`-A ${CHAIN_PREFIX}`) || isJump(line);
}

/** Input of iptables-restore --noflush. Chains are emptied before any goes, as they jump to each other. */
export function removalOf({ table, chains, jumps }: OwnRules): string {
  const lines = [...chains.map((chain) => `:${chain} - [0:0]`), ...jumps.map((jump) => jump.replace(/^-A/, '-D')), ...chains.map((chain) => `-X ${chain}`)];
  return `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

export async function removeOwnRules(rules: OwnRules): Promise<void> {
  await command(`${rules.family}-restore`, ['--noflush', '--wait', '5'], { input: removalOf(rules) });
}
