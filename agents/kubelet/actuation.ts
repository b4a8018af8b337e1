// What a resize has come to: what is granted and not yet so, and what running containers have.
import type { ResourceRequirements } from '../../internal/kinds/generated/api-types.ts';
import type { ContainerStatus as RuntimeContainer } from '../runtime/runtime.ts';
import { ANNOTATION } from './labels.ts';

/** What of a resize the worker remembers and the status shows. */
export interface Resize {
  pending?: { reason: 'Deferred' | 'Infeasible'; message: string };
  inProgress?: { reason?: 'Error'; message?: string };
  busy: boolean;
  /** The pod's cgroup has room for what was granted. */
  widened?: Promise<void>;
  retryAt: number;
  /** What each running container has now, by id, where it is not what it began with. */
  actuated: Map<string, ResourceRequirements>;
}

/** What a container runs with: as last changed, else as it began. */
export function actuatedOf({ id, config }: RuntimeContainer, { actuated }: Pick<Resize, 'actuated'>): ResourceRequirements {
  return actuated.get(id) ?? JSON.parse(config.annotations[ANNOTATION.resources] ?? '{}') as ResourceRequirements;
}
