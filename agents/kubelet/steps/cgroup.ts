// Step: the pod's cgroup with its limits, below its QoS class.
import type { Step } from './step.ts';

export const CGROUP: Step = {
  name: 'cgroup',
  apply: ({ pod }, { cgroups }) => cgroups.make(pod),
  undo: ({ pod }, { cgroups }) => cgroups.remove(pod),
};
