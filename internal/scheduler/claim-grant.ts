// Writes what the scheduler gave a pod of a claim: the finalizer that keeps it while it is allocated, then allocation and reservation. Another pod may have
// been given the same claim a moment before: what is there is kept, and an allocation elsewhere fails the binding, so that the pod is looked at again.
import type { Pod, ResourceClaimResourceV1 } from '../kinds/generated/api-types.ts';
import { RESOURCECLAIMS } from '../kinds/generated/resources.ts';
import { isReservedFor } from '../kinds/core/pod-claims.ts';
import { sameJson } from '../api/json-equality.ts';
import { objectKey } from '../api/meta.ts';
import type { Acting } from '../informer/loop.ts';
import type { Grant } from './claims.ts';

const FINALIZER = 'resource.kubernetes.io/delete-protection';

export async function writeGrant({ claim, allocation }: Grant, pod: Pod, { client }: Acting): Promise<void> {
  const key = objectKey(claim);
  let current = await client.get(RESOURCECLAIMS, key);
  const where = `${key.namespace}/${key.name}`;
  if (current.metadata.uid !== claim.metadata.uid || current.metadata.deletionTimestamp !== undefined) throw new Error(`claim ${where} got deleted in the meantime`);
  if (allocation === undefined && current.status?.allocation === undefined) throw new Error(`claim ${where} got deallocated elsewhere in the meantime`);
  if (allocation !== undefined && current.status?.allocation !== undefined && !sameJson(current.status.allocation, allocation)) throw new Error(`claim ${where} got allocated elsewhere in the meantime`);
  if (isReservedFor(current, pod)) return;
  if (allocation !== undefined && current.metadata.finalizers?.includes(FINALIZER) !== true) current = await client.update(RESOURCECLAIMS, { ...current, metadata: { ...current.metadata, finalizers: [...current.metadata.finalizers ?? [], FINALIZER] } });
  const reservedFor = [...current.status?.reservedFor ?? [], { resource: 'pods', name: pod.metadata.name, uid: pod.metadata.uid }];
  const status: NonNullable<ResourceClaimResourceV1['status']> = { ...current.status, ...(allocation !== undefined && { allocation }), reservedFor };
  await client.update(RESOURCECLAIMS, { ...current, status }, { subresource: 'status' });
}
