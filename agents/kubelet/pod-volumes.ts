// Volumes of a running pod that follow the API: brought up to date when an object they name has changed, or a token is due.
import { messageOf } from '../../internal/base/errors.ts';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import type { NodeContext } from './node-context.ts';
import type { PodMemory } from './pod-memory.ts';
import { volumeContext } from './steps/volumes.ts';
import { nextRefresh, refreshVolumes } from './volumes/index.ts';

const RETRY_MS = 60_000;
const refreshing = new WeakMap<PodMemory, 'running' | 'again'>();

export function applyVolumeChanges(memory: PodMemory, node: NodeContext, wake: () => void): void {
  if (memory.standing === undefined || memory.ending !== undefined) return;
  if (refreshing.has(memory)) return void refreshing.set(memory, 'again');
  refreshing.set(memory, 'running');
  memory.refreshAt = undefined;
  refreshVolumes(volumeContext(memory.pod, node, memory.ended.signal)).then(
    (volumes) => {
      memory.refreshAt = nextRefresh(volumes);
    },
    (error: unknown) => {
      node.event(memory.pod, 'Warning', 'FailedMount', messageOf(error));
      memory.refreshAt = node.clock.now() + RETRY_MS;
    },
  ).finally(() => {
    const again = refreshing.get(memory) === 'again';
    refreshing.delete(memory);
    if (again) applyVolumeChanges(memory, node, wake);
    wake();
  });
}

/** Whether a volume of the pod shows this object. */
export function mountsObject(pod: Pod, resource: 'configmaps' | 'secrets', name: string): boolean {
  return (pod.spec.volumes ?? []).some(({ configMap, secret, projected }) => {
    if (resource === 'configmaps') return configMap?.name === name || projected?.sources?.some((source) => source.configMap?.name === name) === true;
    return secret?.secretName === name || projected?.sources?.some((source) => source.secret?.name === name) === true;
  });
}
