// What users download, out of the executables. The folder can be served as it is, for `INSTALL_SKIFF_URL=https://HOST install.sh`:
//
//   skiff-linux-<x64|arm64>.xz             the executable; .gz for hosts without xz
//   install.sh, licenses.txt (the terms of all that the executables carry)
//   sha256sums.txt                         of all of these, packed and unpacked
//   skiff-airgap-linux-<x64|arm64>.tar.gz  for machines without a network: `skiff/` with install.sh, licenses.txt, dist/skiff-linux-<arch>, sha256sums.txt, and images/*
//                                          (archives as `docker save` writes them) when a folder of them is given
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { writeLicenses, type LicenseSources } from './licenses.ts';
import type { Architecture } from './programs/bundle.ts';
import { unpackPackages } from './programs/debian.ts';
import { CACHE, RECORD } from './programs/list.ts';

const LICENSES = 'licenses.txt';

export interface ReleaseOptions {
  architectures: readonly Architecture[];
  images: string | undefined;
  licenses: Omit<LicenseSources, 'root'>;
}

export function release(folder: string, { architectures, images, licenses }: ReleaseOptions): void {
  copyFileSync('install.sh', join(folder, 'install.sh'));
  // The same packages, hence the same terms, for both architectures.
  writeLicenses(join(folder, LICENSES), { ...licenses, root: unpackPackages(RECORD, 'amd64', CACHE) });
  const files = ['install.sh', LICENSES];
  for (const architecture of architectures) {
    const name = `skiff-linux-${architecture}`;
    // Blocks of a fixed size: the same bytes, however many threads there are. Unpacking takes 9 MB.
    run(`xz -6 -T0 --block-size=40MiB -c ${name} >${name}.xz`, folder);
    run(`gzip -9 -n -c ${name} >${name}.gz`, folder);
    files.push(name, `${name}.xz`, `${name}.gz`, makeAirgapBundle(folder, architecture, images));
  }
  writeFileSync(join(folder, 'sha256sums.txt'), sumsOf(folder, files));
}

function makeAirgapBundle(folder: string, architecture: Architecture, images: string | undefined): string {
  const name = `skiff-airgap-linux-${architecture}.tar.gz`;
  const work = mkdtempSync(join(folder, '.airgap-'));
  try {
    const root = join(work, 'skiff');
    mkdirSync(join(root, 'dist'), { recursive: true });
    for (const file of ['install.sh', LICENSES]) copyFileSync(join(folder, file), join(root, file));
    linkSync(join(folder, `skiff-linux-${architecture}`), join(root, `dist/skiff-linux-${architecture}`));
    if (images !== undefined) {
      mkdirSync(join(root, 'images'));
      for (const file of readdirSync(images)) copyFileSync(join(images, file), join(root, 'images', file));
    }
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
    writeFileSync(join(root, 'sha256sums.txt'), sumsOf(root, files));
    for (const file of [...files, 'sha256sums.txt']) chmodSync(join(root, file), /^(install\.sh|dist\/)/.test(file) ? 0o755 : 0o644);
    run(`tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --hard-dereference -C ${relative(folder, work)} -cf - skiff | gzip -6 -n >${name}`, folder);
  } finally {
    rmSync(work, { recursive: true });
  }
  return name;
}

function sumsOf(folder: string, files: readonly string[]): string {
  return [...files].sort().map((file) => `${hash('sha256', readFileSync(join(folder, file)))}  ${file}\n`).join('');
}

function run(script: string, cwd: string): void {
  execFileSync('sh', ['-ec', script], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}
