// Packages of Debian for both architectures, whatever the machine's own: apt is asked in a state of its own, so that the machine's stays as it is.
// The mirror and the keys are the machine's. Versions are those recorded in packages.json, for the same bytes on every build; where the mirror has
// them no more, the newest ones, said aloud.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export type DebianArchitecture = 'amd64' | 'arm64';

export interface Recorded {
  suite: string;
  packages: Record<string, { version: string; sha256: Record<DebianArchitecture, string> }>;
}

const ARCHITECTURES: readonly DebianArchitecture[] = ['amd64', 'arm64'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The folder that holds the files of all recorded packages, as they are installed. Made once, in `cache`. */
export function unpackPackages(recordPath: string, architecture: DebianArchitecture, cache: string): string {
  const recorded = JSON.parse(readFileSync(recordPath, 'utf8')) as Recorded;
  const debs = Object.entries(recorded.packages).map(([name, { sha256 }]) => ({ name, sha256: sha256[architecture], path: join(cache, `${name}_${sha256[architecture]}.deb`) }));
  const missing = debs.filter(({ path }) => !existsSync(path));
  if (missing.length > 0) {
    const apt = openApt(recorded.suite, cache);
    const files = apt.download(missing.map(({ name }) => `${name}:${architecture}=${recorded.packages[name]?.version ?? ''}`));
    for (const { name, sha256, path } of missing) {
      const deb = files.find((file) => sha256Of(file) === sha256);
      if (deb === undefined) throw new Error(`Debian's ${name} is not the recorded one: run "node build/programs/record.ts" and look at the difference`);
      renameSync(deb, path);
    }
  }
  const root = join(cache, `root-${createHash('sha256').update(debs.map(({ sha256 }) => sha256).join()).digest('hex').slice(0, 16)}`);
  if (!existsSync(root)) {
    const temporary = `${root}.${String(process.pid)}`;
    mkdirSync(temporary);
    for (const { path } of debs) execFileSync('dpkg-deb', ['-x', path, temporary]);
    renameSync(temporary, root);
  }
  return root;
}

/** The newest versions that the mirror has, of the packages named. */
export function newestPackages(suite: string, names: readonly string[], cache: string): Recorded {
  const apt = openApt(suite, cache);
  const packages: Recorded['packages'] = {};
  for (const name of names) {
    const found = ARCHITECTURES.map((architecture) => [architecture, apt.newest(name, architecture)] as const);
    packages[name] = { version: found[0]?.[1].version ?? '', sha256: Object.fromEntries(found.map(([architecture, { sha256 }]) => [architecture, sha256])) as Record<DebianArchitecture, string> };
  }
  return { suite, packages };
}

interface Apt {
  newest(name: string, architecture: DebianArchitecture): { version: string; sha256: string };
  /** `NAME:ARCHITECTURE=VERSION` each; gives the paths of the .deb files. */
  download(names: readonly string[]): string[];
}

function openApt(suite: string, cache: string): Apt {
  const state = resolve(cache, `apt-${suite}`);
  for (const folder of ['lists/partial', 'cache/archives/partial', 'etc', 'debs']) mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  writeFileSync(join(state, 'etc/sources.list'), sourcesOf(suite));
  const options = Object.entries({
    'Dir::State': state, 'Dir::State::status': join(state, 'status'), 'Dir::State::lists': join(state, 'lists'), 'Dir::Cache': join(state, 'cache'),
    'Dir::Etc::sourcelist': join(state, 'etc/sources.list'), 'Dir::Etc::sourceparts': '/dev/null', 'Dir::Etc::preferences': '/dev/null', 'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': 'amd64', 'APT::Sandbox::User': 'root', 'Acquire::Languages': 'none', 'Acquire::Retries': '3',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]).concat('-o', 'APT::Architectures::=amd64', '-o', 'APT::Architectures::=arm64');
  const run = (program: string, args: string[], cwd = state): string => execFileSync(program, [...options, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
  run('apt-get', ['update', '-qq']);
  return {
    newest(name, architecture) {
      const fields = run('apt-cache', ['show', '--no-all-versions', `${name}:${architecture}`]);
      return { version: fieldOf(fields, 'Version'), sha256: fieldOf(fields, 'SHA256') };
    },
    download(names) {
      const folder = join(state, 'debs');
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      run('apt-get', ['download', '-qq', ...names], folder);
      return readdirSync(folder).map((file) => join(folder, file));
    },
  };
}

/** The machine's own Debian mirrors, with the suite that is wanted. */
function sourcesOf(suite: string): string {
  const sites = execFileSync('apt-get', ['indextargets', '--format', '$(SITE) $(ORIGIN)', 'Created-By: Packages'], { encoding: 'utf8' }).split('\n');
  const own = [...new Set(sites.flatMap((line) => /^(\S+) Debian$/.exec(line)?.[1] ?? []))];
  const security = own.filter((site) => site.includes('security'));
  const main = own.filter((site) => !security.includes(site));
  if (main.length === 0) throw new Error('the programs that Skiff carries are packages of Debian, and apt has no mirror of Debian here: add one to its sources');
  return [...main.map((site) => `deb [signed-by=${KEYRING}] ${site} ${suite} main\n`), ...security.map((site) => `deb [signed-by=${KEYRING}] ${site} ${suite}-security main\n`)].join('');
}

function fieldOf(text: string, name: string): string {
  const found = new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`apt tells no ${name}`);
  return found;
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
