// The cgroups of pods as slices of systemd's. systemd makes and removes them, and is told their limits, or its next reload would set them back; the
// files are written as well, since it rounds and does not know all of them (huge pages), as every kubelet does. On cgroup v2 only.
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../../internal/base/clock.ts';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { SystemdError, isSystemdRunning, withSystemd, type Property } from '../../systemd/systemd-manager.ts';
import type { CgroupLimits, CgroupTree } from './cgroup-tree.ts';
import { weightOf } from './cgroup-tree.ts';

const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const DEFAULT_PERIOD_US = 100_000;
/** systemd counts quotas in whole percents of a CPU. */
const PERCENT_US = 10_000;

export function overSystemd(files: CgroupTree, clock: Clock): CgroupTree {
  if (!isSystemdRunning()) throw new Error('--kubelet-arg: cgroup-driver=systemd: systemd does not run this machine');
  if (files.version !== 2) throw new Error('--kubelet-arg: cgroup-driver=systemd needs cgroup v2; this machine has v1');
  return {
    ...files,
    async set(path, limits) {
      const [name, rounded] = [basename(path), wholePercents(limits)];
      await withSystemd(clock, async (systemd) => {
        try {
          await systemd.startTransientUnit(name, [...sliceProperties(path), ...limitProperties(rounded)]);
        } catch (error) {
          if (!(error instanceof SystemdError) || error.reason !== 'UnitExists') throw error;
          await systemd.setUnitProperties(name, limitProperties(rounded));
        }
      });
      await files.set(path, rounded);
    },
    async remove(path) {
      if (!existsSync(files.directory(path, ''))) return;
      if (isEmpty(files.directory(path, ''))) await withSystemd(clock, (systemd) => systemd.stopUnit(basename(path)));
      await files.remove(path);
    },
  };
}

/** systemd would kill what is left in a slice that it stops: that is for the runtime to end. */
function isEmpty(directory: string): boolean {
  return !/^populated 1$/m.test(readFileIfThere(join(directory, 'cgroup.events')) ?? '');
}

const text = (value: string): Property[1] => ({ signature: 's', value });
const yes: Property[1] = { signature: 'b', value: true };

/** In force until it is stopped. For all that is said here of dependencies, systemd stops slices when the machine ends: what is in them has an order of its own (stoppedBefore). */
function sliceProperties(path: string): Property[] {
  const parent = dirname(path) === '/' ? '-.slice' : basename(dirname(path));
  return [
    ['Description', text(`pods of Skiff: ${basename(path)}`)], ['Wants', { signature: 'as', value: [parent] }], ['DefaultDependencies', { signature: 'b', value: false }],
    ['MemoryAccounting', yes], ['CPUAccounting', yes], ['IOAccounting', yes], ['TasksAccounting', yes],
  ];
}

function limitProperties({ cpuShares, cpuQuota, cpuPeriod = DEFAULT_PERIOD_US, memoryLimitBytes, pidsLimit }: CgroupLimits): Property[] {
  const number = (value: number): Property[1] => ({ signature: 't', value: value < 0 ? UNLIMITED : BigInt(value) });
  const properties: (Property | undefined)[] = [
    cpuShares === undefined ? undefined : ['CPUWeight', number(weightOf(cpuShares))],
    cpuQuota === undefined ? undefined : ['CPUQuotaPeriodUSec', number(cpuPeriod)],
    cpuQuota === undefined ? undefined : ['CPUQuotaPerSecUSec', number(cpuQuota < 0 ? -1 : (cpuQuota * 1_000_000) / cpuPeriod)],
    memoryLimitBytes === undefined ? undefined : ['MemoryMax', number(memoryLimitBytes)],
    pidsLimit === undefined ? undefined : ['TasksMax', number(pidsLimit)],
  ];
  return properties.filter((property) => property !== undefined);
}

function wholePercents(limits: CgroupLimits): CgroupLimits {
  const { cpuQuota = -1, cpuPeriod = DEFAULT_PERIOD_US } = limits;
  if (cpuQuota < 0) return limits;
  const perSecond = Math.ceil(Math.floor((cpuQuota * 1_000_000) / cpuPeriod) / PERCENT_US) * PERCENT_US;
  return { ...limits, cpuQuota: (perSecond * cpuPeriod) / 1_000_000 };
}
