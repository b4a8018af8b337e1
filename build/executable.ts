// Makes dist/skiff-linux-x64 and dist/skiff-linux-arm64, on an x64 machine: one file each that holds Node, the bundle and the programs that
// a bare host may lack (Node's single executable applications), and dist/skiff, a link to the host's. The same sources, the same bytes.
// With --release also what is downloaded (some minutes more): see release.ts.
// Usage: node build/executable.ts [--only x64|arm64] [--output FOLDER] [--as VERSION] [--release [--images FOLDER]]
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { bundlePrograms, type Architecture } from './programs/bundle.ts';
import type { Recorded } from './programs/debian.ts';
import { stripElf } from './programs/elf.ts';
import { includeLibatomic } from './programs/libatomic.ts';
import { RECORD } from './programs/list.ts';
import { nodeBinary, terminalAddonOf } from './programs/npm.ts';
import { release } from './release.ts';
import { WORDS_ASSET } from '../cmd/openapi-words.ts';
import { wordsFile } from './words/words.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
// Small heaps and no idle compiler threads: this is a server that mostly waits (measured: -15 MB after load, same throughput). Those of V8 are put
// back at once (cmd/v8-flags.ts).
const NODE_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--expose-gc', '--no-warnings', '--experimental-sqlite'];
const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

const { values: options } = parseArgs({ options: { output: { type: 'string', default: 'dist' }, as: { type: 'string', default: version }, only: { type: 'string' }, release: { type: 'boolean', default: false }, images: { type: 'string' } } });
const { output } = options;
const wanted = ARCHITECTURES.filter((architecture) => options.only === undefined || options.only === architecture);
mkdirSync(output, { recursive: true });
const inputs = await bundle();
for (const architecture of wanted) makeExecutable(architecture);
rmSync(join(output, 'skiff'), { force: true });
symlinkSync(`skiff-linux-${process.arch}`, join(output, 'skiff'));
if (options.release) release(output, { architectures: wanted, images: options.images, licenses: { inputs, debian: JSON.parse(readFileSync(RECORD, 'utf8')) as Recorded } });

/** Gives the files that the bundle is made of. */
async function bundle(): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: ['cmd/main.ts'],
    outfile: join(output, 'skiff.cjs'),
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
    define: { SKIFF_VERSION: JSON.stringify(options.as) },
    metafile: true,
  });
  // One character of another alphabet, and the whole text is held in two bytes a character: 2.7 MB more of every process. esbuild escapes all
  // but what stands in regular expressions.
  const foreign = /.{0,40}[\u0080-\uffff].{0,20}/.exec(readFileSync(join(output, 'skiff.cjs'), 'utf8'));
  if (foreign !== null) throw new Error(`the bundle is not ASCII: write \\u escapes in ${foreign[0]}`);
  return Object.keys(metafile.inputs);
}

/** A code cache is made by the Node it is for, which runs on its own architecture only. */
function makeExecutable(architecture: Architecture): void {
  const work = mkdtempSync(join(output, '.work-'));
  try {
    const bytes = stripElf(readFileSync(nodeBinary(architecture)));
    includeLibatomic(bytes);
    writeFileSync(join(work, 'node'), bytes, { mode: 0o755 });
    copyFileSync(join(output, 'skiff.cjs'), join(work, 'skiff.cjs'));
    const assets = { ...bundlePrograms(architecture, work, { 'pty.node': terminalAddonOf(architecture) }), [WORDS_ASSET]: resolve(wordsFile()) };
    const settings = { main: 'skiff.cjs', executable: 'node', output: 'skiff', disableExperimentalSEAWarning: true, useCodeCache: architecture === process.arch, execArgv: NODE_FLAGS, execArgvExtension: 'none', assets };
    writeFileSync(join(work, 'sea.json'), JSON.stringify(settings));
    // For the same bytes everywhere: paths are part of what it makes, and so is the order that chance gives to tables in the code cache. Under
    // the flags that it starts with: V8 refuses a code cache made under others, without a word.
    execFileSync(process.execPath, ['--random-seed=1', ...NODE_FLAGS, '--build-sea', 'sea.json'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(join(work, 'skiff'), join(output, `skiff-linux-${architecture}`));
  } finally {
    rmSync(work, { recursive: true });
  }
}
