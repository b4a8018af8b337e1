// Brings the kernel's rules to a wanted set: one atomic `iptables-restore --noflush` per table with only the chains that changed. Everything
// is in chains of our own, but for the jumps into them; nobody else's rules are touched. What a killed predecessor left is found by name.
import { command, tryCommand } from '../../internal/base/command.ts';
import { HOOKS, PREFIX, type Chains, type Ruleset, type Table } from './ruleset.ts';

export interface Iptables {
  /** Brings the kernel to this set; gives the number of chains written. The first call also takes over or removes what is there. */
  apply(wanted: Ruleset): Promise<number>;
  /** Takes away every chain and jump of ours. */
  remove(): Promise<void>;
}

const TABLES: readonly Table[] = ['filter', 'nat'];

export function createIptables(): Iptables {
  // What the kernel has, as far as we know; a table is unknown until read, and again after a failed write.
  const applied = new Map<Table, Chains>();

  async function applyTable(table: Table, wanted: Chains): Promise<number> {
    const known = applied.get(table);
    const current = known ?? (await readChains(table));
    const changed = [...wanted].filter(([name, rules]) => known === undefined || !sameRules(current.get(name), rules));
    const stale = [...current.keys()].filter((name) => !wanted.has(name));
    if (changed.length === 0 && stale.length === 0) return 0;
    applied.delete(table);
    const hooks = known === undefined ? await missingHooks(table) : [];
    await restore(table, [...changed.map(([name]) => `:${name} - [0:0]`), ...stale.map((name) => `:${name} - [0:0]`), ...changed.flatMap(([name, rules]) => rules.map((rule) => `-A ${name} ${rule}`)), ...hooks, ...stale.map((name) => `-X ${name}`)]);
    applied.set(table, new Map(wanted));
    return changed.length;
  }

  return {
    async apply(wanted) {
      let written = 0;
      // Filter first: what is refused must be refused before its address leads somewhere else.
      for (const table of TABLES) written += await applyTable(table, wanted[table]);
      return written;
    },
    async remove() {
      applied.clear();
      for (const table of TABLES) await removeTable(table);
    },
  };
}

function sameRules(left: readonly string[] | undefined, right: readonly string[]): boolean {
  return left !== undefined && left.length === right.length && left.every((rule, index) => rule === right[index]);
}

async function restore(table: Table, lines: readonly string[]): Promise<void> {
  await command('iptables-restore', ['--noflush', '--wait', '5'], { input: `*${table}\n${lines.join('\n')}\nCOMMIT\n` });
}

async function save(table: Table): Promise<string[]> {
  return (await command('iptables-save', ['-t', table])).split('\n');
}

/** Names of our chains in the kernel (their rules are written anew, so they are not read). */
async function readChains(table: Table): Promise<Chains> {
  const names = (await save(table)).flatMap((line) => (line.startsWith(`:${PREFIX}`) ? [line.slice(1).split(' ')[0] ?? ''] : []));
  return new Map(names.filter(isOurs).map((name) => [name, []]));
}

// Other parts of Skiff (pod network, policies) have chains of their own under the same prefix.
function isOurs(name: string): boolean {
  return /^SKIFF-(SERVICES|NODEPORTS|POSTROUTING|HAIRPIN|INPUT|FORWARD|FILTER|(SVC|EXT|ALL)-[0-9A-F]{16})$/.test(name);
}

// Ours come first, so that a firewall's accept-all does not pass them by.
async function missingHooks(table: Table): Promise<string[]> {
  const missing: string[] = [];
  for (const [chain, rule] of HOOKS[table]) {
    const { code } = await tryCommand('iptables', ['--wait', '5', '-t', table, '-C', chain, ...rule.split(' ')]);
    if (code !== 0) missing.push(`-I ${chain} 1 ${rule}`);
  }
  return missing;
}

async function removeTable(table: Table): Promise<void> {
  for (const [chain, rule] of HOOKS[table]) {
    while ((await tryCommand('iptables', ['--wait', '5', '-t', table, '-D', chain, ...rule.split(' ')])).code === 0);
  }
  const names = [...(await readChains(table)).keys()];
  if (names.length > 0) await restore(table, [...names.map((name) => `:${name} - [0:0]`), ...names.map((name) => `-X ${name}`)]);
}
