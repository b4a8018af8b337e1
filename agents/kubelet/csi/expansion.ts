// A volume whose PersistentVolume has grown (its driver's controller did that) is grown on the node too, where the driver wants it, and the claim is told
// (upstream: pkg/volume/util/operationexecutor/node_expander.go). Size comes from the claim's allocatedResources, where the resizer is new enough to say.
import { CODE, GrpcError } from '../../grpc/error.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { formatTime } from '../../../internal/api/meta.ts';
import { compareQuantities, quantityValue } from '../../../internal/api/quantity.ts';
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition, PersistentVolumeClaimStatus, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { PERSISTENTVOLUMECLAIMS } from '../../../internal/kinds/generated/resources.ts';
import type { NodeContext } from '../node-context.ts';
import { volumeCapability, type Driver } from './driver.ts';
import type { Published } from './file-systems.ts';
import { capacityOf, secretValues } from './publishing.ts';

export interface Expandable {
  pod: Pod;
  volume: PersistentVolume;
  published: Published;
  readOnly: boolean;
}

type Node = Pick<NodeContext, 'client' | 'clock' | 'objects' | 'nodeName' | 'event' | 'eventAbout'>;

const RESIZE_CONDITIONS = ['FileSystemResizePending', 'Resizing', 'ControllerResizeError', 'NodeResizeError'];
const INFEASIBLE: readonly number[] = [CODE.invalidArgument, CODE.outOfRange, CODE.notFound];

/** What went wrong in the driver is written into the claim and thrown; a driver that cannot do it while the volume is used is left alone. */
export async function expandOnNode(driver: Driver, expandable: Expandable, node: Node): Promise<void> {
  const { pod, volume, readOnly } = expandable;
  const { claimRef } = volume.spec;
  const claim = await node.client.get(PERSISTENTVOLUMECLAIMS, { namespace: claimRef?.namespace ?? '', name: claimRef?.name ?? '' });
  const { capacity, allocatedResources, allocatedResourceStatuses } = claim.status ?? {};
  if (quantityValue(capacity?.['storage'] ?? '0') >= capacityOf(volume)) return;
  if (readOnly) return tell(node, { pod, claim }, 'Warning', 'FileSystemResizeFailed', `MountVolume.NodeExpandVolume failed for volume ${JSON.stringify(volume.metadata.name)} requested read-only file system`);
  const status = allocatedResourceStatuses?.['storage'];
  const told = status !== undefined || allocatedResources !== undefined;
  if (told && status !== 'NodeResizePending' && status !== 'NodeResizeInProgress') return;
  const size = told ? allocatedResources?.['storage'] ?? '0' : volume.spec.capacity?.['storage'] ?? '0';
  if (!(await driver.can('expand'))) {
    if (told) throw new Error(`NodeExpand is not supported by the CSI driver ${driver.name}`);
    return;
  }
  let current = told ? await writeStatus(node, claim, (before) => ({ ...before, allocatedResourceStatuses: { ...before.allocatedResourceStatuses, storage: 'NodeResizeInProgress' } })) : claim;
  try {
    await callDriver(driver, expandable, quantityValue(size), node);
  } catch (error) {
    await tellFailure(error, { node, claim: current, told });
    if (error instanceof GrpcError && error.code === CODE.failedPrecondition) return;
    throw error;
  }
  tell(node, { pod, claim }, 'Normal', 'FileSystemResizeSuccessful', `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(volume.metadata.name)} ${node.nodeName}`);
  current = await writeStatus(node, current, (before) => finished(before, size));
}

async function callDriver(driver: Driver, { volume, published }: Expandable, requiredBytes: number, { objects }: Node): Promise<void> {
  const { csi, volumeMode, accessModes, mountOptions } = volume.spec;
  const secrets = await secretValues(objects, csi?.nodeExpandSecretRef, 'NodeExpandSecretRef');
  await driver.expand({
    volumeId: csi?.volumeHandle ?? '', volumePath: published.path, capacityRange: { requiredBytes }, ...(published.staging !== undefined && { stagingTargetPath: published.staging }), secrets,
    volumeCapability: await volumeCapability(driver, { block: volumeMode === 'Block', accessModes, fsType: csi?.fsType, mountOptions }),
  });
}

async function tellFailure(error: unknown, { node, claim, told }: { node: Node; claim: PersistentVolumeClaim; told: boolean }): Promise<void> {
  if (!told || !(error instanceof GrpcError)) return;
  const infeasible = INFEASIBLE.includes(error.code);
  const condition: PersistentVolumeClaimCondition = { type: 'NodeResizeError', status: 'True', lastTransitionTime: formatTime(node.clock.now()), message: `failed to expand pvc with Expander.NodeExpand failed to expand the volume${infeasible ? '' : ' :'} ${messageOf(error)}` };
  await writeStatus(node, claim, (before) => ({
    ...before, conditions: [...(before.conditions ?? []).filter(({ type }) => type !== condition.type), condition],
    ...(infeasible && { allocatedResourceStatuses: { ...before.allocatedResourceStatuses, storage: 'NodeResizeInfeasible' } }),
  }));
}

function finished(before: PersistentVolumeClaimStatus, size: string): PersistentVolumeClaimStatus {
  const { storage: _done, ...others } = before.allocatedResourceStatuses ?? {};
  const { allocatedResourceStatuses: _all, ...rest } = before;
  return {
    ...rest, capacity: { ...before.capacity, storage: size }, conditions: (before.conditions ?? []).filter(({ type }) => !RESIZE_CONDITIONS.includes(type)),
    ...(Object.keys(others).length > 0 && { allocatedResourceStatuses: others }),
  };
}

/** Only what differs, as a merge patch that fails when someone else wrote in between. */
function writeStatus({ client }: Node, claim: PersistentVolumeClaim, change: (before: PersistentVolumeClaimStatus) => PersistentVolumeClaimStatus): Promise<PersistentVolumeClaim> {
  const before = claim.status ?? {};
  const after = change(before);
  const { allocatedResourceStatuses, capacity, conditions } = after;
  const gone = Object.fromEntries(Object.keys(before.allocatedResourceStatuses ?? {}).map((name) => [name, null]));
  const status = { ...(capacity !== undefined && { capacity }), ...(conditions !== undefined && { conditions }), allocatedResourceStatuses: allocatedResourceStatuses === undefined ? null : { ...gone, ...allocatedResourceStatuses } };
  const { namespace = '', name, resourceVersion } = claim.metadata;
  return client.patch(PERSISTENTVOLUMECLAIMS, { namespace, name }, { type: 'merge', body: { metadata: { resourceVersion }, status } }, { subresource: 'status' });
}

function tell(node: Node, { pod, claim }: { pod: Pod; claim: PersistentVolumeClaim }, type: 'Normal' | 'Warning', reason: string, message: string): void {
  node.event(pod, type, reason, message);
  node.eventAbout(claim, type, reason, message);
}

/** Whether the claim waits for this node. */
export function waitsForNode({ status }: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const { capacity, allocatedResourceStatuses, allocatedResources } = status ?? {};
  if (compareQuantities(capacity?.['storage'] ?? '0', volume.spec.capacity?.['storage'] ?? '0') >= 0) return false;
  const state = allocatedResourceStatuses?.['storage'];
  return (state === undefined && allocatedResources === undefined) || state === 'NodeResizePending' || state === 'NodeResizeInProgress';
}
