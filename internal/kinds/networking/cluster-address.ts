// By what an IPAddress that stands for a Service's cluster address is known (upstream: networking/v1, registry/core/service/ipallocator).
import type { IPAddress } from '../generated/api-types.ts';

export const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
export const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
export const ALLOCATOR = 'ipallocator.k8s.io';

/** Whether it came and goes with a Service; else it is somebody's own. */
export function isAllocated({ metadata: { labels } }: IPAddress): boolean {
  return labels?.[MANAGED_BY_LABEL] === ALLOCATOR;
}
