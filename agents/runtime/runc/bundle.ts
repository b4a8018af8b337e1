// The OCI bundle of a container: its mounted roots and its config.json, from the ground's facts.
import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageConfig } from '../../images/image-store.ts';
import { RuntimeError } from '../runtime.ts';
import { cgroupsPathOf, scopeAnnotations } from './container-cgroup.ts';
import type { Ground } from './ground.ts';
import { lowestOomScore } from './oom-score.ts';
import type { OciMount } from './mounts.ts';
import { isAlive } from './process.ts';
import type { ContainerRecord, SandboxRecord } from './records.ts';
import { resolveInRoot } from './rooted-path.ts';
import { mountLayers, unmount } from './rootfs.ts';
import { ownNamespaces, USERS_PIN } from './sandbox.ts';
import { addCdiDevices, type EditableSpec } from './cdi.ts';
import { specOf } from './spec.ts';

export interface Roots {
  rootfs: string;
  /** Mounted images, by index of the mount. */
  images: Map<number, string>;
}

export async function mountRoots(ground: Ground, record: ContainerRecord, sandbox: SandboxRecord): Promise<Roots> {
  const folder = join(ground.layout.containers, record.id);
  const { config } = record;
  const range = sandbox.config.userNamespace;
  const shown = range === undefined ? {} : { users: { pin: usersPinOf(ground, sandbox), hostId: range.hostId, staging: join(folder, 'layers') } };
  const rootfs = range === undefined ? join(folder, 'rootfs') : join(ground.layout.roots, record.id);
  if (range !== undefined) (await import('./user-namespace.ts')).openRoots(ground.layout.roots);
  await mountLayers({ layers: hold(ground, record, config.imageId), target: rootfs, writable: folder, ...shown });
  const images = new Map<number, string>();
  for (const [index, { image, imageSubPath = '' }] of config.mounts.entries()) {
    if (image === undefined) continue;
    const id = ground.images.find(image)?.id;
    if (id === undefined) throw new RuntimeError('CreateContainerError', `image ${image} of a volume is not here`);
    const target = join(folder, 'images', String(index));
    await mountLayers({ layers: hold(ground, record, id), target, ...shown });
    const path = resolveInRoot(target, imageSubPath);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw new RuntimeError('CreateContainerError', `image ${image} has no folder "${imageSubPath}"`);
    images.set(index, path);
  }
  return { rootfs, images };
}

/** The record names what it holds before the hold is of use to anyone. */
function hold({ images }: Ground, record: ContainerRecord, id: string): string[] {
  const layers = images.layers(id);
  record.images.push(id);
  return layers;
}

/** Shows what containers of a pod with users of its own bind as those see it, until `clear`. */
export async function stageMounts(ground: Ground, { record, sandbox, roots, mounts }: { record: ContainerRecord; sandbox: SandboxRecord; roots: Roots; mounts: OciMount[] }): Promise<{ clear(): void }> {
  if (sandbox.config.userNamespace === undefined) return { clear: () => {} };
  const { clear, stageBinds } = await import('./user-namespace.ts');
  const staging = join(ground.layout.containers, record.id, 'mounts');
  const devices = record.config.devices.map(({ hostPath }) => hostPath);
  stageBinds(mounts, { staging, usersPath: usersPinOf(ground, sandbox), asTheyAre: new Set([shmOf(ground, sandbox), ...roots.images.values(), ...devices]) });
  return { clear: () => clear(staging) };
}

export async function unmountRoots({ layout }: Ground, { id, config }: ContainerRecord): Promise<void> {
  const folder = join(layout.containers, id);
  const images = config.mounts.flatMap(({ image }, index) => (image === undefined ? [] : [join(folder, 'images', String(index))]));
  await unmount(...[join(folder, 'rootfs'), join(layout.roots, id), ...images].filter((path) => existsSync(path)));
  // Left by a creation that was cut short.
  for (const staging of [join(folder, 'layers'), join(folder, 'mounts')]) if (existsSync(staging)) (await import('./user-namespace.ts')).clear(staging);
  if (existsSync(join(layout.roots, id))) rmdirSync(join(layout.roots, id));
}

export function usersPinOf({ layout }: Ground, { id }: SandboxRecord): string {
  return join(layout.pins, id, USERS_PIN);
}

export function bundleOf(ground: Ground, { record, sandbox, image, roots, apparmorProfile }: { record: ContainerRecord; sandbox: SandboxRecord; image: ImageConfig; roots: Roots; apparmorProfile?: string | undefined }) {
  const { layout, cgroups } = ground;
  const floor = lowestOomScore();
  const spec = specOf({
    id: record.id, config: record.config, sandbox: sandbox.config, image, rootfs: roots.rootfs, imageRoots: roots.images,
    files: join(layout.sandboxes, sandbox.id),
    shm: sandbox.config.hostIpc ? undefined : shmOf(ground, sandbox),
    cgroupsPath: cgroupsPathOf(ground, sandbox.config.cgroupParent, record.id),
    annotations: scopeAnnotations(sandbox.config.cgroupParent),
    cgroupVersion: cgroups.version, apparmorProfile,
    namespaces: namespacesOf(ground, record, sandbox),
    ...(floor !== undefined && { oomScoreFloor: floor }),
    hasHugepages: (size) => existsSync(join(cgroups.directory('', 'hugetlb'), `hugetlb.${size}.${cgroups.version === 2 ? 'max' : 'limit_in_bytes'}`)) || existsSync(`/sys/kernel/mm/hugepages/hugepages-${String(kilobytesOf(size))}kB`),
  });
  if (record.config.cdiDevices !== undefined) addCdiDevices(spec as unknown as EditableSpec, record.config.cdiDevices);
  return spec;
}

function shmOf({ layout }: Ground, { id }: SandboxRecord): string {
  const shm = join(layout.pins, id, 'shm');
  mkdirSync(shm, { recursive: true });
  return shm;
}

function kilobytesOf(size: string): number {
  const [, number = '0', unit = 'K'] = /^(\d+)([KMG])/.exec(size) ?? [];
  return Number(number) * { K: 1, M: 1024, G: 1024 * 1024 }[unit as 'K' | 'M' | 'G'];
}

const OCI_NAMES = { net: 'network', ipc: 'ipc', uts: 'uts' } as const;

function namespacesOf(ground: Ground, { config }: ContainerRecord, sandbox: SandboxRecord): { type: string; path?: string }[] {
  const pins = ownNamespaces(sandbox.config).map((pin) => ({ type: OCI_NAMES[pin], path: join(ground.layout.pins, sandbox.id, pin) }));
  const users = sandbox.config.userNamespace === undefined ? [] : [{ type: 'user', path: usersPinOf(ground, sandbox) }];
  return [{ type: 'mount' }, ...users, ...pins, ...pidNamespace(ground, config.targetPidContainerId, sandbox), ...(ground.cgroups.version === 2 && (!config.security.privileged || users.length > 0) ? [{ type: 'cgroup' }] : [])];
}

function pidNamespace({ records }: Ground, target: string | undefined, { config, pause }: SandboxRecord): { type: string; path?: string }[] {
  if (config.hostPid) return [];
  const of = config.shareProcessNamespace ? pause : target === undefined ? undefined : records.containers.get(target)?.process;
  if (!config.shareProcessNamespace && target === undefined) return [{ type: 'pid' }];
  if (!isAlive(of)) throw new RuntimeError('CreateContainerError', target === undefined ? 'the process that holds the PID namespace of the pod has gone' : `container ${target}, whose processes are to be seen, is not running`);
  return [{ type: 'pid', path: `/proc/${String(of.pid)}/ns/pid` }];
}
