// Cgroups as the folders that they are, whichever version.
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../internal/base/errors.ts';
import { foldersIn } from '../internal/base/files.ts';

/** With all below it; one that somebody is in stays. */
export function removeCgroup(directory: string): void {
  for (const name of foldersIn(directory)) removeCgroup(join(directory, name));
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EBUSY', 'ENOTEMPTY')) throw error;
  }
}
