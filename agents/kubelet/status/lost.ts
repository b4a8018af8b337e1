// At the very end of a pod nothing waits any more: a container whose turn it was and that never ran, or of which nothing is known, counts
// as lost (upstream's terminal statuses). Those whose turn had not come stay as they are.
import type { ContainerStatus, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { initContainersOf } from '../pod-spec.ts';

export function lostMain(pod: Pod, main: readonly ContainerStatus[]): ContainerStatus[] {
  return hasInitialized(pod) ? main.map(lost) : [...main];
}

/** All but the last ones that show no sign of a start; the first in any case. */
export function lostInit(init: readonly ContainerStatus[]): ContainerStatus[] {
  const begun = Math.max(0, init.findLastIndex(({ state, lastState }) => state?.waiting === undefined || lastState?.terminated !== undefined));
  return init.map((status, index) => (index <= begun ? lost(status) : status));
}

/** By what the API showed when the pod began to end: an init container that was ended with its pod has initialized nothing. */
function hasInitialized(pod: Pod): boolean {
  const last = initContainersOf(pod).at(-1);
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  if (last === undefined || containerStatuses.some(({ state, lastState }) => state?.waiting === undefined || lastState?.terminated !== undefined)) return true;
  const status = initContainerStatuses.find(({ name }) => name === last.spec.name);
  if (last.kind === 'sidecar') return status?.state?.running !== undefined && status.started === true;
  return status?.ready === true;
}

function lost(status: ContainerStatus): ContainerStatus {
  if (status.state?.terminated !== undefined) return status;
  return { ...status, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' } } };
}
