// Cgroups as the folders that they are, whichever version.
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** Names of those right below. */
export function cgroupsIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** With all below it; one that somebody is in stays. */
export function removeCgroup(directory: string): void {
  for (const name of cgroupsIn(directory)) removeCgroup(join(directory, name));
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
