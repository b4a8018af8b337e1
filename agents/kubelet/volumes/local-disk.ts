// Local volumes that are disks with a file system: mounted once on the node, shown to each pod from there, in upstream's places:
//
//   <kubelet>/plugins/kubernetes.io/local-volume/mounts/<pv>              the disk's file system
//   <kubelet>/pods/<pod>/volumes/kubernetes.io~local-volume/<pv>          the same, of a pod
//
// Nothing is written down: the kernel's table tells who has it, also what an earlier life of the kubelet mounted. The last pod to leave takes the disk along.
import { existsSync, mkdirSync, realpathSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '../../../internal/base/command.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { namesIn } from '../../../internal/base/files.ts';
import { createTurns } from '../../../internal/base/limit.ts';
import type { PersistentVolume } from '../../../internal/kinds/generated/api-types.ts';
import { isMounted, mountPointsUnder } from './mount-table.ts';
import { MountError, volumeDirectory } from './volume.ts';

const KIND = 'local-volume';
const DEFAULT_FSTYPE = 'ext4';

/** By the shared place: a disk is worked on by one at a time. */
const inTurn = createTurns();

export interface DiskUse {
  podDirectory: string;
  readOnly: boolean;
  options: readonly string[];
}

/** Gives the folder that is the pod's. */
export async function mountLocalDisk({ metadata: { name }, spec: { local } }: PersistentVolume, { podDirectory, readOnly, options }: DiskUse): Promise<string> {
  const [device, fsType] = [local?.path ?? '', local?.fsType ?? DEFAULT_FSTYPE];
  const target = volumeDirectory(podDirectory, KIND, name);
  const shared = sharedPlace(podDirectory, name);
  await inTurn(shared, async () => {
    try {
      if (!isMounted(shared)) await mountShared({ device, target: shared, fsType, options: [...new Set([...options, ...(readOnly ? ['ro'] : [])])].filter((option) => option !== '').sort() });
    } catch (error) {
      throw new MountError('FailedMount', `MountVolume.MountDevice failed for volume ${JSON.stringify(name)} : local: failed to mount device ${device} at ${shared} (fstype: ${fsType}), error ${messageOf(error)}`, { cause: error });
    }
    mkdirSync(target, { recursive: true, mode: 0o750 });
    if (!isMounted(target)) await command('mount', ['--bind', ...(readOnly ? ['-o', 'ro'] : []), shared, target]);
  });
  return target;
}

async function mountShared(disk: { device: string; target: string; fsType: string; options: readonly string[] }): Promise<void> {
  mkdirSync(disk.target, { recursive: true, mode: 0o750 });
  try {
    await (await import('./disk-format.ts')).formatAndMount(disk);
  } catch (error) {
    if (!isMounted(disk.target)) rmdirSync(disk.target);
    throw error;
  }
}

/** All that the pod has. Its folder goes last: a disk that could not be unmounted is found by it the next time. */
export async function unmountLocalDisks(podDirectory: string): Promise<void> {
  const folder = dirname(volumeDirectory(podDirectory, KIND, 'any'));
  for (const name of namesIn(folder)) {
    const [target, shared] = [join(folder, name), sharedPlace(podDirectory, name)];
    await inTurn(shared, async () => {
      while (isMounted(target)) await command('umount', [target]);
      if (!isElsewhere(podDirectory, name)) await unmountShared(shared);
      rmdirSync(target);
    });
  }
}

/** What was written is on the disk when this is done. */
async function unmountShared(shared: string): Promise<void> {
  if (!existsSync(shared)) return;
  if (isMounted(shared)) await command('umount', [shared]);
  rmdirSync(shared);
}

function isElsewhere(podDirectory: string, name: string): boolean {
  const pods = realpathSync(dirname(podDirectory));
  return mountPointsUnder(pods).some((point) => point.endsWith(`/volumes/kubernetes.io~${KIND}/${name}`));
}

function sharedPlace(podDirectory: string, name: string): string {
  return join(podDirectory, '../../plugins/kubernetes.io', KIND, 'mounts', name);
}
