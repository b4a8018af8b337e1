// Where an instance of Skiff is on a machine, by its data folder; several can be on one, each in namespaces of its own.
import { hash } from 'node:crypto';
import { join } from 'node:path';

export const DEFAULT_DATA_DIR = '/var/lib/skiff';
/** On a tmpfs: what must not outlive a boot. */
export const RUN_ROOT = '/run/skiff';
export const CONFIG_DIR = '/etc/skiff';

export function runDirOf(dataDir: string): string {
  return join(RUN_ROOT, hash('sha256', dataDir).slice(0, 8));
}
