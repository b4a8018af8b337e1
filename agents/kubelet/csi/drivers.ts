// The CSI drivers that are registered on this node, by name; each registration is told to the API.
import type { Clock } from '../../../internal/base/clock.ts';
import type { PluginHandler, PluginInfo } from '../plugins/registration.ts';
import { createDriver, type Driver } from './driver.ts';
import type { NodeInfo } from './node-info.ts';

export interface Drivers extends PluginHandler {
  /** Throws when there is none of that name now. */
  get(name: string): Driver;
  has(name: string): boolean;
  /** Asks the driver again how many volumes there is room for. */
  refresh(name: string): Promise<void>;
  stop(): void;
}

export function createDrivers({ clock, nodeInfo, came }: { clock: Clock; nodeInfo: NodeInfo; came(name: string): void }): Drivers {
  const drivers = new Map<string, Driver>();
  const get = (name: string): Driver => {
    const driver = drivers.get(name);
    if (driver === undefined) throw new Error(name === '' ? 'driver name is empty' : `driver name ${name} not found in the list of registered CSI drivers`);
    return driver;
  };
  const drop = (name: string): void => {
    drivers.get(name)?.close();
    drivers.delete(name);
  };
  return {
    get,
    has: (name) => drivers.has(name),
    validate(info) {
      const before = drivers.get(info.name);
      const version = supportedVersion(info);
      if (before === undefined || before.endpoint === info.endpoint) return;
      const standing = supportedVersion({ ...info, versions: before.versions });
      if (compare(standing, version) >= 0) throw new Error(problem(info, `kubernetes.io/csi: ValidatePlugin for CSI driver ${JSON.stringify(info.name)} failed. Another driver with the same name is already registered with a higher supported version: ${JSON.stringify(standing.join('.'))}`));
    },
    async register(info) {
      supportedVersion(info);
      drop(info.name);
      const driver = createDriver({ ...info, clock });
      drivers.set(info.name, driver);
      try {
        await nodeInfo.install({ driver: info.name, info: await driver.nodeInfo() });
      } catch (error) {
        drop(info.name);
        throw error;
      }
      came(info.name);
    },
    async deregister({ name, endpoint }) {
      // Another that took its place meanwhile stays.
      if (drivers.get(name)?.endpoint !== endpoint) return;
      drop(name);
      await nodeInfo.uninstall(name);
    },
    async refresh(name) {
      await nodeInfo.refresh({ driver: name, info: await get(name).nodeInfo() });
    },
    stop() {
      for (const name of drivers.keys()) drop(name);
    },
  };
}

/** The highest of version 1; later ones may be another protocol. */
function supportedVersion(info: PluginInfo): number[] {
  const { name, versions } = info;
  if (versions.length === 0) throw new Error(problem(info, `kubernetes.io/csi: ValidatePlugin for CSI driver ${JSON.stringify(name)} failed. Plugin returned an empty list for supported versions`));
  const known = versions.map((version) => /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)?.slice(1).map((part: string | undefined) => Number(part ?? 0)) ?? [0]).filter(([major]) => major === 1);
  const [highest] = known.sort((a, b) => compare(b, a));
  if (highest === undefined) throw new Error(problem(info, `kubernetes.io/csi: ValidatePlugin for CSI driver ${JSON.stringify(name)} failed. None of the versions specified ${JSON.stringify(versions)} are supported. err=none of the versions are supported`));
  return highest;
}

function problem({ name, endpoint }: PluginInfo, why: string): string {
  return `validation failed for CSI Driver ${name} at endpoint ${endpoint}: ${why}`;
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (const [index, part] of left.entries()) if (part !== (right[index] ?? 0)) return part - (right[index] ?? 0);
  return 0;
}
