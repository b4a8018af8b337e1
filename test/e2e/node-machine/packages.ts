// Programs that a fresh machine lacks, out of Debian's packages.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestPackages, unpackPackages } from '../../../build/programs/debian.ts';
import { CACHE, SUITE } from '../../../build/programs/list.ts';
import type { MachineNode } from '../../support/machine-node.ts';

/** Files of the packages: one of them to a path, or all of them over what is there (with the packages they need, named too). */
export async function bringPackages({ machine }: MachineNode, names: readonly string[], only?: { from: string; to: string }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `skiff-packages-${String(process.pid)}-`));
  try {
    const record = join(folder, 'packages.json');
    writeFileSync(record, JSON.stringify(newestPackages(SUITE, names, CACHE)));
    const root = unpackPackages(record, 'amd64', CACHE);
    if (only !== undefined) return await machine.put(join(root, only.from), only.to);
    await machine.put(root, '/root/packages');
    // /lib, /bin and /sbin are links.
    await machine.sh('tar -C /root/packages -cf - . | tar -C / --keep-directory-symlink -xf - && rm -r /root/packages && ldconfig');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
