// Why a node does not take a pod on.

export interface Rejection {
  reason: string;
  /** As the Event has it; the status says besides that the pod was rejected. */
  message: string;
}
