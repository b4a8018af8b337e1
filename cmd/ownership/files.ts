// The files that Skiff leaves last. What goes is planned from the ledgers, without a look at what the files hold; how it goes is careful: links are not
// followed, what is mounted is not walked into, and a folder that was there before stays.
//
//   trees and single paths of the ledgers ─► run folder ─► data folder ─► the executable and its links ─► the ledgers themselves
//
// The ledgers go last of all, so that an interrupted run is finished by the next.
import { lstatSync, readdirSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LEDGER_FILE, type Entry } from '../../internal/base/ledger.ts';
import { CONFIG_DIR, DEFAULT_DATA_DIR, RUN_ROOT, runDirOf } from '../places.ts';

export interface FileStep {
  /** tree: with all in it. file: or a link. folder: if it is empty. */
  what: 'tree' | 'file' | 'folder';
  path: string;
}

export interface FilePlan {
  steps: FileStep[];
  /** Lines that say what stays and why. */
  keeps: string[];
}

export interface FileFacts {
  dataDir: string;
  kept: readonly Entry[];
  volatile: readonly Entry[];
  /** Files and folders that belong to Skiff by other signs than these. */
  others: readonly string[];
  purge: boolean;
  /** Names in a folder; undefined when it is not there. */
  list(path: string): string[] | undefined;
  /** Of a path as it is given, links and all. */
  isMountPoint(path: string): boolean;
  isThere(path: string): boolean;
}

/** In the data folder, whoever made that. */
const OURS = ['agent', 'server', 'storage'];
const VOLUMES = 'storage';

/** Pure: the same facts, the same plan. */
export function planFiles(facts: FileFacts): FilePlan {
  const { dataDir, purge, isThere } = facts;
  const entries = entriesOf(facts);
  const paths = (kind: 'path' | 'tree' | 'volume'): string[] => [...new Set(entries.flatMap((entry) => (entry.kind === kind && isThere(entry.path) ? [entry.path] : [])))].sort(deepestFirst);
  const storage = join(dataDir, VOLUMES);
  const volumes = [...paths('volume'), ...((facts.list(storage) ?? []).length > 0 ? [storage] : [])];
  const kept = purge ? [] : volumes;
  // Those that hold a ledger go in an order of their own, and in another what holds or is data of volumes.
  const isApart = (path: string): boolean => [...ledgerFolders(dataDir), ...kept].some((folder) => isWithin(path, folder));
  const trees = paths('tree').filter((path) => !isApart(path));
  const outer = trees.filter((path) => !trees.some((other) => other !== path && isWithin(path, other)));
  const isCovered = (path: string): boolean => outer.some((made) => isWithin(path, made));
  const singles = paths('path').filter((path) => !isApart(path) && !isCovered(path) && !kept.some((volume) => isWithin(volume, path)));
  // The executable and its links, and the folder that was made for them: an interrupted run needs it again.
  const isProgram = (path: string): boolean => /\/(skiff|kubectl)$/.test(path) && !path.startsWith('/etc/');
  const program = singles.filter((path) => singles.some((other) => isProgram(other) && isWithin(other, path)));
  const steps = [
    ...(purge ? volumes.filter((path) => !isWithin(path, dataDir)).map(tree) : []),
    ...outer.flatMap((path) => around(path, facts, kept)),
    ...singles.filter((path) => !program.includes(path)).map(file),
    ...[...new Set(facts.others)].filter((path) => isThere(path) && !isCovered(path)).map(tree),
    ...planRunDir(facts),
    ...ledgerFolders(dataDir).flatMap((folder) => planLedgerFolder(folder, facts, kept)),
    ...program.map(file),
    ...planLedgers(facts, entries),
  ];
  return { steps, keeps: kept.map((path) => `${path} (data of volumes: --purge takes it too)`) };
}

/** The folder of our configuration is ours whole, whether the installer made it or the server. */
function entriesOf({ kept, volatile }: FileFacts): Entry[] {
  return [...kept, ...volatile].map((entry) => (entry.kind === 'path' && entry.path === CONFIG_DIR ? { kind: 'tree', path: CONFIG_DIR } : entry));
}

