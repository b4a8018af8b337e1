// Devices that are described in files (Container Device Interface 1.0): what they change in a container's config.json. Device plugins and DRA drivers name
// them, `vendor.com/class=name`; the files lie in /etc/cdi and /var/run/cdi, and of two that describe a device the latter's counts.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../../internal/base/files.ts';
import { parseYaml } from '../../../internal/api/yaml.ts';
import { numbersOf, type DeviceRule, type OciDevice } from './devices.ts';
import type { OciMount } from './mounts.ts';

const DIRECTORIES = ['/etc/cdi', '/var/run/cdi'];

interface CdiFile {
  kind?: string;
  devices?: { name: string; containerEdits?: Edits }[];
  containerEdits?: Edits;
}

interface Edits {
  env?: string[];
  deviceNodes?: { path: string; hostPath?: string; type?: string; major?: number; minor?: number; fileMode?: number; permissions?: string; uid?: number; gid?: number }[];
  mounts?: { hostPath: string; containerPath: string; type?: string; options?: string[] }[];
  hooks?: { hookName: string; path: string; args?: string[]; env?: string[]; timeout?: number }[];
  additionalGids?: number[];
}

/** As much of config.json as is changed. */
export interface EditableSpec {
  process: { user: { uid: number; gid: number; additionalGids: number[] }; env: string[] };
  mounts: OciMount[];
  hooks?: Record<string, object[]>;
  linux: { devices: OciDevice[]; resources: { devices: DeviceRule[] } };
}

/** Changes the spec in place; throws when a device is described nowhere, or twice in one folder. */
export function addCdiDevices(spec: EditableSpec, names: readonly string[], directories: readonly string[] = DIRECTORIES): void {
  const files = directories.map(readFiles);
  const found = names.map((name) => ({ name, at: find(name, files) }));
  const unknown = found.filter(({ at }) => at === undefined).map(({ name }) => name);
  if (unknown.length > 0) throw new Error(`CDI device injection failed: unresolvable CDI devices ${unknown.join(', ')}`);
  const seen = new Set<CdiFile>();
  for (const { at } of found) {
    if (at === undefined) continue;
    if (!seen.has(at.file)) edit(spec, at.file.containerEdits);
    seen.add(at.file);
  }
  for (const { at } of found) edit(spec, at?.device.containerEdits);
}

function find(name: string, files: readonly CdiFile[][]): { file: CdiFile; device: { containerEdits?: Edits } } | undefined {
  for (const folder of files.toReversed()) {
    const found = folder.flatMap((file) => (file.devices ?? []).filter((device) => `${file.kind ?? ''}=${device.name}` === name).map((device) => ({ file, device })));
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  }
  return undefined;
}

/** A file that cannot be read describes nothing. */
function readFiles(directory: string): CdiFile[] {
  return namesIn(directory).filter((name) => /\.(json|ya?ml)$/.test(name)).sort().flatMap((name) => {
    try {
      return [parseYaml(readFileSync(join(directory, name), 'utf8')) as CdiFile];
    } catch {
      return [];
    }
  });
}

function edit(spec: EditableSpec, { env = [], deviceNodes = [], mounts = [], hooks = [], additionalGids = [] }: Edits = {}): void {
  const { process: program, linux } = spec;
  for (const line of env) program.env = [...program.env.filter((other) => other.split('=', 1)[0] !== line.split('=', 1)[0]), line];
  for (const node of deviceNodes) {
    const device = deviceOf(node, program.user);
    linux.devices = [...linux.devices.filter(({ path }) => path !== device.path), device];
    linux.resources.devices.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access: node.permissions ?? 'rwm' });
  }
  for (const { hostPath, containerPath, type = 'bind', options = ['rbind', 'rprivate'] } of mounts) {
    spec.mounts = [...spec.mounts.filter(({ destination }) => destination !== containerPath), { destination: containerPath, type, source: hostPath, options: type === 'bind' && !options.some((option) => option.endsWith('bind')) ? ['rbind', ...options] : options }];
  }
  for (const { hookName, ...hook } of hooks) ((spec.hooks ??= {})[hookName] ??= []).push(hook);
  program.user.additionalGids = [...new Set([...program.user.additionalGids, ...additionalGids.filter((gid) => gid > 0)])];
}

/** What the file leaves open is as the device on the host has it; its owner is the container's user. */
function deviceOf(node: NonNullable<Edits['deviceNodes']>[number], user: { uid: number; gid: number }): OciDevice {
  const host = node.hostPath ?? node.path;
  const status = statSync(host, { throwIfNoEntry: false });
  const isDevice = status?.isCharacterDevice() === true || status?.isBlockDevice() === true;
  if (!isDevice && (node.type === undefined || node.major === undefined)) throw new Error(`CDI device injection failed: ${host} is not a device`);
  const numbers = status === undefined || !isDevice ? { major: 0, minor: 0 } : numbersOf(status.rdev);
  return {
    path: node.path, type: (node.type ?? (status?.isBlockDevice() === true ? 'b' : 'c')) as OciDevice['type'], major: node.major ?? numbers.major, minor: node.minor ?? numbers.minor,
    fileMode: node.fileMode ?? ((status?.mode ?? 0o666) & 0o7777), uid: node.uid ?? user.uid, gid: node.gid ?? user.gid,
  };
}
