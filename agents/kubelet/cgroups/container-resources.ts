// What a container may use, as the runtime is told it: CPU and memory by its limits or its pod's, huge pages, swap, and who dies when its memory is
// full (KEP-1287, KEP-2400, KEP-2837).
import { quantityValue } from '../../../internal/api/quantity.ts';
import type { Container, Pod, ResourceRequirements } from '../../../internal/kinds/generated/api-types.ts';
import type { Resources } from '../../runtime/runtime.ts';
import type { NodeContext } from '../node-context.ts';
import { isCritical, qosClassOf } from '../pod-spec.ts';
import { machineMemory } from '../stats/machine.ts';
import { hugepageLimits } from './hugepages.ts';
import { containerLimits, limitsWithin, oomScoreAdjust } from './pod-resources.ts';

type Context = Pick<NodeContext, 'cgroups' | 'memoryCapacityBytes' | 'oomScoreAdjMin' | 'settings'>;

export function containerResources(pod: Pod, container: Container, node: Context): Resources {
  const { settings, cgroups } = node;
  const { cpuQuota, cpuPeriod, ...limits } = containerLimits(limitsWithin(pod, container.resources));
  const hugepages = hugepageLimits(cgroups.hugepageSizes, (name) => quantityValue(container.resources?.limits?.[name] ?? pod.spec.resources?.limits?.[name] ?? '0'));
  const unified = unifiedOf(pod, container, node);
  return {
    ...limits, ...(settings.cpuCFSQuota && cpuQuota !== undefined && cpuPeriod !== undefined && { cpuQuota, cpuPeriod }),
    oomScoreAdj: Math.max(node.oomScoreAdjMin, oomScoreAdjust(pod, container, node.memoryCapacityBytes)),
    ...(Object.keys(hugepages).length > 0 && { hugepageLimits: hugepages }), ...(Object.keys(unified).length > 0 && { unified }),
  };
}

/** On cgroup v2 all of a container dies when its memory is full, unless the node says otherwise, and none of it is swapped out, unless it does. */
function unifiedOf(pod: Pod, { resources }: Container, { cgroups, settings, memoryCapacityBytes }: Context): Record<string, string> {
  if (cgroups.version !== 2) return {};
  return {
    ...(settings.singleProcessOOMKill !== true && { 'memory.oom.group': '1' }),
    ...(cgroups.hasSwapLimits() && { 'memory.swap.max': String(settings.memorySwapBehavior === 'LimitedSwap' ? swapOf(pod, resources, memoryCapacityBytes) : 0) }),
  };
}

/** A share of the swap as large as what it asks for is of the memory; only for what asks for some and may have more. */
function swapOf(pod: Pod, resources: ResourceRequirements | undefined, memoryCapacityBytes: number): number {
  const [request, limit] = [quantityValue(resources?.requests?.['memory'] ?? '0'), quantityValue(resources?.limits?.['memory'] ?? '0')];
  if (isCritical(pod) || qosClassOf(pod) !== 'Burstable' || request === limit || request > memoryCapacityBytes) return 0;
  return Math.floor((request / memoryCapacityBytes) * machineMemory().swapTotalBytes);
}
