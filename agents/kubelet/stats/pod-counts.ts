// What the metrics say of pods that are turned away and of containers that end.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from '../node-context.ts';
import { findContainer } from '../pod-spec.ts';
import { containerType } from './container-type.ts';

export function countEnd({ containerId, exitCode }: { containerId: string; exitCode: number }, pod: Pod, { counts, runtime }: Pick<NodeContext, 'counts' | 'runtime'>): void {
  const status = runtime.status(containerId);
  const kind = status === undefined ? undefined : findContainer(pod, status.config.name)?.kind;
  counts.count('kubelet_terminated_containers_total', { container_type: containerType(kind), exit_code: String(exitCode), reason: status?.reason ?? (exitCode === 0 ? 'Completed' : 'Error') });
}

/** Reasons of rejections that are told by name (upstream's list); there are as many others as resources. */
const TOLD: ReadonlySet<string> = new Set([
  'AppArmor', 'PodOSSelectorNodeLabelDoesNotMatch', 'PodOSNotSupported', 'InvalidNodeInfo', 'InitContainerRestartPolicyForbidden', 'SupplementalGroupsPolicyNotSupported', 'UnexpectedAdmissionError', 'UnknownReason',
  'UnexpectedPredicateFailureType', 'OutOfcpu', 'OutOfmemory', 'OutOfephemeral-storage', 'OutOfpods', 'PodLevelResourcesNotSupported', 'PodFeatureUnsupported', 'TaintToleration', 'Evicted', 'SysctlForbidden', 'TopologyAffinityError', 'NodeShutdown', 'VolumeAttachmentLimitExceeded',
]);

export function toldReason(reason: string): string {
  return TOLD.has(reason) ? reason : reason.startsWith('OutOf') ? 'OutOfExtendedResources' : 'Other';
}
