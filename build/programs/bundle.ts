// The programs that an executable carries, for one architecture: gathered from packages, with the libraries that they need, the programs made to look
// for these in the folder they will be unpacked in (a path of fixed length that unpacking fills in: runc starts itself again from a memory file, where
// $ORIGIN would mean nothing, and with an environment of its own).
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { copyFileSync, existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { assetOf, LIBRARIES_PLACE, MANIFEST_ASSET, type CarriedFile, type Manifest } from '../../cmd/programs/manifest.ts';
import { unpackPackages, type DebianArchitecture, type Recorded } from './debian.ts';
import { isElf, readElf } from './elf.ts';
import { CACHE, HOST_LIBRARIES, IPTABLES_EXTENSIONS, IPTABLES_NAMES, PROGRAMS, RECORD } from './list.ts';

export type Architecture = 'x64' | 'arm64';

const DEBIAN: Record<Architecture, { name: DebianArchitecture; triplet: string }> = { x64: { name: 'amd64', triplet: 'x86_64-linux-gnu' }, arm64: { name: 'arm64', triplet: 'aarch64-linux-gnu' } };
const LIBRARY_FOLDERS = ['usr/lib', 'lib'];

/** Gives the table of assets, each a file; `folder` is for temporary ones. `others`: files that are carried as they are, by the path they get. */
export function bundlePrograms(architecture: Architecture, folder: string, others: Record<string, string>): Record<string, string> {
  const { name, triplet } = DEBIAN[architecture];
  const root = unpackPackages(RECORD, name, CACHE);
  const sources = new Map<string, string>(Object.entries(others).map(([to, from]) => [to, from]));
  const links: Manifest['links'] = [];
  const programs = new Set(PROGRAMS.map(([, to]) => to));
  for (const [from, to] of PROGRAMS) sources.set(to, join(root, from));
  addIptables(root, triplet, { sources, links });
  addLibraries(root, triplet, sources);
  const assets: Record<string, string> = {};
  const files = [...sources].sort(([left], [right]) => (left < right ? -1 : 1)).map(([path, source]): CarriedFile => {
    const bytes = programs.has(path) ? relocatable(source, folder) : readFileSync(source);
    const sha256 = hash('sha256', bytes);
    assets[assetOf(path)] = resolve(compressed(bytes, sha256));
    const at = bytes.indexOf(LIBRARIES_PLACE, 0, 'latin1');
    return { path, mode: /^lib\/|\.node$/.test(path) ? 0o644 : 0o755, size: bytes.length, sha256, ...(at >= 0 && { librariesAt: at }) };
  });
  const table = { files, links, packages: packageVersions() };
  const digest = hash('sha256', JSON.stringify(table)).slice(0, 32);
  assets[MANIFEST_ASSET] = resolve(folder, MANIFEST_ASSET);
  writeFileSync(assets[MANIFEST_ASSET], JSON.stringify({ digest, ...table } satisfies Manifest));
  return assets;
}

/** Kept for the next build: it takes seconds, and the files seldom change. */
function compressed(bytes: Buffer, sha256: string): string {
  const path = join(CACHE, `${sha256}.zst`);
  if (!existsSync(path)) {
    writeFileSync(`${path}.${String(process.pid)}`, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }));
    renameSync(`${path}.${String(process.pid)}`, path);
  }
  return path;
}

/** Its names and its extensions, which iptables finds by XTABLES_LIBDIR. */
function addIptables(root: string, triplet: string, { sources, links }: { sources: Map<string, string>; links: Manifest['links'] }): void {
  for (const variant of ['nft', 'legacy']) for (const name of IPTABLES_NAMES) links.push({ path: `iptables-${variant}/${name}`, to: `xtables-${variant}-multi` });
  const from = join(root, 'usr/lib', triplet, 'xtables');
  for (const name of IPTABLES_EXTENSIONS.map((extension) => `${extension}.so`).filter((file) => existsSync(join(from, file)))) {
    const path = join(from, name);
    if (lstatSync(path).isSymbolicLink()) links.push({ path: `lib/xtables/${name}`, to: readlinkSync(path) });
    else sources.set(`lib/xtables/${name}`, path);
  }
}

function addLibraries(root: string, triplet: string, sources: Map<string, string>): void {
  const waiting = [...sources.values()].filter((path) => path.startsWith(root));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const bytes = readFileSync(path);
    if (!isElf(bytes)) continue;
    for (const library of readElf(bytes).needed.filter((one) => !HOST_LIBRARIES.test(one) && !sources.has(`lib/${one}`))) {
      const found = LIBRARY_FOLDERS.map((folder) => join(root, folder, triplet, library)).find((one) => existsSync(one));
      if (found === undefined) throw new Error(`${basename(path)} needs ${library}: name its package in build/programs/list.ts`);
      sources.set(`lib/${library}`, realpathSync(found));
      waiting.push(realpathSync(found));
    }
  }
}

/** The program, told to look for libraries in LIBRARIES_PLACE; those of its libraries are looked for there too (DT_RPATH, not DT_RUNPATH). */
function relocatable(source: string, folder: string): Buffer {
  const copy = join(mkdtempSync(join(folder, 'patch-')), basename(source));
  copyFileSync(source, copy);
  execFileSync('patchelf', ['--force-rpath', '--set-rpath', LIBRARIES_PLACE, copy]);
  const bytes = readFileSync(copy);
  rmSync(dirname(copy), { recursive: true });
  return bytes;
}

function packageVersions(): Record<string, string> {
  const { packages } = JSON.parse(readFileSync(RECORD, 'utf8')) as Recorded;
  return Object.fromEntries(Object.entries(packages).map(([name, { version }]) => [name, version]));
}
