// Programs that this executable carries, put where children find them: before the host's on the search path, so that every machine runs the same
// versions; but for iptables, whose rules must be in the same half of the kernel (nft or legacy) as those of the host's own: the carried one
// is for hosts that have none. A run from the sources carries nothing.
import { getAsset, getRawAsset, isSea } from 'node:sea';
import { basename, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { findProgram, tryCommand } from '../../internal/base/command.ts';
import { namesIn, readFileIfThere } from '../../internal/base/files.ts';
import type { Ledger } from '../../internal/base/ledger.ts';
import { assetOf, MANIFEST_ASSET, type Manifest } from './manifest.ts';
import { areUnpacked, unpackPrograms } from './unpacking.ts';

/** A slow disk takes its time. */
const UNPACKING_MS = 600_000;
const USUAL_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
let folder: string | undefined;

/** Names of all that is carried, as they are called. */
export function carriedNames(): Set<string> {
  const manifest = readManifest();
  return new Set([...(manifest?.files ?? []), ...(manifest?.links ?? [])].map(({ path }) => basename(path)));
}

/** Unpacks them below the data folder, if they are not, and sets this process's search path. */
export async function useCarriedPrograms(dataDir: string, ledger: Ledger): Promise<void> {
  const manifest = readManifest();
  if (manifest === undefined) return;
  const parent = parentIn(dataDir);
  if (!areUnpacked(parent, manifest)) {
    ledger.making(parent);
    await unpackElsewhere(dataDir);
  }
  use(join(parent, manifest.digest));
}

/** In a process of its own: unpacking leaves 20 MB that this one would keep. */
async function unpackElsewhere(dataDir: string): Promise<void> {
  const { code, stderr } = await tryCommand(process.execPath, ['unpack', dataDir], { timeoutMs: UNPACKING_MS });
  if (code !== 0) throw new Error(stderr.trim().replace(/^skiff: /, '') || 'the programs that Skiff carries could not be unpacked');
}

/** The hidden verb `unpack DATA_DIR`. */
export function runUnpack([dataDir = '']: readonly string[]): Promise<number> {
  const manifest = readManifest();
  if (manifest !== undefined && dataDir !== '') unpackPrograms(parentIn(dataDir), manifest, (path) => zstdDecompressSync(new Uint8Array(getRawAsset(assetOf(path)))));
  return Promise.resolve(0);
}

/** Those that the server or agent of this data folder has unpacked, of whatever version. Writes nothing. */
export function useUnpackedPrograms(dataDir: string): void {
  const parent = parentIn(dataDir);
  const [name] = namesIn(parent);
  if (name !== undefined) use(join(parent, name));
}

/** A file of those that are carried; undefined from the sources, or before they are unpacked. */
export function carriedFile(path: string): string | undefined {
  return folder === undefined ? undefined : join(folder, path);
}

function use(unpacked: string): void {
  folder = unpacked;
  const folders = [...new Set([unpacked, ...(process.env['PATH'] ?? '').split(':').filter((one) => one !== ''), ...USUAL_FOLDERS])];
  if (findProgram('iptables-restore') === undefined) {
    folders.push(join(unpacked, `iptables-${iptablesVariant()}`));
    process.env['XTABLES_LIBDIR'] = join(unpacked, 'lib/xtables');
  }
  process.env['PATH'] = folders.join(':');
}

function parentIn(dataDir: string): string {
  return join(dataDir, 'agent/bin');
}

function readManifest(): Manifest | undefined {
  return isSea() ? (JSON.parse(getAsset(MANIFEST_ASSET, 'utf8')) as Manifest) : undefined;
}

/** Without iptables on the host, its rules are in the half that some other program has chosen; nft otherwise, the only one of new kernels. */
function iptablesVariant(): 'nft' | 'legacy' {
  return (readFileIfThere('/proc/net/ip_tables_names') ?? '').trim() === '' ? 'nft' : 'legacy';
}
