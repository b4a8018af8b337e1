// Which writes must be on disk before they are acknowledged. A disk that wears out is spared what will be written again in seconds anyway.
import { sameJson } from '../api/json-equality.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Durability } from '../store/store.ts';

export function durabilityOf(kind: Kind, object: KubeObject | undefined, old: KubeObject | undefined): Durability {
  if (kind.rules.durability === 'relaxed') {
    // A lease that was made or removed stays so; who holds it until when is told again by its holder.
    return isLease(kind) && (old === undefined || object === undefined) ? 'durable' : 'relaxed';
  }
  return kind.group === '' && kind.resource === 'nodes' && object !== undefined && old !== undefined && isHeartbeat(object, old) ? 'relaxed' : 'durable';
}

function isLease({ group, resource }: Kind): boolean {
  return group === 'coordination.k8s.io' && resource === 'leases';
}

interface NodeStatus {
  conditions?: { lastHeartbeatTime?: string }[];
}

/** A node that only says that it is still there. */
function isHeartbeat(object: KubeObject, old: KubeObject): boolean {
  return sameJson(withoutHeartbeat(object), withoutHeartbeat(old));
}

function withoutHeartbeat(node: KubeObject): unknown {
  const { status, metadata, ...rest } = node as KubeObject & { status?: NodeStatus };
  const { managedFields: _fields, resourceVersion: _version, ...kept } = metadata;
  return { ...rest, metadata: kept, status: { ...status, conditions: status?.conditions?.map(({ lastHeartbeatTime: _time, ...condition }) => condition) } };
}
