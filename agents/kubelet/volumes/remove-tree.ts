// Removing what pods made, however deep it is.
import { rm } from 'node:fs/promises';
import { isErrno } from '../../../internal/base/errors.ts';
import { command } from '../../../internal/base/command.ts';

/** What is deeper than a path is long is left to a program, which goes from folder to folder. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(async (error: unknown) => {
    if (!isErrno(error, 'ENAMETOOLONG')) throw error;
    await command('rm', ['-rf', path]);
  });
}
