// Packages of Debian for both architectures, whatever the machine's own: apt is asked in a state of its own, so that the machine's stays as it is.
// The mirror and the keys are the machine's. Versions are those recorded in packages.json, for the same bytes on every build; where the mirror has
// one of them no more (a security update took its place), the newest are recorded, which shows as a change of that file.
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
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
  const debs = fetchPackages(recordPath, architecture, cache);
  const root = join(cache, `root-${hash('sha256', debs.join()).slice(0, 16)}`);
  if (!existsSync(root)) {
    const temporary = `${root}.${String(process.pid)}`;
    mkdirSync(temporary);
    for (const path of debs) execFileSync('dpkg-deb', ['-x', path, temporary]);
    renameSync(temporary, root);
  }
  return root;
}

/** Their .deb files; each has its digest in its name. */
function fetchPackages(recordPath: string, architecture: DebianArchitecture, cache: string): string[] {
  const recorded = JSON.parse(readFileSync(recordPath, 'utf8')) as Recorded;
  const debs = Object.entries(recorded.packages).map(([name, { version, sha256 }]) => ({ name, version, sha256: sha256[architecture], path: join(cache, `${name}_${sha256[architecture]}.deb`) }));
  const missing = debs.filter(({ path }) => !existsSync(path));
  if (missing.length === 0) return debs.map(({ path }) => path);
  const apt = openApt(recorded.suite, cache);
  const files = apt.download(missing.map(({ name, version }) => `${name}:${architecture}=${version}`));
  if (files === undefined) {
    process.stderr.write(`skiff: Debian has newer versions of what is built in: ${recordPath} is written anew\n`);
    recordPackages(recordPath, recorded.suite, Object.keys(recorded.packages), cache);
    return fetchPackages(recordPath, architecture, cache);
  }
  const digests = new Map(files.map((file) => [sha256Of(file), file]));
  for (const { name, sha256, path } of missing) {
    const deb = digests.get(sha256);
    if (deb === undefined) throw new Error(`the mirror's ${name} has not the recorded digest`);
    renameSync(deb, path);
  }
  return debs.map(({ path }) => path);
}

export function recordPackages(recordPath: string, suite: string, names: readonly string[], cache: string): void {
  writeFileSync(recordPath, `${JSON.stringify(newestPackages(suite, names, cache), undefined, 2)}\n`);
}

/** The newest versions that the mirror has, of the packages named. */
export function newestPackages(suite: string, names: readonly string[], cache: string): Recorded {
  const found = openApt(suite, cache).newest(names.flatMap((name) => ARCHITECTURES.map((architecture) => `${name}:${architecture}`)));
  const packages: Recorded['packages'] = {};
  for (const name of names) {
    const [amd64, arm64] = ARCHITECTURES.map((architecture) => found.find((one) => one.name === name && one.architecture === architecture));
    if (amd64 === undefined || arm64 === undefined) throw new Error(`the mirror's ${suite} has no ${name}`);
    packages[name] = { version: amd64.version, sha256: { amd64: amd64.sha256, arm64: arm64.sha256 } };
  }
  return { suite, packages };
}

interface Apt {
  /** Of `NAME:ARCHITECTURE` each. */
  newest(names: readonly string[]): { name: string; architecture: string; version: string; sha256: string }[];
  /** `NAME:ARCHITECTURE=VERSION` each; gives the paths of the .deb files, undefined when there is no such version. */
  download(names: readonly string[]): string[] | undefined;
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
    newest(names) {
      const stanzas = run('apt-cache', ['show', '--no-all-versions', ...names]).trim().split('\n\n');
      return stanzas.map((text) => ({ name: fieldOf(text, 'Package'), architecture: fieldOf(text, 'Architecture'), version: fieldOf(text, 'Version'), sha256: fieldOf(text, 'SHA256') }));
    },
    download(names) {
      const folder = join(state, 'debs');
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      try {
        run('apt-get', ['download', '-qq', ...names], folder);
      } catch {
        return undefined; // apt has said why
      }
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
  return hash('sha256', readFileSync(path));
}
