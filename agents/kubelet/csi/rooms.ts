// How many volumes there is room for may change while a driver runs: drivers that say so (CSIDriver, nodeAllocatableUpdatePeriodSeconds) are asked again every so
// often, and when one of their volumes could not be attached because the node is full (KEP-4876).
import type { Timer } from '../../../internal/base/clock.ts';
import { messageOf } from '../../../internal/base/errors.ts';
import { CSIDRIVERS } from '../../../internal/kinds/generated/resources.ts';
import type { NodeContext } from '../node-context.ts';
import { VolumeLimitError, type VolumeContext } from '../volumes/volume.ts';
import { isNodeFull } from './attachment.ts';
import type { Device } from './devices.ts';
import type { Drivers } from './drivers.ts';
import { driverObject } from './publishing.ts';

export interface Rooms {
  /** As its object says now, and whenever that changes. */
  follow(driver: string): void;
  /** Throws VolumeLimitError when the node is full. */
  checkRoom(device: Device, context: VolumeContext): Promise<void>;
  stop(): void;
}

export function createRooms(node: NodeContext, drivers: Drivers): Rooms {
  const timers = new Map<string, { timer: Timer; periodMs: number }>();
  const { clock, log, objects } = node;
  let stopped = false;

  const periodOf = async (driver: string): Promise<number> => ((await driverObject(objects, driver))?.spec.nodeAllocatableUpdatePeriodSeconds ?? 0) * 1000;

  function follow(driver: string): void {
    if (!drivers.has(driver) && !timers.has(driver)) return;
    periodOf(driver).then((periodMs) => {
      if (stopped || timers.get(driver)?.periodMs === periodMs) return;
      timers.get(driver)?.timer.cancel();
      timers.delete(driver);
      if (periodMs > 0 && drivers.has(driver)) schedule(driver, periodMs);
    }).catch((error: unknown) => log.debug('a CSIDriver could not be read', { driver, error: messageOf(error) }));
  }

  function schedule(driver: string, periodMs: number): void {
    timers.set(driver, { periodMs, timer: clock.setTimer(periodMs, () => {
      timers.delete(driver);
      if (stopped || !drivers.has(driver)) return;
      drivers.refresh(driver).catch((error: unknown) => log.warn('a CSI driver could not be asked for its limit', { driver, error: messageOf(error) })).finally(() => follow(driver));
    }) });
  }

  // Calls at once for those that are there.
  const end = objects.onChange(CSIDRIVERS, (_namespace, name) => follow(name));
  return {
    follow,
    async checkRoom(device, { pod }) {
      if ((await periodOf(device.driver)) === 0 || !(await isNodeFull(device, node))) return;
      await drivers.refresh(device.driver).catch((error: unknown) => log.warn('a CSI driver could not be asked for its limit', { driver: device.driver, error: messageOf(error) }));
      const names = (pod.spec.volumes ?? []).filter(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim !== undefined || ephemeral !== undefined).map(({ name }) => name).sort();
      throw new VolumeLimitError(`Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[${names.join(' ')}], unattached volumes=[${names.join(' ')}], failed to process volumes=[]: context deadline exceeded`);
    },
    stop() {
      stopped = true;
      end();
      for (const { timer } of timers.values()) timer.cancel();
    },
  };
}
