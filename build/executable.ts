// Makes dist/skiff-linux-x64 and dist/skiff-linux-arm64, on a machine of either kind: one file each that holds Node, the bundle and the programs that
// a bare host may lack (Node's single executable applications), and dist/skiff, a link to the host's. The same sources, the same bytes.
// With --release also what is downloaded, a tenth of a minute more: see release.ts.
// Usage: node build/executable.ts [--only x64|arm64] [--release]
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundlePrograms, type Architecture } from './programs/bundle.ts';
import { stripElf } from './programs/elf.ts';
import { includeLibatomic } from './programs/libatomic.ts';
import { nodeBinary, terminalAddonOf } from './programs/npm.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
// Small heaps and no idle compiler threads: this is a server that mostly waits (facts: -15 MB after load, same throughput).
const NODE_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--no-warnings', '--experimental-sqlite'];
const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

const words = process.argv.slice(2);
const only = words.includes('--only') ? words[words.indexOf('--only') + 1] : undefined;
mkdirSync('dist', { recursive: true });
await bundle();
for (const architecture of ARCHITECTURES) if (only === undefined || only === architecture) makeExecutable(architecture);
rmSync('dist/skiff', { force: true });
symlinkSync(`skiff-linux-${process.arch}`, 'dist/skiff');

async function bundle(): Promise<void> {
  await build({
    entryPoints: ['cmd/main.ts'],
    outfile: 'dist/skiff.cjs',
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    legalComments: 'none',
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'silent' },
    define: { SKIFF_VERSION: JSON.stringify(version) },
  });
}

/** A code cache is made by the Node it is for, which runs on its own architecture only. */
function makeExecutable(architecture: Architecture): void {
  const work = mkdtempSync('dist/.work-');
  try {
    const node = join(work, 'node');
    const bytes = stripElf(readFileSync(nodeBinary(architecture)));
    includeLibatomic(bytes);
    writeFileSync(node, bytes, { mode: 0o755 });
    const output = join(work, 'skiff');
    const assets = bundlePrograms(architecture, work, { 'pty.node': terminalAddonOf(architecture) });
    writeFileSync(join(work, 'sea.json'), JSON.stringify({ main: 'dist/skiff.cjs', executable: node, output, disableExperimentalSEAWarning: true, useCodeCache: architecture === process.arch, execArgv: NODE_FLAGS, execArgvExtension: 'none', assets }));
    execFileSync(process.execPath, ['--build-sea', join(work, 'sea.json')], { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(output, `dist/skiff-linux-${architecture}`);
  } finally {
    rmSync(work, { recursive: true });
  }
}
