// The executables and the programs they carry, in userlands of other distributions than the machine's: minimal Debian trees made on the spot (needs
// mmdebstrap, and qemu-user-static for the other architecture; a minute). Not part of test/run.
// Usage: node test/e2e/userlands.ts [SUITE-ARCH …]      default: bookworm-x64 trixie-x64 bookworm-arm64 trixie-arm64
// USERLAND_SOURCE: a line of apt's sources (`deb [signed-by=…] URL SUITE main`) for suites that the machine's own mirror has not, such as Ubuntu's.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { bundlePrograms, type Architecture } from '../../build/programs/bundle.ts';
import { terminalAddonOf } from '../../build/programs/npm.ts';
import { assetOf, MANIFEST_ASSET, type Manifest } from '../../cmd/programs/manifest.ts';
import { unpackPrograms } from '../../cmd/programs/unpacking.ts';

/** All that a Debian without any choice has. */
const INCLUDED = ['--include=?essential', '--include=apt'];
const ASKED = [['runc', '--version'], ['conmon', '--version'], ['ip', '-V'], ['bridge', '-V'], ['iptables-legacy/iptables', '--version']];
/** They open a socket to the kernel's packet filter first, which emulated programs cannot. */
const ASKED_NATIVE = [['conntrack', '--version'], ['iptables-nft/iptables', '--version']];

const SOURCE = process.env['USERLAND_SOURCE'];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['bookworm-x64', 'trixie-x64', 'bookworm-arm64', 'trixie-arm64'];
const work = mkdtempSync('/tmp/skiff-userlands-');
let failures = 0;
try {
  for (const name of wanted) tryUserland(name);
} finally {
  rmSync(work, { recursive: true });
}
process.exitCode = failures === 0 ? 0 : 1;

function tryUserland(name: string): void {
  const [suite, architecture] = name.split('-') as [string, Architecture];
  const root = join(work, name);
  const debian = architecture === 'x64' ? 'amd64' : 'arm64';
  execFileSync('mmdebstrap', ['--quiet', '--variant=extract', `--architectures=${debian}`, ...INCLUDED, '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr', suite, root, ...(SOURCE === undefined ? [] : [SOURCE])], { stdio: 'pipe' });
  const programs = unpack(architecture, join(work, `programs-${name}`));
  const native = architecture === process.arch;
  const run = native ? inside(root, programs) : emulated(root);
  const skiff = `dist/skiff-linux-${architecture}`;
  for (const [program = '', ...args] of [[resolve(skiff), '--version'], ...[...ASKED, ...(native ? ASKED_NATIVE : [])].map(([path = '', ...rest]) => [join(programs, path), ...rest])]) {
    const said = run(program, args);
    if (said === undefined) failures++;
    process.stdout.write(`${said === undefined ? 'not ok' : 'ok'} ${name} ${program.split('/').slice(-2).join('/')}: ${said ?? ''}\n`);
  }
}

type Run = (program: string, args: readonly string[]) => string | undefined;

/** Under the same path as outside: programs name their libraries by it. */
function inside(root: string, programs: string): Run {
  mkdirSync(join(root, programs), { recursive: true });
  cpSync(programs, join(root, programs), { recursive: true, verbatimSymlinks: true });
  return (program, args) => {
    if (!program.startsWith(programs)) cpSync(program, join(root, 'program'));
    return firstLine('chroot', [root, program.startsWith(programs) ? program : '/program', ...args]);
  };
}

function emulated(root: string): Run {
  return (program, args) => firstLine('qemu-aarch64-static', ['-L', root, program, ...args]);
}

function firstLine(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, stdio: ['ignore', 'pipe', 'inherit'] }).split('\n')[0];
  } catch {
    return undefined;
  }
}

function unpack(architecture: Architecture, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const assets = bundlePrograms(architecture, folder, { 'pty.node': terminalAddonOf(architecture) });
  const read = (asset: string): Buffer => readFileSync(assets[asset] ?? '');
  const manifest = JSON.parse(read(MANIFEST_ASSET).toString()) as Manifest;
  return unpackPrograms(join(folder, 'bin'), manifest, (path) => zstdDecompressSync(read(assetOf(path))));
}
