// The checks of the baseline level: nothing that is known to lead out of a container (upstream: pod-security-admission/policy, whose words these are).
import type { Lifecycle, LifecycleHandler, Probe, SELinuxOptions } from '../../kinds/generated/api-types.ts';
import { containersOf, hasOwnUsers, named, plural, quoted, setters, sortedSet, type Check, type Finding, type Subject } from './check.ts';

const CAPABILITIES: ReadonlySet<string> = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']);
const SYSCTLS = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start'];
const SYSCTLS_27 = [...SYSCTLS, 'net.ipv4.ip_local_reserved_ports'];
const SYSCTLS_29 = [...SYSCTLS_27, 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'];
const SYSCTLS_32 = [...SYSCTLS_29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';
const SECCOMP_ANNOTATIONS = { pod: 'seccomp.security.alpha.kubernetes.io/pod', container: 'container.seccomp.security.alpha.kubernetes.io/' };
const PROFILES: readonly string[] = ['RuntimeDefault', 'Localhost'];

/** In upstream's order, by id. */
export const BASELINE_CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', since: 0, find: appArmorProfile },
  { id: 'capabilities_baseline', level: 'baseline', since: 0, find: capabilities },
  { id: 'hostNamespaces', level: 'baseline', since: 0, find: hostNamespaces },
  { id: 'hostPathVolumes', level: 'baseline', since: 0, find: hostPathVolumes },
  { id: 'hostPorts', level: 'baseline', since: 0, find: hostPorts },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', since: 34, find: hostProbes },
  { id: 'privileged', level: 'baseline', since: 0, find: privileged },
  { id: 'procMount', level: 'baseline', since: 0, until: 35, find: procMount },
  { id: 'procMount', level: 'baseline', since: 35, find: (subject) => (hasOwnUsers(subject.spec) ? undefined : procMount(subject)) },
  { id: 'seLinuxOptions', level: 'baseline', since: 0, until: 31, find: (subject) => seLinux(subject, SELINUX_TYPES) },
  { id: 'seLinuxOptions', level: 'baseline', since: 31, find: (subject) => seLinux(subject, [...SELINUX_TYPES, 'container_engine_t']) },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 0, until: 19, find: seccompAnnotations },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 19, find: seccompProfile },
  { id: 'sysctls', level: 'baseline', since: 0, until: 27, find: (subject) => sysctls(subject, SYSCTLS) },
  { id: 'sysctls', level: 'baseline', since: 27, until: 29, find: (subject) => sysctls(subject, SYSCTLS_27) },
  { id: 'sysctls', level: 'baseline', since: 29, until: 32, find: (subject) => sysctls(subject, SYSCTLS_29) },
  { id: 'sysctls', level: 'baseline', since: 32, find: (subject) => sysctls(subject, SYSCTLS_32) },
  { id: 'windowsHostProcess', level: 'baseline', since: 0, find: hostProcess },
];

function appArmorProfile({ annotations, spec }: Subject): Finding | undefined {
  const isBad = (type: string | undefined): type is string => type !== undefined && !PROFILES.includes(type);
  const ofPod = spec.securityContext?.appArmorProfile?.type;
  const containers = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.appArmorProfile?.type));
  const values = sortedSet([...(isBad(ofPod) ? [ofPod] : []), ...containers.map(({ securityContext }) => securityContext?.appArmorProfile?.type ?? '')]);
  const isFine = (profile: string): boolean => profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');
  const marked = Object.entries(annotations).filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !isFine(value)).map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort();
  const who = [setters(isBad(ofPod), containers.map(({ name }) => name)), ...(marked.length > 0 ? [plural('annotation', marked.length)] : [])].filter((text) => text !== '').join(' and ');
  const bad = [...values, ...marked];
  return bad.length === 0 ? undefined : { reason: plural('forbidden AppArmor profile', bad.length), detail: `${who} must not set AppArmor profile type to ${quoted(bad)}` };
}

function capabilities({ spec }: Subject): Finding | undefined {
  const added = containersOf(spec).map(({ name, securityContext }) => ({ name, bad: (securityContext?.capabilities?.add ?? []).filter((capability) => !CAPABILITIES.has(capability)) })).filter(({ bad }) => bad.length > 0);
  if (added.length === 0) return undefined;
  return { reason: 'non-default capabilities', detail: `${named(added.map(({ name }) => name))} must not include ${quoted(sortedSet(added.flatMap(({ bad }) => bad)))} in securityContext.capabilities.add` };
}

function hostNamespaces({ spec }: Subject): Finding | undefined {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true).map((field) => `${field}=true`);
  return shared.length === 0 ? undefined : { reason: 'host namespaces', detail: shared.join(', ') };
}

