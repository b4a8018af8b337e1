// How full a volume is, as its driver tells.
import type { FileSystem } from '../stats/machine.ts';
import type { Driver } from './driver.ts';
import type { Published } from './file-systems.ts';

const UNIT = { bytes: 1, inodes: 2 };

export async function volumeStats(driver: Driver, { handle, published }: { handle: string; published: Published }): Promise<FileSystem | undefined> {
  if (!(await driver.can('volumeStats'))) return undefined;
  const { usage } = await driver.stats({ volumeId: handle, volumePath: published.path });
  const none = { available: 0, total: 0, used: 0 };
  const bytes = usage.find(({ unit }) => unit === UNIT.bytes) ?? none;
  const inodes = usage.find(({ unit }) => unit === UNIT.inodes) ?? none;
  return { availableBytes: bytes.available, capacityBytes: bytes.total, usedBytes: bytes.used, inodesFree: inodes.available, inodes: inodes.total, inodesUsed: inodes.used };
}
