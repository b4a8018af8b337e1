import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import t from 'tap';
import { bundlePrograms, type Architecture } from '../../../build/programs/bundle.ts';
import { isElf, readElf, type Elf } from '../../../build/programs/elf.ts';
import { HOST_LIBRARIES } from '../../../build/programs/list.ts';
import { terminalAddonOf } from '../../../build/programs/npm.ts';
import { assetOf, GLIBC_MIN, LIBRARIES_PLACE, MANIFEST_ASSET, type Manifest } from '../../../cmd/programs/manifest.ts';

/** Libraries beside the C library that Node itself needs of its host: apt needs them too, so that Debian's kin have them. */
const NODES_LIBRARIES = /^(libstdc\+\+\.so\.6|libgcc_s\.so\.1)$/;
const NODES_GLIBC = '2.28';

for (const architecture of ['x64', 'arm64'] as const) {
  await t.test(`what the executable carries for ${architecture} needs nothing that it does not carry, but a C library of ${GLIBC_MIN}`, async (t) => {
    const { manifest, contents } = carried(architecture, t.testdir());
    for (const { path, sha256, size, librariesAt } of manifest.files) {
      const bytes = contents(path);
      t.equal(bytes.length, size, path);
      t.equal(hash('sha256', bytes), sha256, path);
      t.ok(isElf(bytes), path);
      const elf = readElf(bytes);
      t.equal(elf.machine, architecture, path);
      t.ok(compareVersions(glibcOf(elf), GLIBC_MIN) <= 0, `${path} needs glibc ${glibcOf(elf)}`);
      const has = (library: string): boolean => manifest.files.some((file) => file.path === `lib/${library}`) || HOST_LIBRARIES.test(library) || (path === 'pty.node' && NODES_LIBRARIES.test(library));
      t.strictSame(elf.needed.filter((library) => !has(library)), [], `${path}: libraries`);
      t.equal(librariesAt !== undefined, !path.startsWith('lib/') && path !== 'pty.node', `${path} is told where they are`);
      if (librariesAt !== undefined) t.equal(elf.searchPath, LIBRARIES_PLACE, path);
    }
    for (const { path, to } of manifest.links) t.ok(manifest.files.some((file) => basename(file.path) === to), `${path} links to ${to}`);
    t.strictSame(Object.keys(manifest.packages).filter((name) => ['runc', 'conmon', 'iptables'].includes(name)), ['runc', 'conmon', 'iptables']);
  });

  await t.test(`the executable for ${architecture} itself needs glibc ${NODES_GLIBC} and the C++ library`, async (t) => {
    const elf = readElf(readFileSync(`dist/skiff-linux-${architecture}`));
    t.equal(elf.machine, architecture);
    t.ok(compareVersions(glibcOf(elf), NODES_GLIBC) <= 0, glibcOf(elf));
    t.strictSame(elf.needed.filter((library) => !HOST_LIBRARIES.test(library) && !NODES_LIBRARIES.test(library)), []);
  });
}

await t.test('the executable tells its version without an environment', async (t) => {
  t.match(execFileSync('dist/skiff', ['--version'], { encoding: 'utf8', env: {}, cwd: process.cwd() }), /^skiff \d/);
});

function carried(architecture: Architecture, folder: string): { manifest: Manifest; contents(path: string): Buffer } {
  const assets = bundlePrograms(architecture, folder, { 'pty.node': terminalAddonOf(architecture) });
  const read = (asset: string): Buffer => readFileSync(assets[asset] ?? '');
  return { manifest: JSON.parse(read(MANIFEST_ASSET).toString()) as Manifest, contents: (path) => zstdDecompressSync(read(assetOf(path))) };
}

function glibcOf({ versions }: Elf): string {
  return Object.values(versions).flat().flatMap((name) => /^GLIBC_([\d.]+)$/.exec(name)?.[1] ?? []).sort(compareVersions).at(-1) ?? '0';
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  return [0, 1, 2].map((at) => (left?.[at] ?? 0) - (right?.[at] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
