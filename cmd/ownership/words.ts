// The words after `skiff stop`, `uninstall`, `status`, `token …`: few flags each, read alike.
import { UsageError } from '../settings.ts';

export interface Words {
  flags: Record<string, string>;
  rest: string[];
}

/** Where Skiff is on this machine, where it cannot be found out; and help. */
export const PLACE_FLAGS = ['data-dir=', 'config=', 'help', 'h'] as const;

export function placeIn({ 'data-dir': dataDir, config }: Words['flags']): { dataDir?: string; config?: string } {
  return { ...(dataDir !== undefined && { dataDir }), ...(config !== undefined && { config }) };
}

/** Whether help was asked for; then it has been given. */
export function gaveHelp({ help, h }: Words['flags'], text: string): boolean {
  if (help === undefined && h === undefined) return false;
  process.stdout.write(text);
  return true;
}

/** `known`: names of flags; those that take a value end in `=`. Short ones (`-o`) may be given as `o=`. */
export function readWords(verb: string, argv: readonly string[], known: readonly string[]): Words {
  const words: Words = { flags: {}, rest: [] };
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    const [, name, inline] = /^--?([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) words.rest.push(word);
    else if (known.includes(`${name}=`)) {
      const value = inline ?? argv[++index];
      if (value === undefined) throw new UsageError(`${word}: needs a value`);
      words.flags[name] = value;
    } else if (known.includes(name)) words.flags[name] = inline ?? 'true';
    else throw new UsageError(`${word}: unknown flag; see skiff ${verb} --help`);
  }
  return words;
}
