// What pods and nodes use now, for metrics.k8s.io and whoever scales by it. This is the contract; client/resource-usage.ts reads it from the kubelets,
// only when it is asked for: nothing is measured while nobody looks.

export interface Usage {
  /** Of one CPU, in billionths. */
  cpuNanos: number;
  memoryBytes: number;
}

export interface Measured {
  /** Epoch ms of the reading. */
  at: number;
  /** Over how long the CPU was measured. */
  windowMs: number;
}

export interface NodeUsage extends Measured, Usage {
  name: string;
}

export interface PodUsage extends Measured {
  namespace: string;
  name: string;
  containers: (Usage & { name: string })[];
}

export interface ResourceUsage {
  /** Of nodes that answer. */
  read(): Promise<{ nodes: readonly NodeUsage[]; pods: readonly PodUsage[] }>;
}
