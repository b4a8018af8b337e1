// Device nodes of a container. The harmless ones (null, zero, full, random, urandom, tty, ptmx) runc makes and allows by itself.
import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { ContainerConfig } from '../runtime.ts';
import type { OciMount } from './mounts.ts';

export interface OciDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

export interface DeviceRule {
  allow: boolean;
  access: string;
  type?: string;
  major?: number;
  minor?: number;
}

/** `ownUsers`: a user namespace makes no devices. What is asked for is bound then, wherever it is to be; of the host's all, runc binds each in its own place. */
export function devicesOf({ devices, security }: ContainerConfig, ownUsers: boolean): { nodes: OciDevice[]; rules: DeviceRule[]; binds: OciMount[] } {
  if (security.privileged) return { nodes: hostDevices(), rules: [{ allow: true, access: 'rwm' }], binds: [] };
  const asked = devices.map(({ hostPath, containerPath, permissions }) => ({ node: deviceOf(containerPath, statSync(hostPath)), hostPath, permissions }));
  const nodes: OciDevice[] = [];
  const binds: OciMount[] = [];
  const rules: DeviceRule[] = [{ allow: false, access: 'rwm' }];
  for (const { node, hostPath, permissions } of asked) {
    if (node === undefined) throw new Error(`${hostPath} is not a device`);
    if (ownUsers) binds.push({ destination: node.path, type: 'bind', source: hostPath, options: ['bind', 'rprivate', permissions.includes('w') ? 'rw' : 'ro'] });
    else nodes.push(node);
    rules.push({ allow: true, type: node.type, major: node.major, minor: node.minor, access: permissions });
  }
  return { nodes, rules, binds };
}

/** Below these nothing is a device of the machine: terminals, shared memory, message queues. */
const NOT_DEVICES = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console']);

function hostDevices(folder = '/dev'): OciDevice[] {
  return readdirSync(folder).filter((name) => !NOT_DEVICES.has(name)).flatMap((name) => {
    const path = join(folder, name);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) return []; // unplugged just now
    if (status.isDirectory()) return hostDevices(path);
    const device = deviceOf(path, status);
    return device === undefined ? [] : [device];
  });
}

function deviceOf(path: string, status: Stats): OciDevice | undefined {
  if (!status.isCharacterDevice() && !status.isBlockDevice()) return undefined;
  const { major, minor } = numbersOf(status.rdev);
  return { path, type: status.isBlockDevice() ? 'b' : 'c', major, minor, fileMode: status.mode & 0o7777, uid: status.uid, gid: status.gid };
}

/** As makedev(3) packs them. */
export function numbersOf(device: number): { major: number; minor: number } {
  const wide = BigInt(device);
  return { major: Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn)), minor: Number((wide & 0xffn) | ((wide >> 12n) & 0xffffff00n)) };
}
