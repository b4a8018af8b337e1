// The one list of volume kinds, and the mounting of all volumes of a pod. A volume that fails keeps the pod waiting, not the node.
import { messageOf } from '../../../internal/base/errors.ts';
import type { Container, Pod, Volume } from '../../../internal/kinds/generated/api-types.ts';
import { CLAIM } from './claim.ts';
import { CSI } from './csi.ts';
import { EMPTY_DIR } from './empty-dir.ts';
import { HOST_PATH } from './host-path.ts';
import { IMAGE } from './image.ts';
import { NFS } from './nfs.ts';
import { CONFIG_MAP, DOWNWARD_API, PROJECTED, SECRET, followsObjects } from './projected.ts';
import { MountError, VolumeLimitError, type MountedVolume, type UnmountContext, type VolumeContext, type VolumeKind } from './volume.ts';

const VOLUME_KINDS: readonly VolumeKind[] = [EMPTY_DIR, HOST_PATH, CONFIG_MAP, SECRET, DOWNWARD_API, PROJECTED, CLAIM, CSI, NFS, IMAGE];

/** The volumes that a container of the pod has; `only` says which to bring up to date. */
export async function mountVolumes(context: VolumeContext, only: (volume: Volume) => boolean = () => true): Promise<MountedVolume[]> {
  const mounted: MountedVolume[] = [];
  for (const volume of (context.pod.spec.volumes ?? []).filter((one) => isUsed(one, context.pod) && only(one))) {
    try {
      mounted.push(await kindOf(volume).mount(volume, context));
    } catch (error) {
      if (error instanceof MountError || error instanceof VolumeLimitError) throw error;
      throw new MountError('FailedMount', `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`, { cause: error });
    }
  }
  return mounted;
}

/** A volume that no container has is never set up, as with upstream: what is wrong with it holds nothing up. */
function isUsed({ name }: Volume, { spec }: Pod): boolean {
  return [spec.initContainers, spec.containers, spec.ephemeralContainers].some((containers) => containers?.some((container) => hasVolume(container, name)));
}

export function hasVolume({ volumeMounts = [], volumeDevices = [] }: Pick<Container, 'volumeMounts' | 'volumeDevices'>, volume: string): boolean {
  return volumeMounts.some(({ name }) => name === volume) || volumeDevices.some(({ name }) => name === volume);
}

export function nextRefresh(volumes: readonly MountedVolume[]): number | undefined {
  const due = volumes.flatMap(({ refreshAt }) => (refreshAt === undefined ? [] : [refreshAt]));
  return due.length === 0 ? undefined : Math.min(...due);
}

/** Brings what follows the API's objects up to date in a running pod. */
export function refreshVolumes(context: VolumeContext): Promise<MountedVolume[]> {
  const csi = context.csi.loaded();
  return mountVolumes(context, (volume) => followsObjects(volume) || csi?.isRepublished(context.pod.metadata.uid, volume.name) === true);
}

export async function unmountVolumes(volumes: readonly Volume[], context: UnmountContext): Promise<void> {
  for (const volume of volumes) {
    const kind = VOLUME_KINDS.find((candidate) => candidate.matches(volume));
    await kind?.unmount?.(volume, context);
  }
}

function kindOf(volume: Volume): VolumeKind {
  // A volume that names no source is an emptyDir (API reference).
  const source = Object.keys(volume).filter((key) => key !== 'name');
  if (source.length === 0) return EMPTY_DIR;
  const kind = VOLUME_KINDS.find((candidate) => candidate.matches(volume));
  if (kind === undefined) throw new Error(`no volume plugin matched (${source.join(', ')} is not supported by this node)`);
  return kind;
}
