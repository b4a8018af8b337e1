// Which cgroup a pod has, and the keeping of the levels above it: besteffort gets the least CPU, burstable as much as its pods ask for.
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { qosClassOf } from '../pod-spec.ts';
import type { CgroupLimits, CgroupTree } from './cgroup-tree.ts';
import { CPU_PERIOD_US, podLimits, podRequest, sharesOf } from './pod-resources.ts';

const PARENTS = { Guaranteed: '/kubepods', Burstable: '/kubepods/burstable', BestEffort: '/kubepods/besteffort' } as const;

export interface PodCgroups {
  /** Relative to the node's root: what the runtime is told. */
  pathOf(pod: Pod): string;
  start(): void;
  make(pod: Pod): void;
  /** Room for both, while a resize is under way: no level may be narrower than what is below it. */
  widen(before: Pod, after: Pod): void;
  remove(pod: Pod): void;
  /** Removes cgroups of pods that are not among these uids. */
  removeOthers(uids: ReadonlySet<string>): void;
  readonly version: 1 | 2;
  /** Directory of a controller's files. */
  directory(path: string, controller: string): string;
}

export interface CgroupSettings {
  /** All pods together. */
  podsLimits?: CgroupLimits;
  /** Processes of one pod; below 1: no limit. */
  podPidsLimit?: number;
  /** False: CPU limits are not enforced. */
  cpuCFSQuota?: boolean;
}

export function createPodCgroups(tree: CgroupTree, { podsLimits = {}, podPidsLimit = -1, cpuCFSQuota = true }: CgroupSettings = {}): PodCgroups {
  const burstable = new Map<string, number>();
  const pathOf = (pod: Pod): string => `${PARENTS[qosClassOf(pod)]}/pod${pod.metadata.uid}`;
  const weighBurstable = (): void => tree.set(PARENTS.Burstable, { cpuShares: sharesOf([...burstable.values()].reduce((sum, asked) => sum + asked, 0)) });
  /** Pods may use more than they now may: they are not killed for it, evictions bring it down, and the limit holds from the next start on. */
  const makeTop = (): void => {
    try {
      tree.set(PARENTS.Guaranteed, podsLimits);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
  };
  return {
    pathOf, version: tree.version, directory: (path, controller) => tree.directory(path, controller),
    start() {
      makeTop();
      tree.set(PARENTS.BestEffort, { cpuShares: sharesOf(0) });
      weighBurstable();
    },
    make(pod) {
      tree.set(pathOf(pod), { ...explicit(podLimits(pod)), ...(!cpuCFSQuota && { cpuQuota: -1 }), ...(podPidsLimit > 0 && { pidsLimit: podPidsLimit }) });
      if (qosClassOf(pod) !== 'Burstable') return;
      burstable.set(pod.metadata.uid, podRequest(pod, 'cpu'));
      weighBurstable();
    },
    widen(before, after) {
      const [a, b] = [podLimits(before), podLimits(after)];
      tree.set(pathOf(after), explicit({
        cpuShares: Math.max(a.cpuShares ?? 0, b.cpuShares ?? 0), ...(a.cpuQuota !== undefined && b.cpuQuota !== undefined && { cpuQuota: Math.max(a.cpuQuota, b.cpuQuota), cpuPeriod: CPU_PERIOD_US }),
        ...(a.memoryLimitBytes !== undefined && b.memoryLimitBytes !== undefined && { memoryLimitBytes: Math.max(a.memoryLimitBytes, b.memoryLimitBytes) }),
      }));
    },
    remove(pod) {
      tree.remove(pathOf(pod));
      if (burstable.delete(pod.metadata.uid)) weighBurstable();
    },
    removeOthers(uids) {
      for (const parent of Object.values(PARENTS)) {
        for (const name of tree.children(parent)) if (name.startsWith('pod') && !uids.has(name.slice(3))) tree.remove(`${parent}/${name}`);
      }
    },
  };
}

/** No limit is said, as there may have been one before. */
function explicit(limits: CgroupLimits): CgroupLimits {
  return { cpuQuota: -1, cpuPeriod: CPU_PERIOD_US, memoryLimitBytes: -1, ...limits };
}
