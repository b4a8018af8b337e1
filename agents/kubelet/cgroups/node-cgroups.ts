// The cgroups of a node as its settings and its runtime want them: by this process or by systemd. When that has been changed, pods that stand in
// cgroups of the other kind are ended, in order, and begin anew in their own: processes cannot be handed from one to the other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../internal/base/clock.ts';
import { quantityValue } from '../../../internal/api/quantity.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Log } from '../../../internal/base/log.ts';
import { cgroupRoot } from '../../cgroup-root.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { KubeletConfiguration } from '../configuration/configuration.ts';
import { CGROUP_NAMES, type CgroupDriver } from './cgroup-names.ts';
import { openCgroupTree, type CgroupLimits, type CgroupTree } from './cgroup-tree.ts';
import { hugepageLimits, hugepageSizes } from './hugepages.ts';
import { createPodCgroups, type PodCgroups } from './pod-cgroups.ts';

export interface NodeCgroupsOptions {
  runtime: Runtime;
  settings: KubeletConfiguration;
  podsLimits: CgroupLimits;
  /** Of the node, as quantities. */
  capacity: Readonly<Record<string, string>>;
  /** Path under the root to use as the root. */
  cgroupRoot?: string;
  clock: Clock;
  log: Log;
}

export async function openNodeCgroups(options: NodeCgroupsOptions): Promise<PodCgroups> {
  const { runtime, settings, podsLimits, capacity, clock, log } = options;
  const driver = driverOf(options);
  const files = openCgroupTree(options.cgroupRoot);
  const tree = driver === 'cgroupfs' ? files : (await import('./systemd-tree.ts')).overSystemd(files, clock);
  const misplaced = runtime.listSandboxes().filter(({ state, config }) => state === 'ready' && CGROUP_NAMES[driver === 'systemd' ? 'cgroupfs' : 'systemd'].isOwn(config.cgroupParent));
  if (misplaced.length > 0) {
    log.info('the cgroup driver was changed: pods begin anew', { driver, pods: misplaced.length });
    const { endPods } = await import('../end-pods.ts');
    await endPods({ runtime: { ...runtime, listSandboxes: () => misplaced }, clock, log });
  }
  await removeOther(driver, files, options).catch((error: unknown) => log.warn('cgroups of the other driver are left', { error: messageOf(error) }));
  const sizes = hugepageSizes(cgroupRoot());
  const cgroups = createPodCgroups(tree, { ...settings, driver, podsLimits: { ...podsLimits, hugepageLimits: hugepageLimits(sizes, (name) => quantityValue(capacity[name] ?? '0')) }, hugepageSizes: sizes });
  await cgroups.start();
  return cgroups;
}

/** What the runtime tells of itself goes before the setting. */
export function driverOf({ runtime, settings }: Pick<NodeCgroupsOptions, 'runtime' | 'settings'>): CgroupDriver {
  return runtime.info.cgroupDriver ?? (settings.cgroupDriver === 'systemd' ? 'systemd' : 'cgroupfs');
}

/** Only where nobody's processes are. */
async function removeOther(driver: CgroupDriver, files: CgroupTree, { clock }: NodeCgroupsOptions): Promise<void> {
  const top = CGROUP_NAMES[driver === 'systemd' ? 'cgroupfs' : 'systemd'].parents.Guaranteed;
  if (files.version !== 2 || isPopulated(files.directory(top, ''))) return;
  if (driver === 'systemd') await files.remove(top);
  else await (await import('./systemd-tree.ts')).overSystemd(files, clock).remove(top);
}

/** What is not there has none, and need not go either. */
function isPopulated(directory: string): boolean {
  try {
    return /^populated 1$/m.test(readFileSync(join(directory, 'cgroup.events'), 'utf8'));
  } catch {
    return true;
  }
}
