// The mount table of a container: the kernel's file systems, the pod's files, then what the pod mounts, parents before children.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerConfig, Mount, SandboxConfig } from '../runtime.ts';

export interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface MountInput {
  config: ContainerConfig;
  sandbox: SandboxConfig;
  /** Folder of the pod's hostname and resolv.conf. */
  files: string;
  /** The pod's /dev/shm on the host; undefined: the host's own. */
  shm: string | undefined;
  cgroupVersion: 1 | 2;
  /** Where images that are mounted stand, by index of the mount. */
  imageRoots: ReadonlyMap<number, string>;
}

export function mountsOf({ config, sandbox, files, shm, cgroupVersion, imageRoots }: MountInput): OciMount[] {
  const { privileged } = config.security;
  const taken = new Set(config.mounts.map(({ containerPath }) => tidy(containerPath)));
  const bind = (destination: string, source: string, readOnly: boolean): OciMount[] =>
    taken.has(destination) ? [] : [{ destination, type: 'bind', source, options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'] }];
  const volumes = config.mounts.map((mount, index) => volumeOf(mount, imageRoots.get(index) ?? mount.hostPath));
  const mounts = [
    ...kernelMounts(sandbox, privileged, cgroupVersion).filter(({ destination }) => !taken.has(destination)),
    ...bind('/dev/shm', shm ?? '/dev/shm', false),
    // Paths are masked with the container's own /dev/null: in a volume of the pod's it could be a link to anywhere. Bound here, runc refuses that.
    ...(taken.has('/dev') && !privileged ? bind('/dev/null', '/dev/null', false) : []),
    ...bind('/etc/hostname', join(files, 'hostname'), config.security.readOnlyRootfs),
    ...bind('/etc/resolv.conf', join(files, 'resolv.conf'), config.security.readOnlyRootfs),
    ...volumes,
  ];
  return mounts.sort((a, b) => depth(a.destination) - depth(b.destination)); // stable: equals stay in their order
}

function kernelMounts({ hostIpc }: SandboxConfig, privileged: boolean, cgroupVersion: 1 | 2): OciMount[] {
  const access = privileged ? 'rw' : 'ro';
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    hostIpc
      ? { destination: '/dev/mqueue', type: 'bind', source: '/dev/mqueue', options: ['rbind', 'nosuid', 'noexec', 'nodev'] }
      : { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', cgroupVersion === 1 ? 'ro' : access] },
  ].filter(({ type, source }) => type !== 'bind' || statSync(source, { throwIfNoEntry: false }) !== undefined);
}

const PROPAGATION = { None: 'rprivate', HostToContainer: 'rslave', Bidirectional: 'rshared' } as const;

function volumeOf(mount: Mount, source: string): OciMount {
  // A path that is nowhere becomes a folder, as container engines do for the kubelet.
  if (mount.image === undefined && statSync(source, { throwIfNoEntry: false }) === undefined) mkdirSync(source, { recursive: true });
  const readOnly = mount.readOnly || mount.image !== undefined;
  return { destination: mount.containerPath, type: 'bind', source, options: ['rbind', PROPAGATION[mount.propagation], readOnly ? 'ro' : 'rw', ...(mount.recursiveReadOnly === true ? ['rro'] : [])] };
}

function depth(path: string): number {
  return tidy(path).split('/').length;
}

function tidy(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
}
