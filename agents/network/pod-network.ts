// The pod network's port: what the runtime asks for when it makes and removes a sandbox. Built in: point-to-point veths, no bridge;
// or CNI plugins. Addresses come from this node's podCIDR and are recorded on disk before they are used.

export interface PodAttachment {
  /** Addresses of the pod, IPv4 first. */
  ips: string[];
}

export interface PodNetwork {
  /** Gives back addresses whose sandbox is not in `known`, and their veths. */
  start(known: ReadonlySet<string>): Promise<void>;
  stop(): Promise<void>;
  /** Links the pinned network namespace at `netnsPath` to the node; idempotent by sandbox id. */
  attach(sandboxId: string, netnsPath: string, pod: { namespace: string; name: string; uid: string; hostPorts: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp: string }[] }): Promise<PodAttachment>;
  /** Unlinks and frees; idempotent. */
  detach(sandboxId: string, netnsPath: string): Promise<void>;
}
