// One file of a cgroup, which may go while it is read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unlessErrno } from '../../../internal/base/errors.ts';

/** Undefined: there is no such file, the cgroup has gone (ENODEV), or the kernel does not count that (EOPNOTSUPP: pressure that is turned off). */
export function readCgroupFile(folder: string, name: string): string | undefined {
  return unlessErrno(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], () => readFileSync(join(folder, name), 'utf8'));
}
