// Where conmon stands: outside the unit that Skiff runs in, which it outlives, and where whoever made the pods' cgroups expects it.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno, messageOf } from '../../../internal/base/errors.ts';
import { isSlice, stoppedBefore } from './container-cgroup.ts';
import type { Ground } from './ground.ts';

const SCOPE = 'skiff-conmon.scope';
const SLICE = 'kubepods.slice';
const UNLIMITED = 0xffff_ffff_ffff_ffffn;

/** `parent`: the cgroup of the pod. Where it cannot be done the process stays where it is, which harms nothing but the order. */
export async function setApart(ground: Pick<Ground, 'cgroups' | 'clock' | 'log'>, pid: number, parent: string): Promise<void> {
  if (!isSlice(parent)) return ground.cgroups.setApart(pid);
  try {
    if (!moveInto(ground, pid)) await startScope(ground, pid);
  } catch (error) {
    ground.log.debug('a watcher of containers stays in the cgroup of Skiff', { pid, error: messageOf(error) });
  }
}

/** False while there is no scope: it goes with its last process. */
function moveInto({ cgroups }: Pick<Ground, 'cgroups'>, pid: number): boolean {
  const file = join(cgroups.directory(`/${SLICE}/${SCOPE}`, ''), 'cgroup.procs');
  if (!existsSync(file)) return false;
  try {
    writeFileSync(file, String(pid));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return false;
    throw error;
  }
}

async function startScope(ground: Pick<Ground, 'cgroups' | 'clock'>, pid: number): Promise<void> {
  const { SystemdError, withSystemd } = await import('../../systemd/systemd-manager.ts');
  try {
    await withSystemd(ground.clock, (systemd) => systemd.startTransientUnit(SCOPE, [
      ['Description', { signature: 's', value: 'conmon of the containers of Skiff' }], ['Slice', { signature: 's', value: SLICE }], ['PIDs', { signature: 'au', value: [pid] }],
      ['Delegate', { signature: 'b', value: true }], ['DefaultDependencies', { signature: 'b', value: false }], ['TasksMax', { signature: 't', value: UNLIMITED }],
      ['Before', { signature: 'as', value: stoppedBefore() }],
    ]));
  } catch (error) {
    if (!(error instanceof SystemdError) || error.reason !== 'UnitExists') throw error;
    moveInto(ground, pid); // another container's was first
  }
}
