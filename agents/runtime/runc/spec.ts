// A container's config.json, from what the pod and its image say (OCI runtime spec 1.0.2).
import { readFileSync } from 'node:fs';
import type { ImageConfig } from '../../images/image-store.ts';
import type { ContainerConfig, IdRange, Resources, SandboxConfig } from '../runtime.ts';
import { maskedPaths, READ_ONLY_PATHS } from '../masked-paths.ts';
import { capabilitiesOf, type CapabilitySets } from './capabilities.ts';
import { devicesOf } from './devices.ts';
import { mountsOf, type OciMount } from './mounts.ts';
import { hostnameOf } from './sandbox.ts';
import { seccompOf } from './seccomp.ts';
import { userOf, type ProcessUser } from './users.ts';

export interface SpecInput {
  id: string;
  config: ContainerConfig;
  sandbox: SandboxConfig;
  image: ImageConfig;
  /** The mounted root on the host. */
  rootfs: string;
  files: string;
  shm: string | undefined;
  cgroupsPath: string;
  /** For the runtime. */
  annotations: Record<string, string>;
  cgroupVersion: 1 | 2;
  imageRoots: ReadonlyMap<number, string>;
  namespaces: { type: string; path?: string }[];
  apparmorProfile?: string | undefined;
  /** Lowest oom_score_adj that may be set; undefined: there is none. */
  oomScoreFloor?: number;
  /** The resources as the cgroups of this machine take them. */
  hasHugepages(size: string): boolean;
}

export interface OciProcess {
  terminal: boolean;
  user: { uid: number; gid: number; additionalGids: number[] };
  args: string[];
  env: string[];
  cwd: string;
  capabilities: CapabilitySets;
  noNewPrivileges: boolean;
  oomScoreAdj?: number;
  apparmorProfile?: string;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function specOf(input: SpecInput): { process: OciProcess; mounts: OciMount[] } & Record<string, unknown> {
  const { config } = input;
  const { security } = config;
  const process = processOf(input, userOf(input.rootfs, input.image.user, security));
  const seccomp = seccompOf(security, process.capabilities.bounding);
  const range = input.sandbox.userNamespace;
  const devices = devicesOf(config, range !== undefined);
  const masks = !security.privileged && security.maskedPaths;
  return {
    ociVersion: '1.0.2',
    process,
    root: { path: input.rootfs, readonly: security.readOnlyRootfs },
    mounts: [...mountsOf(input), ...devices.binds],
    annotations: { ...config.annotations, ...input.annotations },
    linux: {
      cgroupsPath: input.cgroupsPath,
      namespaces: input.namespaces,
      ...(range !== undefined && mappingsOf(range)),
      devices: devices.nodes,
      resources: { devices: devices.rules, ...resourcesOf(config.resources, input.hasHugepages) },
      rootfsPropagation: propagationOf(config),
      ...(masks && { maskedPaths: maskedPaths(), readonlyPaths: READ_ONLY_PATHS }),
      ...(seccomp !== undefined && { seccomp }),
    },
  };
}

export function mappingsOf({ hostId, length }: IdRange): { uidMappings: object[]; gidMappings: object[] } {
  const mappings = [{ containerID: 0, hostID: hostId, size: length }];
  return { uidMappings: mappings, gidMappings: mappings };
}

function processOf({ config, image, sandbox, oomScoreFloor, apparmorProfile }: SpecInput, user: ProcessUser): OciProcess {
  const { security, resources } = config;
  const args = commandOf(config, image);
  if (args.length === 0) throw new Error('no command specified');
  const score = resources.oomScoreAdj;
  return {
    terminal: config.tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args,
    env: environmentOf({ config, image, hostname: hostnameOf(sandbox) }, user),
    cwd: config.workingDir !== '' ? config.workingDir : image.workingDir !== '' ? image.workingDir : '/',
    capabilities: capabilitiesOf(security, user.uid, possibleCapabilities()),
    noNewPrivileges: security.noNewPrivileges,
    ...(score !== undefined && { oomScoreAdj: Math.max(score, oomScoreFloor ?? score) }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
  };
}

/** A command of the pod's own drops the image's arguments too. */
function commandOf({ command, args }: ContainerConfig, image: ImageConfig): string[] {
  if (command.length > 0) return [...command, ...args];
  return [...image.entrypoint, ...(args.length > 0 ? args : image.cmd)];
}

function environmentOf({ config, image, hostname }: { config: ContainerConfig; image: ImageConfig; hostname: string }, { home }: ProcessUser): string[] {
  const variables = new Map<string, string>();
  const add = (line: string): void => void variables.set(line.split('=', 1)[0] ?? '', line);
  add(DEFAULT_PATH);
  add(`HOSTNAME=${hostname}`);
  if (config.tty) add('TERM=xterm');
  for (const line of image.env) add(line);
  for (const { name, value } of config.env) add(`${name}=${value}`);
  if (!variables.has('HOME')) add(`HOME=${home}`);
  return [...variables.values()];
}

export function resourcesOf(resources: Resources, hasHugepages: (size: string) => boolean): Record<string, unknown> {
  const { cpuShares, cpuQuota, cpuPeriod, memoryLimitBytes, pidsLimit, hugepageLimits = {}, unified = {} } = resources;
  const cpu = { ...(cpuShares !== undefined && { shares: cpuShares }), ...(cpuQuota !== undefined && { quota: cpuQuota }), ...(cpuPeriod !== undefined && { period: cpuPeriod }) };
  const hugepages = Object.entries(hugepageLimits).map(([pageSize, limit]) => ({ pageSize, limit })).filter(({ pageSize }) => hasHugepages(pageSize));
  return {
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(memoryLimitBytes !== undefined && { memory: { limit: memoryLimitBytes } }),
    ...(pidsLimit !== undefined && { pids: { limit: pidsLimit } }),
    ...(hugepages.length > 0 && { hugepageLimits: hugepages }), ...(Object.keys(unified).length > 0 && { unified }),
  };
}

function propagationOf({ mounts }: ContainerConfig): string {
  if (mounts.some(({ propagation }) => propagation === 'Bidirectional')) return 'rshared';
  return mounts.some(({ propagation }) => propagation === 'HostToContainer') ? 'rslave' : 'rprivate';
}

let possible: bigint | undefined;

/** The bounding set of this process: runc, its child, cannot give more. */
function possibleCapabilities(): bigint {
  return (possible ??= BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`));
}
