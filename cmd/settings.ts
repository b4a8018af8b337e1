// Settings of `skiff server` and `skiff agent`: the configuration files, then the environment, then the command line; the later wins.
// Lists given by a later source replace earlier ones, unless the key ends in `+` (`node-label+:`), which appends.
import { readdirSync } from 'node:fs';
import { messageOf, unlessErrno } from '../internal/base/errors.ts';
import { readFileIfThere } from '../internal/base/files.ts';
import { parseYaml } from '../internal/api/yaml.ts';
import { FLAGS, type Flag, type Settings } from './flags.ts';

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The join token that was given, by itself or in a file. */
export function givenToken(settings: Settings): string | undefined {
  const file = settings['token-file'];
  if (settings.token !== undefined || file === undefined) return settings.token;
  const text = readFileIfThere(file)?.trim();
  if (text === undefined || text === '') throw new UsageError(`--token-file: ${JSON.stringify(file)} ${text === undefined ? 'does not exist' : 'is empty'}`);
  return text;
}

interface Given {
  flag: Flag;
  values: string[];
  append: boolean;
  /** For messages: `--node-ip`, `SKIFF_URL`, `/etc/skiff/config.yaml: node-ip`. */
  source: string;
}

export function readSettings(verb: 'server' | 'agent', argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Settings {
  const line = fromCommandLine(verb, argv);
  const environment = fromEnvironment(verb, env);
  const configFile = [...environment, ...line].findLast(({ flag }) => flag.name === 'config');
  const files = fromFiles(verb, configFile?.values[0]);
  const settings: Record<string, unknown> = {};
  for (const flag of FLAGS as readonly Flag[]) if (flag.verbs.includes(verb) && flag.default !== undefined) settings[flag.name] = flag.default;
  const given = new Set<string>();
  for (const layer of [...files, environment, line]) applyLayer(settings, layer, given);
  return settings as Settings;
}

// Within one layer a list flag given twice adds up; a later layer replaces.
function applyLayer(settings: Record<string, unknown>, layer: readonly Given[], given: Set<string>): void {
  const here = new Set<string>();
  for (const { flag, values, append, source } of layer) {
    for (const value of values) {
      const wrong = checkKind(flag, value) ?? (value === '' ? undefined : flag.check?.(value));
      if (wrong !== undefined) throw new UsageError(`${source}: ${JSON.stringify(value)} ${wrong}`);
    }
    if (flag.kind === 'list') {
      const keep = here.has(flag.name) || (append && given.has(flag.name)) ? (settings[flag.name] as string[]) : [];
      settings[flag.name] = [...keep, ...values];
    } else {
      settings[flag.name] = convert(flag, values[0] ?? '');
    }
    here.add(flag.name);
    given.add(flag.name);
  }
}

function fromCommandLine(verb: 'server' | 'agent', argv: readonly string[]): Given[] {
  const given: Given[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    const match = /^--([\w-]+)(?:=(.*))?$/s.exec(word);
    if (match === null) throw new UsageError(`unexpected argument ${JSON.stringify(word)}; see skiff ${verb} --help`);
    const [, name = '', inline] = match;
    const flag = flagOf(verb, name, `--${name}`);
    let value = inline;
    if (value === undefined) {
      if (flag.kind === 'boolean') value = 'true';
      else if (++index < argv.length) value = argv[index];
      else throw new UsageError(`--${name}: needs a value`);
    }
    given.push({ flag, values: split(flag, value ?? ''), append: false, source: `--${name}` });
  }
  return given;
}

function fromEnvironment(verb: 'server' | 'agent', env: Readonly<Record<string, string | undefined>>): Given[] {
  return (FLAGS as readonly Flag[]).flatMap((flag) => {
    const value = flag.env === undefined || !flag.verbs.includes(verb) ? undefined : env[flag.env];
    return value === undefined || value === '' ? [] : [{ flag, values: split(flag, value), append: false, source: flag.env ?? '' }];
  });
}

// One layer a file: a drop-in replaces what an earlier file says.
function fromFiles(verb: 'server' | 'agent', named: string | undefined): Given[][] {
  const main = named ?? '/etc/skiff/config.yaml';
  const text = readFileIfThere(main);
  if (text === undefined && named !== undefined) throw new UsageError(`--config: ${JSON.stringify(named)} does not exist`);
  const dropIns = listYaml(`${main}.d`).map((path) => [path, readFileIfThere(path)] as const);
  return [[main, text] as const, ...dropIns].map(([path, content]) => (content === undefined ? [] : fromFile(verb, path, content)));
}

function fromFile(verb: 'server' | 'agent', path: string, content: string): Given[] {
  let document: unknown;
  try {
    document = parseYaml(content);
  } catch (error) {
    throw new UsageError(`${path}: not valid YAML: ${messageOf(error).split('\n')[0] ?? ''}; correct the file and start again`);
  }
  if (document === null || document === undefined) return [];
  if (typeof document !== 'object' || Array.isArray(document)) throw new UsageError(`${path}: must be a list of "flag: value" lines`);
  return Object.entries(document).map(([key, value]) => {
    const append = key.endsWith('+');
    const name = append ? key.slice(0, -1) : key;
    const source = `${path}: ${name}`;
    const flag = flagOf(verb, name, source);
    if (Array.isArray(value) ? flag.kind !== 'list' : typeof value === 'object' && value !== null) throw new UsageError(`${source}: ${JSON.stringify(value)} must be ${flag.kind === 'list' ? 'a list' : `a ${flag.kind}`}`);
    return { flag, values: Array.isArray(value) ? value.map(String) : split(flag, String(value)), append, source };
  });
}

function listYaml(directory: string): string[] {
  const files = unlessErrno(['ENOENT'], () => readdirSync(directory)) ?? [];
  return files.filter((file) => /\.ya?ml$/.test(file)).sort().map((file) => `${directory}/${file}`);
}

function flagOf(verb: 'server' | 'agent', name: string, source: string): Flag {
  const flag = (FLAGS as readonly Flag[]).find((candidate) => candidate.name === name);
  if (flag === undefined) throw new UsageError(`${source}: unknown flag; see skiff ${verb} --help`);
  if (!flag.verbs.includes(verb)) throw new UsageError(`${source}: not a flag of skiff ${verb}`);
  return flag;
}

function split(flag: Flag, value: string): string[] {
  return flag.kind === 'list' && flag.whole !== true ? value.split(',').filter((part) => part !== '') : [value];
}

function checkKind(flag: Flag, value: string): string | undefined {
  if (flag.kind === 'integer' && !/^\d+$/.test(value)) return 'must be a whole number';
  if (flag.kind === 'boolean' && value !== 'true' && value !== 'false') return 'must be true or false';
  return undefined;
}

function convert(flag: Flag, value: string): string | number | boolean {
  if (flag.kind === 'integer') return Number(value);
  return flag.kind === 'boolean' ? value === 'true' : value;
}
