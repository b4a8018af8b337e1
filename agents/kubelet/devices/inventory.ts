// The devices that plugins of this node tell of, by resource. A plugin that goes leaves its devices unhealthy; after five minutes without it the resource
// counts for nothing, and stays in the node's status as zero, as a sign that a plugin had it.
import type { Clock, Timer } from '../../../internal/base/clock.ts';
import type { Device, DevicePlugin } from './plugin.ts';

export const HEALTHY = 'Healthy';
const KEPT_WITHOUT_PLUGIN_MS = 300_000;

export interface Amounts {
  capacity: Readonly<Record<string, string>>;
  allocatable: Readonly<Record<string, string>>;
}

export interface Inventory {
  connected(resource: string, plugin: DevicePlugin): void;
  /** Its whole list, as it is now. Gives the ids whose health is another than before. */
  update(resource: string, devices: readonly Device[]): string[];
  disconnected(resource: string): void;
  /** A plugin had it before Skiff started. */
  expect(resource: string): void;
  has(resource: string): boolean;
  resources(): string[];
  /** Undefined while it is not connected. */
  plugin(resource: string): DevicePlugin | undefined;
  /** In the order of the plugin's list. */
  healthy(resource: string): string[];
  device(resource: string, id: string): Device | undefined;
  amounts(): Amounts;
  stop(): void;
}

interface Entry {
  plugin: DevicePlugin | undefined;
  devices: Map<string, Device>;
  healthy: Set<string>;
  end: Timer | undefined;
}

/** `changed`: the amounts may be others now. */
export function createInventory({ clock, changed }: { clock: Clock; changed(): void }): Inventory {
  const entries = new Map<string, Entry>();
  const ended = new Set<string>();

  const entryOf = (resource: string): Entry => {
    const entry = entries.get(resource) ?? { plugin: undefined, devices: new Map(), healthy: new Set(), end: undefined };
    entries.set(resource, entry);
    ended.delete(resource);
    return entry;
  };

  function leave(resource: string): void {
    const entry = entryOf(resource);
    entry.plugin = undefined;
    entry.healthy.clear();
    entry.end?.cancel();
    entry.end = clock.setTimer(KEPT_WITHOUT_PLUGIN_MS, () => {
      entries.delete(resource);
      ended.add(resource);
      changed();
    });
  }

  return {
    connected(resource, plugin) {
      const entry = entryOf(resource);
      entry.plugin?.stop();
      entry.plugin = plugin;
      entry.end?.cancel();
    },
    update(resource, devices) {
      const entry = entryOf(resource);
      const before = entry.devices;
      entry.devices = new Map(devices.map((device) => [device.id, device]));
      entry.healthy = new Set(devices.filter(({ health }) => health === HEALTHY).map(({ id }) => id));
      changed();
      return devices.filter(({ id, health }) => before.get(id)?.health !== health).map(({ id }) => id);
    },
    disconnected(resource) {
      leave(resource);
      changed();
    },
    expect: leave,
    has: (resource) => entries.has(resource),
    resources: () => [...entries.keys()],
    plugin: (resource) => entries.get(resource)?.plugin,
    healthy: (resource) => [...entries.get(resource)?.healthy ?? []],
    device: (resource, id) => entries.get(resource)?.devices.get(id),
    amounts() {
      const of = (count: (entry: Entry) => number): Record<string, string> => Object.fromEntries([...[...ended].map((resource): [string, string] => [resource, '0']), ...[...entries].map(([resource, entry]): [string, string] => [resource, String(count(entry))])]);
      return { capacity: of(({ devices }) => devices.size), allocatable: of(({ healthy }) => healthy.size) };
    },
    stop() {
      for (const { plugin, end } of entries.values()) {
        plugin?.stop();
        end?.cancel();
      }
    },
  };
}
