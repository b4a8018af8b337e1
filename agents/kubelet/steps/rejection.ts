// Why a node does not take a pod on.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';

export interface Rejection {
  reason: string;
  /** As the Event has it; the status says besides that the pod was rejected. */
  message: string;
  /** It is taken on all the same, when these have ended; `resource` is what is short first. */
  preempts?: { victims: readonly Pod[]; resource: string };
}