function hostPathVolumes({ spec: { volumes = [] } }: Subject): Finding | undefined {
  const bad = volumes.filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named(bad, 'volume') };
}

function hostPorts({ spec }: Subject): Finding | undefined {
  const using = containersOf(spec).map(({ name, ports = [] }) => ({ name, bad: ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])) })).filter(({ bad }) => bad.length > 0);
  if (using.length === 0) return undefined;
  const ports = sortedSet(using.flatMap(({ bad }) => bad));
  return { reason: 'hostPort', detail: `${named(using.map(({ name }) => name))} ${using.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports.length)} ${ports.join(', ')}` };
}

function hostProbes({ spec }: Subject): Finding | undefined {
  const hostsOf = (asks: Probe | LifecycleHandler | undefined): string[] => [asks?.httpGet?.host, asks?.tcpSocket?.host].flatMap((host) => (host ? [host] : []));
  const using = containersOf(spec).map(({ name, livenessProbe, readinessProbe, startupProbe, lifecycle }) => {
    const { postStart, preStop }: Lifecycle = lifecycle ?? {};
    return { name, hosts: [livenessProbe, readinessProbe, startupProbe, postStart, preStop].flatMap(hostsOf) };
  }).filter(({ hosts }) => hosts.length > 0);
  if (using.length === 0) return undefined;
  const [names, hosts] = [sortedSet(using.map(({ name }) => name)), sortedSet(using.flatMap((each) => each.hosts))];
  return { reason: 'probe or lifecycle host', detail: `${named(names)} ${names.length === 1 ? 'uses' : 'use'} ${named(hosts, 'probe or lifecycle host')}` };
}

function privileged({ spec }: Subject): Finding | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged === true).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` };
}

export function procMount({ spec }: Subject): Finding | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => (securityContext?.procMount ?? 'Default') !== 'Default');
  if (bad.length === 0) return undefined;
  return { reason: 'procMount', detail: `${named(bad.map(({ name }) => name))} must not set securityContext.procMount to ${quoted(sortedSet(bad.map(({ securityContext }) => securityContext?.procMount ?? '')))}` };
}

function seLinux({ spec }: Subject, types: readonly string[]): Finding | undefined {
  const isBad = ({ type = '', user, role }: SELinuxOptions): boolean => !types.includes(type) || !!user || !!role;
  const ofPod = [spec.securityContext?.seLinuxOptions ?? {}].filter(isBad);
  const containers = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions ?? {}));
  const bad = [...ofPod, ...containers.map(({ securityContext }) => securityContext?.seLinuxOptions ?? {})];
  if (bad.length === 0) return undefined;
  const badTypes = sortedSet(bad.map(({ type = '' }) => type).filter((type) => !types.includes(type)));
  const what = [...(badTypes.length > 0 ? [named(badTypes, 'type')] : []), ...(bad.some(({ user }) => user) ? ['user may not be set'] : []), ...(bad.some(({ role }) => role) ? ['role may not be set'] : [])];
  return { reason: 'seLinuxOptions', detail: `${setters(ofPod.length > 0, containers.map(({ name }) => name))} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` };
}

function seccompAnnotations({ annotations, spec }: Subject): Finding | undefined {
  const keys = [SECCOMP_ANNOTATIONS.pod, ...containersOf(spec).map(({ name }) => `${SECCOMP_ANNOTATIONS.container}${name}`)];
  const isFine = (value: string): boolean => value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
  const bad = sortedSet(keys.flatMap((key) => (annotations[key] === undefined || isFine(annotations[key]) ? [] : [`${key}=${JSON.stringify(annotations[key])}`])));
  return bad.length === 0 ? undefined : { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', bad.length)} ${bad.join(', ')}` };
}

export function seccompProfile({ spec }: Subject): Finding | undefined {
  const isBad = (type: string | undefined): type is string => type !== undefined && !PROFILES.includes(type);
  const ofPod = spec.securityContext?.seccompProfile?.type;
  const containers = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seccompProfile?.type));
  const values = sortedSet([...(isBad(ofPod) ? [ofPod] : []), ...containers.map(({ securityContext }) => securityContext?.seccompProfile?.type ?? '')]);
  return values.length === 0 ? undefined : { reason: 'seccompProfile', detail: `${setters(isBad(ofPod), containers.map(({ name }) => name))} must not set securityContext.seccompProfile.type to ${quoted(values)}` };
}

function sysctls({ spec }: Subject, allowed: readonly string[]): Finding | undefined {
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

function hostProcess({ spec }: Subject): Finding | undefined {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true).map(({ name }) => name);
  return ofPod || bad.length > 0 ? { reason: 'hostProcess', detail: `${setters(ofPod, bad)} must not set securityContext.windowsOptions.hostProcess=true` } : undefined;
}
