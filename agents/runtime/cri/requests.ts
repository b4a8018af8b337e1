// What the ports say, as CRI messages. The whole configuration also goes along as an annotation: what a restarted Skiff finds again is what the
// runtime lists, and nothing is kept beside it. Environments are left out of that: their secrets are the runtime's alone.
import { cgroupRoot } from '../../cgroup-root.ts';
import type { ContainerConfig, IdRange, Mount, Resources, SandboxConfig, SecurityConfig } from '../runtime.ts';
import { maskedPaths, READ_ONLY_PATHS } from '../masked-paths.ts';
import { lowestOomScore } from '../runc/oom-score.ts';
import type { Outgoing } from './messages.ts';

/** JSON of the configuration, on sandboxes and containers that are Skiff's. */
export const CONFIG_ANNOTATION = 'io.skiff.config';

const NAMESPACE = { pod: 0, container: 1, node: 2, target: 3 } as const;
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const PROPAGATIONS = ['None', 'HostToContainer', 'Bidirectional'];
const PROFILES = ['RuntimeDefault', 'Unconfined', 'Localhost'];
/** In the order of CRI's enum, whose zero is the image's own. */
const SIGNALS = ['', ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN'.split(' ').map((name) => `SIG${name}`), ...Array.from({ length: 15 }, (_, at) => `SIGRTMIN+${String(at + 1)}`), ...Array.from({ length: 14 }, (_, at) => `SIGRTMAX-${String(14 - at)}`), 'SIGRTMAX'];

export function sandboxMessage(config: SandboxConfig, privileged = config.privileged === true): Outgoing<'SandboxConfig'> {
  const { labels, annotations, ...kept } = config;
  return {
    metadata: { name: config.name, namespace: config.namespace, uid: config.uid, attempt: config.attempt },
    hostname: config.hostNetwork ? '' : config.hostname, logDirectory: config.logDirectory, dnsConfig: config.dns, labels,
    annotations: { ...annotations, [CONFIG_ANNOTATION]: JSON.stringify(kept) },
    portMappings: config.portMappings.map(({ protocol, ...ports }) => ({ protocol: PROTOCOLS.indexOf(protocol), ...ports })),
    linux: {
      cgroupParent: cgroupRoot().pathForRunc(config.cgroupParent), sysctls: config.sysctls,
      security: { namespaces: sandboxNamespaces(config), privileged, seccomp: { type: PROFILES.indexOf('RuntimeDefault') } },
    },
  };
}

function sandboxNamespaces({ hostNetwork, hostPid, hostIpc, shareProcessNamespace, userNamespace }: SandboxConfig): Outgoing<'Namespaces'> {
  const mappings = mappingsOf(userNamespace);
  return {
    users: userNamespace === undefined ? { mode: NAMESPACE.node } : { mode: NAMESPACE.pod, uids: mappings, gids: mappings },
    network: hostNetwork ? NAMESPACE.node : NAMESPACE.pod, ipc: hostIpc ? NAMESPACE.node : NAMESPACE.pod,
    pid: hostPid ? NAMESPACE.node : shareProcessNamespace ? NAMESPACE.pod : NAMESPACE.container,
  };
}

function mappingsOf(range: IdRange | undefined): Outgoing<'IdMapping'>[] {
  return range === undefined ? [] : [{ containerId: 0, ...range }];
}

export function containerMessage(config: ContainerConfig, sandbox: SandboxConfig): Outgoing<'ContainerConfig'> {
  const { labels, annotations, env, ...kept } = config;
  return {
    metadata: { name: config.name, attempt: config.attempt }, image: { image: config.imageId, userSpecifiedImage: config.imageName },
    command: config.command, args: config.args, workingDir: config.workingDir, envs: env.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })),
    mounts: config.mounts.map((mount) => mountMessage(mount, sandbox)), devices: config.devices, cdiDevices: (config.cdiDevices ?? []).map((name) => ({ name })), labels, annotations: { ...annotations, [CONFIG_ANNOTATION]: JSON.stringify({ ...kept, env: [] }) },
    logPath: config.logPath, stdin: config.stdin, stdinOnce: config.stdinOnce, tty: config.tty,
    linux: { resources: resourcesMessage(config.resources), security: securityMessage(config, sandbox) },
    ...(config.stopSignal !== undefined && { stopSignal: Math.max(0, SIGNALS.indexOf(config.stopSignal)) }),
  };
}

function mountMessage({ containerPath, hostPath, readOnly, recursiveReadOnly = false, propagation, image, imageSubPath }: Mount, { userNamespace }: SandboxConfig): Outgoing<'Mount'> {
  const mappings = mappingsOf(userNamespace);
  return {
    containerPath, hostPath, readOnly, recursiveReadOnly, propagation: PROPAGATIONS.indexOf(propagation),
    uidMappings: mappings, gidMappings: mappings, ...(image !== undefined && { image: { image } }), ...(imageSubPath !== undefined && { imageSubPath }),
  };
}

export function resourcesMessage(resources: Resources): Outgoing<'Resources'> {
  const { cpuPeriod, cpuQuota, cpuShares, memoryLimitBytes, oomScoreAdj, hugepageLimits = {}, unified = {} } = resources;
  return {
    ...(cpuPeriod !== undefined && { cpuPeriod }), ...(cpuQuota !== undefined && { cpuQuota }), ...(cpuShares !== undefined && { cpuShares }),
    ...(memoryLimitBytes !== undefined && { memoryLimit: memoryLimitBytes }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj: Math.max(oomScoreAdj, lowestOomScore() ?? oomScoreAdj) }),
    hugepageLimits: Object.entries(hugepageLimits).map(([pageSize, limit]) => ({ pageSize, limit })), unified,
  };
}

function securityMessage({ security, targetPidContainerId }: ContainerConfig, sandbox: SandboxConfig): Outgoing<'ContainerSecurity'> {
  const { runAsUser, runAsGroup, runAsUserName, apparmor, seccomp } = security;
  const target = targetPidContainerId === undefined ? {} : { pid: NAMESPACE.target, targetId: targetPidContainerId };
  return {
    capabilities: capabilities(security), privileged: security.privileged, namespaces: { ...sandboxNamespaces(sandbox), ...target },
    ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }), ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }), ...(runAsUserName !== undefined && { runAsUserName }),
    readOnlyRootfs: security.readOnlyRootfs, supplementalGroups: security.supplementalGroups, supplementalGroupsPolicy: security.supplementalGroupsPolicy === 'Strict' ? 1 : 0,
    noNewPrivileges: security.noNewPrivileges,
    ...(security.maskedPaths && { maskedPaths: maskedPaths(), readonlyPaths: READ_ONLY_PATHS }),
    seccomp: { type: PROFILES.indexOf(seccomp.type), ...(seccomp.path !== undefined && { localhostRef: seccomp.path }) },
    ...(apparmor !== undefined && { apparmor: { type: PROFILES.indexOf(apparmor.type), ...(apparmor.profile !== undefined && { localhostRef: apparmor.profile }) } }),
  };
}

/** Ambient too: a user other than root has them in no other way, and the built-in runtime does the same. */
function capabilities({ addCapabilities: add, dropCapabilities: drop, privileged }: SecurityConfig): Outgoing<'Capability'> {
  return { add, drop, ...(!privileged && !add.includes('ALL') && { addAmbient: add }) };
}
