// Device plugins as the kubelet uses them: they connect and tell of their devices (inventory.ts), containers get some of them (choice.ts) and keep them
// until their pod has ended (holdings.ts, checkpoint.ts). One allocation at a time, as each looks at what all before it have taken.
import type { Clock } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { createLimit } from '../../../internal/base/limit.ts';
import type { Log } from '../../../internal/base/log.ts';
import { quantityValue } from '../../../internal/api/quantity.ts';
import type { Container, Pod, ResourceStatus } from '../../../internal/kinds/generated/api-types.ts';
import { rpcMessageOf } from '../../grpc/error.ts';
import { containersOf, findContainer } from '../pod-spec.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { chooseDevices } from './choice.ts';
import { combine } from './combination.ts';
import type { ContainerDevices } from './container-devices.ts';
import { createHoldings, idsOf, type DevicesByNode, type Holding, type Holdings } from './holdings.ts';
import { createInventory, HEALTHY, type Amounts, type Inventory } from './inventory.ts';
import { connectPlugin } from './plugin.ts';

export interface DevicesOptions {
  /** `<kubelet folder>/device-plugins`. */
  directory: string;
  clock: Clock;
  log: Log;
  /** Uids of the pods that hold what they have; undefined while not all are known. */
  activePods(): ReadonlySet<string> | undefined;
  /** There may be more or fewer devices than before. */
  changed(): void;
  /** A device of this pod is healthy no more, or again. */
  wakePod(uid: string): void;
}

/** What pods have and get of the devices that plugins tell of. */
export interface DeviceAllocations {
  amounts(): Amounts;
  /** How many of a resource are held by pods. */
  held(resource: string): number;
  /** Whether a pod asks for devices that a plugin here has, so that it must be given them before it is taken on. */
  concerns(pod: Pod): boolean;
  /** Gives every container of a new pod its devices; throws what the pod is refused for, and then it has none. */
  allocate(pod: Pod): Promise<void>;
  /** Of a container about to be started. */
  prepare(pod: Pod, container: Container): Promise<ContainerDevices | undefined>;
  statuses(uid: string, container: string): ResourceStatus[];
}

export interface DeviceDesk extends DeviceAllocations {
  /** Takes the plugin that serves on this socket in the place of the one before. */
  connect(resource: string, socket: string): Promise<void>;
  disconnect(resource: string): void;
  readonly inventory: Inventory;
  readonly holdings: Holdings;
  /** What ended pods held is free. */
  collect(): void;
  stop(): void;
}

