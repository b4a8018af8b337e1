// What Skiff makes or changes on a machine and cannot be told by its name later is written down before it is done, so that `skiff uninstall`
// leaves the machine as it was. What carries our names (chains SKIFF-*, links skf*, skiff-dns and skiff.vxlan, routes of our protocol, all below
// /run/skiff) is found by them and needs no line here.
//
//   <data-dir>/installed-files   what outlives a boot
//   <run-dir>/ledger             what does not (a tmpfs)
//
// Both are plain text, a line each, so that a shell can append to them (install.sh does, to /var/lib/skiff/installed-files, whatever the data folder):
//
//   /etc/systemd/system/skiff.service      was not there: a file or link is removed, a folder if it is empty by then
//   /etc/skiff/                            was not there: a folder that is removed with all that is in it
//   volume /srv/data                       a folder made for a volume: kept unless --purge
//   sysctl net/ipv4/ip_forward 0           what it was before
//   cgroup /sys/fs/cgroup/cpu/kubepods     removed with all below
//   table iptables nat                     was not there: removed if nobody else uses it by then
//
// What was there before is not written down, and so never removed. A line that is written twice counts once; one that says nothing known
// is left alone.
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, readFileIfThere } from './files.ts';

export type Entry =
  | { kind: 'path' | 'tree' | 'volume' | 'cgroup'; path: string }
  | { kind: 'sysctl'; name: string; before: string }
  | { kind: 'table'; family: string; name: string };

/** What the parts of Skiff are given. Each call comes before the deed, and is on disk when it returns. */
export interface Ledger {
  /** A file, link or folder is about to be made, with the folders above it that are missing. `tree`: a folder in which everything is Skiff's. */
  making(path: string, what?: 'tree' | 'volume'): void;
  /** Sets it (`net/ipv4/ip_forward`), unless it is so already. */
  setSysctl(name: string, value: string): void;
  /** A cgroup is about to be made. */
  cgroup(directory: string): void;
  /** A table of packet rules is about to come into being: `iptables nat`. */
  table(family: string, name: string): void;
}

/** The name of the lasting file in the data folder. */
export const LEDGER_FILE = 'installed-files';

export function openLedger(dataDir: string, runDir: string): Ledger {
  const kept = createRecord(join(dataDir, LEDGER_FILE));
  const volatile = createRecord(join(runDir, 'ledger'));
  const newFolders = missingFolders(dataDir);
  const record = (entries: readonly Entry[]): void => {
    // The folder of the ledger itself is the first thing it can tell of.
    if (newFolders.length > 0) kept.add(newFolders.splice(0).map((path) => ({ kind: path === dataDir ? 'tree' : 'path', path })));
    kept.add(entries.filter((entry) => !isVolatile(entry)));
    volatile.add(entries.filter(isVolatile));
  };
  return {
    making(path, what) {
      // The folders that are to hold the ledger are there once it is written.
      const above = missingFolders(dirname(path)).map((folder): Entry => ({ kind: 'path', path: folder }));
      record([...above, ...(existsSync(path) ? [] : [{ kind: what ?? 'path', path } as const])]);
    },
    setSysctl(name, value) {
      const path = `/proc/sys/${name}`;
      const before = readFileSync(path, 'utf8').trim();
      if (before === value) return;
      if (!volatile.entries().some((entry) => entry.kind === 'sysctl' && entry.name === name)) volatile.add([{ kind: 'sysctl', name, before }]);
      writeFileSync(path, value);
    },
    cgroup(directory) {
      if (!existsSync(directory)) volatile.add([{ kind: 'cgroup', path: directory }]);
    },
    table: (family, name) => volatile.add([{ kind: 'table', family, name }]),
  };
}

function isVolatile(entry: Entry): boolean {
  return entry.kind === 'path' && entry.path.startsWith('/run/');
}

/** Does as asked and writes nothing down: for parts that run without a machine of their own. */
export const NO_LEDGER: Ledger = {
  making: () => {},
  setSysctl(name, value) {
    const path = `/proc/sys/${name}`;
    if (readFileSync(path, 'utf8').trim() !== value) writeFileSync(path, value);
  },
  cgroup: () => {},
  table: () => {},
};

export function parseLedger(text: string): Entry[] {
  const entries = text.split('\n').flatMap((line): Entry[] => {
    if (line.startsWith('/')) return line === '/' ? [] : [line.endsWith('/') ? { kind: 'tree', path: line.replace(/\/+$/, '') } : { kind: 'path', path: line }];
    const [, word = '', rest = ''] = /^(\w+) (.+)$/.exec(line) ?? [];
    if (word === 'sysctl' || word === 'table') {
      const [, first = '', second = ''] = /^(\S+) (.*)$/.exec(rest) ?? [];
      if (first === '') return [];
      return [word === 'sysctl' ? { kind: 'sysctl', name: first, before: second } : { kind: 'table', family: first, name: second }];
    }
    return (word === 'volume' || word === 'cgroup') && rest.startsWith('/') ? [{ kind: word, path: rest }] : [];
  });
  return [...new Map(entries.map((entry) => [formatEntry(entry), entry])).values()];
}

export function formatEntry(entry: Entry): string {
  if (entry.kind === 'sysctl') return `sysctl ${entry.name} ${entry.before}`;
  if (entry.kind === 'table') return `table ${entry.family} ${entry.name}`;
  if (entry.kind === 'path') return entry.path;
  return entry.kind === 'tree' ? `${entry.path}/` : `${entry.kind} ${entry.path}`;
}

/** Ancestors that are not there, and the path itself, the topmost first. */
function missingFolders(path: string): string[] {
  return existsSync(path) || path === '/' ? [] : [...missingFolders(dirname(path)), path];
}

function createRecord(path: string): { add(entries: readonly Entry[]): void; entries(): Entry[] } {
  const entries = (): Entry[] => parseLedger(readFileIfThere(path) ?? '');
  let known: Set<string> | undefined;
  return {
    entries,
    add(added) {
      known ??= new Set(entries().map(formatEntry));
      const lines = added.map(formatEntry).filter((line) => !known?.has(line));
      if (lines.length === 0) return;
      const wrong = lines.find((line) => line.includes('\n'));
      if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} cannot be written down: it has a line break`);
      append(path, lines);
      for (const line of lines) known.add(line);
    },
  };
}

/** A line that a power cut tore is ended first: it must not swallow the next. */
function append(path: string, lines: readonly string[]): void {
  try {
    makeDirectory(dirname(path));
  } catch (error) {
    throw new Error(`${dirname(path)} cannot be written (${(error as NodeJS.ErrnoException).code ?? ''}): choose another folder with --data-dir`, { cause: error });
  }
  const torn = /[^\n]$/.test(readFileIfThere(path) ?? '');
  const file = openSync(path, 'a', 0o600);
  try {
    appendFileSync(file, `${torn ? '\n' : ''}${lines.join('\n')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
