// Which cgroup a pod has, and the keeping of the levels above it: besteffort gets the least CPU, burstable as much as its pods ask for.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../../../internal/base/errors.ts';
import type { Pod } from '../../../internal/kinds/generated/api-types.ts';
import { qosClassOf } from '../pod-spec.ts';
import { CGROUP_NAMES, type CgroupDriver } from './cgroup-names.ts';
import type { CgroupLimits, CgroupTree } from './cgroup-tree.ts';
import { hugepageLimits, unlimitedHugepages } from './hugepages.ts';
import { CPU_PERIOD_US, podLimits, podRequest, sharesOf } from './pod-resources.ts';

export interface PodCgroups {
  readonly driver: CgroupDriver;
  /** Of all pods together. */
  readonly top: string;
  /** Relative to the node's root: what the runtime is told. */
  pathOf(pod: Pod): string;
  start(): Promise<void>;
  make(pod: Pod): Promise<void>;
  /** Room for both, while a resize is under way: no level may be narrower than what is below it. */
  widen(before: Pod, after: Pod): Promise<void>;
  remove(pod: Pod): Promise<void>;
  /** Removes cgroups of pods that are not among these uids. */
  removeOthers(uids: ReadonlySet<string>): Promise<void>;
  readonly version: 1 | 2;
  /** Sizes of huge pages that can be limited here: `2Mi`. */
  readonly hugepageSizes: readonly string[];
  /** Whether this kernel can keep pods from the swap. */
  hasSwapLimits(): boolean;
  /** Directory of a controller's files. */
  directory(path: string, controller: string): string;
  /** Names directly below. */
  children(path: string): string[];
}

export interface CgroupSettings {
  /** All pods together. */
  podsLimits?: CgroupLimits;
  /** Processes of one pod; below 1: no limit. */
  podPidsLimit?: number;
  /** False: CPU limits are not enforced. */
  cpuCFSQuota?: boolean;
  /** Who makes them. Default: this process. */
  driver?: CgroupDriver;
  hugepageSizes?: readonly string[];
}

export function createPodCgroups(tree: CgroupTree, { podsLimits = {}, podPidsLimit = -1, cpuCFSQuota = true, driver = 'cgroupfs', hugepageSizes = [] }: CgroupSettings = {}): PodCgroups {
  const burstable = new Map<string, number>();
  const names = CGROUP_NAMES[driver];
  const unlimited = unlimitedHugepages(hugepageSizes);
  const pathOf = (pod: Pod): string => names.pod(names.parents[qosClassOf(pod)], pod.metadata.uid);
  const weighBurstable = (): Promise<void> => tree.set(names.parents.Burstable, { cpuShares: sharesOf([...burstable.values()].reduce((sum, asked) => sum + asked, 0)), hugepageLimits: unlimited });
  /** Pods may use more than they now may: they are not killed for it, evictions bring it down, and the limit holds from the next start on. */
  const makeTop = async (): Promise<void> => {
    try {
      await tree.set(names.parents.Guaranteed, podsLimits);
    } catch (error) {
      if (!isErrno(error, 'EBUSY')) throw error;
    }
  };
  return {
    driver, top: names.parents.Guaranteed, pathOf, version: tree.version, hugepageSizes, hasSwapLimits: () => existsSync(join(tree.directory(names.parents.Guaranteed, 'memory'), 'memory.swap.max')),
    directory: (path, controller) => tree.directory(path, controller), children: (path) => tree.children(path),
    async start() {
      await makeTop();
      await tree.set(names.parents.BestEffort, { cpuShares: sharesOf(0), hugepageLimits: unlimited });
      await weighBurstable();
    },
    async make(pod) {
      const pids = podPidsLimit > 0 && { pidsLimit: podPidsLimit };
      await tree.set(pathOf(pod), { ...explicit(podLimits(pod)), ...(!cpuCFSQuota && { cpuQuota: -1 }), ...pids, hugepageLimits: hugepageLimits(hugepageSizes, (name) => podRequest(pod, name)) });
      if (qosClassOf(pod) !== 'Burstable') return;
      burstable.set(pod.metadata.uid, podRequest(pod, 'cpu'));
      await weighBurstable();
    },
    widen(before, after) {
      const [a, b] = [podLimits(before), podLimits(after)];
      return tree.set(pathOf(after), explicit({
        cpuShares: Math.max(a.cpuShares ?? 0, b.cpuShares ?? 0), ...(a.cpuQuota !== undefined && b.cpuQuota !== undefined && { cpuQuota: Math.max(a.cpuQuota, b.cpuQuota), cpuPeriod: CPU_PERIOD_US }),
        ...(a.memoryLimitBytes !== undefined && b.memoryLimitBytes !== undefined && { memoryLimitBytes: Math.max(a.memoryLimitBytes, b.memoryLimitBytes) }),
      }));
    },
    async remove(pod) {
      await tree.remove(pathOf(pod));
      if (burstable.delete(pod.metadata.uid)) await weighBurstable();
    },
    async removeOthers(uids) {
      for (const parent of Object.values(names.parents)) {
        for (const name of tree.children(parent)) {
          const uid = names.uidOf(name);
          if (uid !== undefined && !uids.has(uid)) await tree.remove(`${parent}/${name}`);
        }
      }
    },
  };
}

/** No limit is said, as there may have been one before. */
function explicit(limits: CgroupLimits): CgroupLimits {
  return { cpuQuota: -1, cpuPeriod: CPU_PERIOD_US, memoryLimitBytes: -1, ...limits };
}
