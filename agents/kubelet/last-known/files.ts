// Small values by name on disk, for what an agent must still know when it boots without its server: ConfigMaps, Secrets and tokens of its pods.
// Readable by root alone; written when they change.
import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, readFileIfThere, writeFileAtomically } from '../../../internal/base/files.ts';

export interface LastKnown {
  read<T>(name: string): T | undefined;
  write(name: string, value: unknown): void;
  /** Drops what none of these groups names; a name's group is what stands before its first space. */
  keepOnly(groups: ReadonlySet<string>): void;
}

export function openLastKnown(directory: string): LastKnown {
  const pathOf = (name: string): string => join(directory, `${shortHash(name.split(' ')[0] ?? '')}-${shortHash(name)}.json`);
  return {
    read<T>(name: string) {
      const text = readFileIfThere(pathOf(name));
      try {
        return text === undefined ? undefined : (JSON.parse(text) as T);
      } catch (error) {
        if (error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    write: (name, value) => writeFileAtomically(pathOf(name), JSON.stringify(value), { mode: 0o600 }),
    keepOnly(groups) {
      const kept = new Set([...groups].map(shortHash));
      for (const file of namesIn(directory)) if (!kept.has(file.split('-')[0] ?? '')) rmSync(join(directory, file), { force: true });
    },
  };
}

function shortHash(text: string): string {
  return hash('sha256', text).slice(0, 16);
}
