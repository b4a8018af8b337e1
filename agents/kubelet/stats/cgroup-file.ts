// One file of a cgroup, which may go while it is read.
import { join } from 'node:path';
import { readFileIfThere } from '../../../internal/base/files.ts';

/** Undefined: there is no such file, the cgroup has gone (ENODEV), or the kernel does not count that (EOPNOTSUPP: pressure that is turned off). */
export function readCgroupFile(folder: string, name: string): string | undefined {
  try {
    return readFileIfThere(join(folder, name));
  } catch (error) {
    if (['ENODEV', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
