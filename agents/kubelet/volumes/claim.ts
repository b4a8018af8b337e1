// persistentVolumeClaim and ephemeral volumes: the claim's bound volume, when it is one this node can serve by itself (hostPath, local), with its own mount.nfs, or through a CSI driver.
import { statSync } from 'node:fs';
import { messageOf } from '../../../internal/base/errors.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../internal/kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES } from '../../../internal/kinds/generated/resources.ts';
import { matchesNodeSelector } from '../../../internal/kinds/node-selection.ts';
import { prepareHostPath } from './host-path.ts';
import { mountLocalDisk, unmountLocalDisks } from './local-disk.ts';
import { mountNfs, unmountNfs } from './nfs.ts';
import { applyFsGroupToClaim } from './ownership.ts';
import { checkAnswers } from './remote.ts';
import { MountError, volumeDirectory, VolumeLimitError, type Bound, type MountedVolume, type VolumeContext, type VolumeKind } from './volume.ts';

export const CLAIM: VolumeKind = {
  directory: 'local-volume',
  matches: ({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined,
  async mount(volume, context) {
    const { claim, source } = await boundVolume(volume, context);
    try {
      return await mountBound({ volume, claim, source, readOnly: volume.persistentVolumeClaim?.readOnly === true }, context);
    } catch (error) {
      if (error instanceof MountError || error instanceof VolumeLimitError) throw error;
      throw new MountError('FailedMount', `MountVolume.SetUp failed for volume ${JSON.stringify(source.metadata.name)} : ${messageOf(error)}`, { cause: error });
    }
  },
  async unmount(_volume, { podDirectory }) {
    await unmountNfs(podDirectory);
    await unmountLocalDisks(podDirectory);
  },
};

async function mountBound(bound: Bound, context: VolumeContext): Promise<MountedVolume> {
  const { volume, claim, source } = bound;
  const { local, hostPath, nfs, csi, volumeMode } = source.spec;
  checkUse(volume.name, source, context.pod);
  checkNode(source, context.self());
  const options = mountOptionsOf(source);
  if (csi !== undefined) return { ...(await (await context.csi.load()).mountClaimed(bound, context)), ...groupOf(source) };
  const readOnly = bound.readOnly || nfs?.readOnly === true;
  const mounted = { name: volume.name, readOnly, claim: claim.metadata.name, ...groupOf(source) };
  if (volumeMode === 'Block') return { ...mounted, hostPath: blockDevice(source), block: true };
  await checkAnswers(...[local, hostPath].flatMap((one) => one?.path ?? []));
  if (local !== undefined) return { ...mounted, hostPath: await prepareLocal(source, { readOnly, options }, context) };
  if (hostPath !== undefined) {
    // As upstream: its owner is the administrator's business.
    prepareHostPath(hostPath.path, hostPath.type ?? '', context.ledger);
    return { ...mounted, hostPath: hostPath.path };
  }
  if (nfs === undefined) throw new Error(`no volume plugin matched for PersistentVolume "${source.metadata.name}"`);
  const directory = volumeDirectory(context.podDirectory, 'nfs', source.metadata.name);
  await mountNfs({ ...nfs, readOnly }, directory, { options, signal: context.signal });
  return { ...mounted, hostPath: directory };
}

/** The volume's mode and the container's wish must be of one kind. */
function checkUse(name: string, { spec }: PersistentVolume, { spec: { containers, initContainers = [] } }: Pod): void {
  const all = [...initContainers, ...containers];
  const mode = spec.volumeMode ?? 'Filesystem';
  const wrong = mode === 'Block' ? 'volumeMounts' : 'volumeDevices';
  if (all.some((container) => container[wrong]?.some((use) => use.name === name) === true)) throw new Error(`volume ${name} has volumeMode ${mode}, but is specified in ${wrong}`);
}

/** What binds a pod to a node past the scheduler may not have looked. */
function checkNode({ metadata, spec }: PersistentVolume, self: Node | undefined): void {
  const required = spec.nodeAffinity?.required;
  if (required === undefined || self === undefined || matchesNodeSelector(required, self)) return;
  const [verb, reason] = spec.volumeMode === 'Block' ? ['MapVolume', 'FailedMapVolume'] as const : ['MountVolume', 'FailedMount'] as const;
  throw new MountError(reason, `${verb}.NodeAffinity check failed for volume ${JSON.stringify(metadata.name)} : no matching NodeSelectorTerms`);
}

/** The older annotation goes before the field, as upstream. */
function mountOptionsOf({ metadata, spec }: PersistentVolume): readonly string[] {
  const options = metadata.annotations?.['volume.beta.kubernetes.io/mount-options']?.split(',') ?? spec.mountOptions ?? [];
  if (options.length > 0 && spec.hostPath !== undefined) throw new MountError('FailedMount', `MountVolume.MountOptionSupport check failed for volume ${JSON.stringify(metadata.name)} : mount options are not supported for this volume type`);
  return options;
}

/** The group that the volume's files are open to, as its administrator says: all containers of the pod are in it. */
function groupOf({ metadata }: PersistentVolume): Pick<MountedVolume, 'group'> {
  const text = metadata.annotations?.['pv.beta.kubernetes.io/gid'] ?? '';
  return /^\d+$/.test(text) ? { group: Number(text) } : {};
}

/** A device of this node, given to containers as it is. */
function blockDevice({ metadata, spec: { local } }: PersistentVolume): string {
  if (local === undefined) throw new MountError('FailedMapVolume', `MapVolume.FindMapperPluginBySpec failed to find BlockVolumeMapper plugin for volume ${JSON.stringify(metadata.name)}`);
  if (statSync(local.path, { throwIfNoEntry: false })?.isBlockDevice() !== true) throw new MountError('FailedMapVolume', `MapVolume.SetUpDevice failed for volume ${JSON.stringify(metadata.name)} : ${local.path} is not a block device`);
  return local.path;
}

async function prepareLocal(source: PersistentVolume, { readOnly, options }: { readOnly: boolean; options: readonly string[] }, context: VolumeContext): Promise<string> {
  const { podDirectory, ledger } = context;
  const given = source.spec.local?.path ?? '';
  const disk = statSync(given, { throwIfNoEntry: false })?.isBlockDevice() === true;
  const path = disk ? await mountLocalDisk(source, { podDirectory, readOnly, options }) : given;
  if (!disk) prepareHostPath(path, 'Directory', ledger);
  if (!readOnly) await applyFsGroupToClaim(path, context);
  return path;
}

async function boundVolume(volume: Volume, { pod, objects }: VolumeContext): Promise<{ claim: PersistentVolumeClaim; source: PersistentVolume }> {
  const name = volume.persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`;
  const claim = await objects.get(PERSISTENTVOLUMECLAIMS, pod.metadata.namespace ?? '', name);
  if (claim === undefined) throw new Error(`persistentvolumeclaim "${name}" not found`);
  checkOwner(volume, claim, pod);
  const bound = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || bound === undefined || bound === '') throw new Error(`PVC ${pod.metadata.namespace ?? ''}/${name} has non-bound phase ("${claim.status?.phase ?? 'Pending'}") or empty pvc.Spec.VolumeName ("${bound ?? ''}")`);
  const source = await objects.get(PERSISTENTVOLUMES, '', bound);
  if (source === undefined) throw new Error(`persistentvolume "${bound}" not found`);
  if (source.spec.claimRef?.uid !== claim.metadata.uid) throw new Error(`failed to fetch PV "${bound}" from API server: PV is not bound to PVC ${pod.metadata.namespace ?? ''}/${name}`);
  return { claim, source };
}

function checkOwner(volume: Volume, claim: PersistentVolumeClaim, pod: Pod): void {
  if (volume.ephemeral === undefined) return;
  const owned = claim.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === pod.metadata.uid) === true;
  if (!owned) throw new Error(`PVC ${pod.metadata.namespace ?? ''}/${claim.metadata.name} was not created for pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name} (pod is not owner)`);
}