export function createDeviceDesk(options: DevicesOptions): DeviceDesk {
  const { directory, clock, log } = options;
  const known = checkpointOf(options);
  const holdings = createHoldings(known?.holdings);
  const inventory = createInventory({ clock, changed: options.changed });
  const oneAtATime = createLimit(1);
  let written = '';
  for (const resource of Object.keys(known?.registered ?? {})) inventory.expect(resource);

  function save(): void {
    try {
      written = writeCheckpoint(directory, { holdings: holdings.all(), registered: Object.fromEntries(inventory.resources().map((resource) => [resource, inventory.healthy(resource)])) }, written);
    } catch (error) {
      log.error('it could not be written down who holds which devices', { error: messageOf(error) });
    }
  }

  async function connect(resource: string, socket: string): Promise<void> {
    const plugin = await connectPlugin(socket, {
      clock,
      onDevices(devices) {
        const changed = inventory.update(resource, devices);
        save();
        for (const uid of holdings.holdersOf(resource, changed)) options.wakePod(uid);
      },
      onEnd(error) {
        if (inventory.plugin(resource) !== plugin) return;
        log.info('device plugin is gone', { resource, error: rpcMessageOf(error) });
        inventory.disconnected(resource);
      },
    });
    inventory.connected(resource, plugin);
    log.info('device plugin connected', { resource });
  }

  const isDevice = (resource: string): boolean => inventory.has(resource) || holdings.inUse(resource).size > 0;
  function collect(): void {
    const active = options.activePods();
    if (active !== undefined) holdings.keepOnly(active);
  }

  /** `reusable`: by resource, what init containers before it have left. */
  async function allocateTo(pod: Pod, container: Container, reusable: Map<string, string[]>): Promise<void> {
    const { uid } = pod.metadata;
    for (const [resource, amount] of Object.entries(container.resources?.limits ?? {})) {
      if (!isDevice(resource)) continue;
      const plugin = inventory.plugin(resource);
      const given = holdings.find(uid, container.name, resource);
      const ids = await chooseDevices({
        resource, count: quantityValue(amount), given: given === undefined ? undefined : idsOf(given), healthy: inventory.has(resource) ? inventory.healthy(resource) : undefined,
        inUse: holdings.inUse(resource), reusable: reusable.get(resource) ?? [],
        ...(plugin?.preferredAllocationAvailable === true && { preferred: (request) => plugin.preferred(request).catch(because('device plugin GetPreferredAllocation rpc failed with err: ')) }),
      });
      if (ids.length > 0) {
        if (plugin === undefined) throw new Error(`endpoint ${resource} has been stopped`);
        holdings.add({ uid, container: container.name, resource, devices: byNode(ids, resource, inventory), response: await plugin.allocate(ids).catch(because('')) });
        save();
      }
      leave(reusable, { resource, ids: idsOf(holdings.find(uid, container.name, resource) ?? { devices: {} }), free: findContainer(pod, container.name)?.kind === 'init' });
    }
  }

  async function allocate(pod: Pod): Promise<void> {
    collect();
    const reusable = new Map<string, string[]>();
    try {
      for (const { kind, spec } of containersOf(pod)) if (kind !== 'ephemeral') await allocateTo(pod, spec, reusable);
    } catch (error) {
      if (holdings.drop(pod.metadata.uid)) save();
      throw error;
    }
  }

  async function prepare(pod: Pod, container: Container): Promise<ContainerDevices | undefined> {
    const { uid } = pod.metadata;
    let missing = false;
    for (const [resource, amount] of Object.entries(container.resources?.limits ?? {})) {
      if (!isDevice(resource) || quantityValue(amount) === 0) continue;
      const holding = holdings.find(uid, container.name, resource);
      const plugin = inventory.plugin(resource);
      if (holding === undefined) missing = true;
      else if (plugin?.preStartRequired === true) await plugin.preStart(idsOf(holding)).catch(because('device plugin PreStartContainer rpc failed with err: '));
    }
    if (missing) await oneAtATime(() => allocateTo(pod, container, new Map()));
    return combine(holdings.of(uid, container.name).map(({ response }) => response));
  }

  return {
    connect, prepare, inventory, holdings, collect,
    disconnect(resource) {
      inventory.plugin(resource)?.stop();
      inventory.disconnected(resource);
    },
    amounts: inventory.amounts,
    held: (resource) => holdings.inUse(resource).size,
    concerns: (pod) => containersOf(pod).some(({ spec }) => Object.keys(spec.resources?.limits ?? {}).some(isDevice)),
    allocate: (pod) => oneAtATime(() => allocate(pod)),
    statuses: (uid, container) => holdings.of(uid, container).map((holding) => healthOf(holding, inventory)),
    stop: () => inventory.stop(),
  };
}

function checkpointOf({ directory, log }: DevicesOptions): Checkpoint | undefined {
  try {
    return readCheckpoint(directory);
  } catch (error) {
    log.error('it could not be read who holds which devices, and is made anew', { error: messageOf(error) });
    return undefined;
  }
}

/** What an init container has is free for those after it; what a container that stays takes is not. */
function leave(reusable: Map<string, string[]>, { resource, ids, free }: { resource: string; ids: readonly string[]; free: boolean }): void {
  const others = (reusable.get(resource) ?? []).filter((id) => !ids.includes(id));
  reusable.set(resource, free ? [...others, ...ids] : others);
}

function byNode(ids: readonly string[], resource: string, inventory: Inventory): DevicesByNode {
  const devices: DevicesByNode = {};
  for (const id of ids) {
    const nodes = inventory.device(resource, id)?.topology?.nodes ?? [];
    for (const node of nodes.length === 0 ? [-1] : nodes.map((one) => one.id)) (devices[String(node)] ??= []).push(id);
  }
  return devices;
}

/** A device that nobody tells of any more counts as healthy, as upstream has it. */
function healthOf(holding: Holding, inventory: Inventory): ResourceStatus {
  const health = (id: string): string => ((inventory.device(holding.resource, id)?.health ?? HEALTHY) === HEALTHY ? 'Healthy' : 'Unhealthy');
  return { name: holding.resource, resources: idsOf(holding).map((id) => ({ resourceID: id, health: health(id) })) };
}

function because(what: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${what}${rpcMessageOf(error)}`, { cause: error });
  };
}
