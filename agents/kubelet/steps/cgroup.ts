// Step: the pod's cgroup with its limits, below its QoS class.
import type { Step } from './step.ts';

export const CGROUP: Step = {
  name: 'cgroup',
  apply: ({ pod }, { cgroups }) => Promise.resolve(cgroups.make(pod)),
  undo: ({ pod }, { cgroups }) => Promise.resolve(cgroups.remove(pod)),
};