/** Other instances of this machine have folders of their own there. */
function planRunDir({ dataDir, list }: FileFacts): FileStep[] {
  const names = list(RUN_ROOT);
  const runDir = runDirOf(dataDir);
  if (names === undefined) return [];
  return names.some((name) => /^[0-9a-f]{8}$/.test(name) && name !== basename(runDir)) ? [tree(runDir)] : [tree(RUN_ROOT)];
}

/** A folder that was there before, or is a disk of its own, loses what is ours by name; one that we made, all. */
function planLedgerFolder(folder: string, facts: FileFacts, keptVolumes: readonly string[]): FileStep[] {
  const { dataDir, kept, list } = facts;
  const made = !facts.isMountPoint(folder) && kept.some((entry) => (entry.kind === 'tree' || entry.kind === 'path') && entry.path === folder);
  const names = (list(folder) ?? []).filter((name) => name !== LEDGER_FILE && (made || (folder === dataDir && OURS.includes(name))));
  return names.flatMap((name) => around(join(folder, name), facts, keptVolumes));
}

/** install.sh writes in the usual data folder, wherever the one in use is. */
function ledgerFolders(dataDir: string): string[] {
  return [...new Set([dataDir, DEFAULT_DATA_DIR])];
}

/** The ledgers, then the folders that only they were left in. */
function planLedgers({ dataDir, isThere }: FileFacts, entries: readonly Entry[]): FileStep[] {
  const ledgers = ledgerFolders(dataDir).map((folder) => join(folder, LEDGER_FILE)).filter(isThere);
  const holders = new Set(ledgerFolders(dataDir).flatMap((folder) => [folder, ...ancestors(folder)]));
  const made = entries.flatMap((entry) => ((entry.kind === 'path' || entry.kind === 'tree') && holders.has(entry.path) && isThere(entry.path) ? [entry.path] : []));
  return [...ledgers.map(file), ...[...new Set(made)].sort(deepestFirst).map((path): FileStep => ({ what: 'folder', path }))];
}

/** A tree; of one that holds what is kept, all the rest. */
function around(path: string, facts: FileFacts, kept: readonly string[]): FileStep[] {
  if (kept.includes(path)) return [];
  if (!kept.some((volume) => isWithin(volume, path))) return [tree(path)];
  return (facts.list(path) ?? []).flatMap((name) => around(join(path, name), facts, kept));
}

function tree(path: string): FileStep {
  return { what: 'tree', path };
}

function file(path: string): FileStep {
  return { what: 'file', path };
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...ancestors(parent)];
}

function deepestFirst(a: string, b: string): number {
  return b.split('/').length - a.split('/').length || (a < b ? -1 : 1);
}

/**
 * Gives why it stays, when it is to: a folder that is not empty, one where something is mounted (somebody's disk). `isMountPoint` is asked of real
 * paths; a folder on another device than the one above is one as well.
 */
export function removeFiles({ what, path }: FileStep, isMountPoint: (path: string) => boolean): string | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const parent = realpathSync(dirname(path));
  const isMount = (folder: string, deviceAbove: number): boolean => isMountPoint(folder) || lstatSync(folder).dev !== deviceAbove;
  if (removeReal(join(parent, basename(path)), lstatSync(parent).dev, { tree: what === 'tree', isMount })) return undefined;
  return what === 'tree' ? 'something is mounted there' : 'it is not empty';
}

/** Whether it is gone. */
function removeReal(path: string, deviceAbove: number, options: { tree: boolean; isMount(path: string, deviceAbove: number): boolean }): boolean {
  const info = lstatSync(path);
  if (!info.isDirectory()) {
    unlinkSync(path);
    return true;
  }
  if (options.isMount(path, deviceAbove)) return false;
  const left = options.tree ? readdirSync(path).filter((name) => !removeReal(join(path, name), info.dev, options)) : readdirSync(path);
  if (left.length > 0) return false;
  rmdirSync(path);
  return true;
}

/** For a line: what of the user's hand may be in a folder that goes. */
export function describeStep({ what, path }: FileStep, list: FileFacts['list']): string {
  if (what !== 'tree') return `${list(path) === undefined ? 'file' : 'folder'} ${path}`;
  const names = path === CONFIG_DIR ? (list(path) ?? []) : [];
  return `tree ${path}${names.length === 0 ? '' : ` (${names.sort().join(', ')})`}`;
}
