// File systems of the machine and what was asked of the devices below them, as cAdvisor tells of them: each device once, a tmpfs by where it is mounted.
// Left out: file systems over a network, whose servers may keep everyone waiting that asks; overlays, which are parts of another; what is mounted for pods.
import { readFileSync, statSync } from 'node:fs';
import { readFileIfThere } from '../../../internal/base/files.ts';
import { fileSystemOf, type FileSystem } from './machine.ts';

export interface MountedFileSystem extends FileSystem {
  device: string;
  io: DeviceCounts;
}

/** Since the start of the machine, of /proc/diskstats; all 0 of a file system without a device. */
export interface DeviceCounts {
  reads: number;
  readsMerged: number;
  sectorsRead: number;
  readMs: number;
  writes: number;
  writesMerged: number;
  sectorsWritten: number;
  writeMs: number;
  inProgress: number;
  ioMs: number;
  weightedIoMs: number;
}

interface Device {
  name: string;
  counts: DeviceCounts;
}

/** By `8:0`. */
export type Devices = ReadonlyMap<string, Device>;

const NO_COUNTS: DeviceCounts = { reads: 0, readsMerged: 0, sectorsRead: 0, readMs: 0, writes: 0, writesMerged: 0, sectorsWritten: 0, writeMs: 0, inProgress: 0, ioMs: 0, weightedIoMs: 0 };

export function devices(text = readFileIfThere('/proc/diskstats') ?? ''): Devices {
  return new Map(text.split('\n').flatMap((line): [string, Device][] => {
    const [major, minor, name, ...numbers] = line.trim().split(/\s+/);
    if (major === undefined || minor === undefined || name === undefined) return [];
    const [reads = 0, readsMerged = 0, sectorsRead = 0, readMs = 0, writes = 0, writesMerged = 0, sectorsWritten = 0, writeMs = 0, inProgress = 0, ioMs = 0, weightedIoMs = 0] = numbers.map(Number);
    return [[`${major}:${minor}`, { name: `/dev/${name}`, counts: { reads, readsMerged, sectorsRead, readMs, writes, writesMerged, sectorsWritten, writeMs, inProgress, ioMs, weightedIoMs } }]];
  }));
}

/** `below`: folders that hold mounts of pods. */
export function machineFileSystems(all: Devices, below: readonly string[]): MountedFileSystem[] {
  return mountedIn(readFileSync('/proc/self/mountinfo', 'utf8'), below).flatMap(({ device, point, number }) => {
    const io = all.get(number)?.counts ?? NO_COUNTS;
    try {
      return [{ device, io, ...fileSystemOf(point) }];
    } catch {
      return []; // Hidden below another mount, or gone meanwhile.
    }
  });
}

interface Mounted {
  device: string;
  point: string;
  /** `8:0`. */
  number: string;
}

const LOCAL = /^(ext[234]|xfs|squashfs|f2fs|jfs|reiserfs|hfs|hfsplus|btrfs|zfs|tmpfs)$/;

/** `text`: /proc/self/mountinfo. */
export function mountedIn(text: string, below: readonly string[]): Mounted[] {
  const found = new Map<string, Mounted>();
  for (const line of text.split('\n')) {
    const [, number, path, type = '', source] = /^\d+ \d+ (\S+) \S+ (\S+) .* - (\S+) (\S+) /.exec(line) ?? [];
    if (number === undefined || path === undefined || source === undefined || !LOCAL.test(type)) continue;
    const point = unescape(path);
    if (below.some((folder) => point === folder || point.startsWith(`${folder}/`))) continue;
    const device = type === 'tmpfs' ? point : unescape(source);
    if (!found.has(device)) found.set(device, { device, point, number });
  }
  return [...found.values()];
}

/** The kernel writes blanks as `\040`. */
function unescape(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** Name of the device that a folder is on; what the kernel has no device for is told by its number. */
export function deviceOf(folder: string, all: Devices): string {
  const { dev } = statSync(folder);
  const number = `${String(((dev >> 8) & 0xfff))}:${String((dev & 0xff) | ((dev >> 12) & 0xfff00))}`;
  return all.get(number)?.name ?? number;
}
