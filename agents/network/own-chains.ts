// Every packet rule of Skiff's, by name: chains SKIFF-*, and the rules elsewhere that jump to them. Read out of what iptables-save says, and taken
// away by one atomic iptables-restore per table. Rules and chains of others are not touched.
import { command, tryCommand } from '../../internal/base/command.ts';

export const CHAIN_PREFIX = 'SKIFF-';
const FAMILIES = ['iptables', 'ip6tables'] as const;
type Family = (typeof FAMILIES)[number];

export interface OwnRules {
  family: Family;
  table: string;
  chains: string[];
  /** As `-A CHAIN …`, in chains that are not ours. */
  jumps: string[];
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
    else if (line.startsWith('-A ') && !line.startsWith(`-A ${CHAIN_PREFIX}`) && / -[jg] SKIFF-/.test(line)) table?.jumps.push(line);
  }
  return tables.filter(({ chains, jumps }) => chains.length > 0 || jumps.length > 0);
}

/** Input of iptables-restore --noflush. Chains are emptied before any goes, as they jump to each other. */
export function removalOf({ table, chains, jumps }: OwnRules): string {
  const lines = [...chains.map((chain) => `:${chain} - [0:0]`), ...jumps.map((jump) => jump.replace(/^-A/, '-D')), ...chains.map((chain) => `-X ${chain}`)];
  return `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

export async function removeOwnRules(rules: OwnRules): Promise<void> {
  await command(`${rules.family}-restore`, ['--noflush', '--wait', '5'], { input: removalOf(rules) });
}
