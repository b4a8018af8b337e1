// Whether this node takes a pod on: what the scheduler should have seen, checked again where it counts, and what only the node can know.
// Reasons and messages as upstream's predicates and admit handlers give them.
import type { Node, Pod } from '../../../internal/kinds/generated/api-types.ts';
import { matchesNode, untolerated } from '../../../internal/kinds/node-selection.ts';
import { checkAppArmor } from './apparmor.ts';
import type { NodeContext } from '../node-context.ts';
import { isCritical, isStatic, isTerminalPhase, qosClassOf } from '../pod-spec.ts';
import { preempt } from './preemption.ts';
import type { Rejection } from './rejection.ts';
import { outOf, shortfallsOf } from './room.ts';

const OS_LABEL = 'kubernetes.io/os';
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
]);

export function admit(pod: Pod, others: readonly Pod[], node: Pick<NodeContext, 'allocatable' | 'pressures' | 'settings'> & Partial<Pick<NodeContext, 'devices' | 'self'>>): Rejection | undefined {
  const active = others.filter(({ status }) => !isTerminalPhase(status?.phase));
  const refused = checkOs(pod) ?? checkPressure(pod, node.pressures()) ?? checkSysctls(pod, node.settings.allowedUnsafeSysctls) ?? checkAppArmor(pod);
  if (refused !== undefined) return refused;
  const shortfalls = shortfallsOf(pod, active, node.allocatable(), node.devices?.held);
  const misplaced = (): Rejection | undefined => checkSelection(pod, node.self?.()) ?? checkPorts(pod, active) ?? checkTaints(pod, node.self?.());
  // For a critical pod there is always room, as far as others may go for it: they do not when something else is wrong with it.
  return isCritical(pod) ? misplaced() ?? preempt(pod, active, shortfalls) : outOf(shortfalls) ?? misplaced();
}

function checkOs({ metadata, spec }: Pod): Rejection | undefined {
  if ((metadata.labels?.[OS_LABEL] ?? 'linux') !== 'linux') return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message: `Failed to admit pod as the \`${OS_LABEL}\` label doesn't match node label` };
  return (spec.os?.name ?? 'linux') === 'linux' ? undefined : { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
}

/** Under pressure only critical pods come in; under memory pressure alone also those that say how much they need, or tolerate it. */
function checkPressure(pod: Pod, pressures: readonly string[]): Rejection | undefined {
  if (pressures.length === 0 || isCritical(pod)) return undefined;
  const tolerated = (pod.spec.tolerations ?? []).some(({ key, operator, effect }) => (effect === undefined || effect === 'NoSchedule') && (key === 'node.kubernetes.io/memory-pressure' || (operator === 'Exists' && (key ?? '') === '')));
  if (pressures.length === 1 && pressures[0] === 'MemoryPressure' && (qosClassOf(pod) !== 'BestEffort' || tolerated)) return undefined;
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(' ')}]. ` };
}

/** What binds a pod to a node past the scheduler may not have looked. */
function checkSelection({ spec }: Pod, self: Node | undefined): Rejection | undefined {
  return self === undefined || matchesNode(spec, self) ? undefined : { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed: node(s) didn\'t match Pod\'s node affinity/selector' };
}

function checkTaints(pod: Pod, self: Node | undefined): Rejection | undefined {
  if (isStatic(pod) || untolerated(pod.spec.tolerations, self?.spec?.taints, ['NoExecute']).length === 0) return undefined;
  return { reason: 'TaintToleration', message: 'Predicate TaintToleration failed: node(s) had untolerated taint(s)' };
}

/** `unsafe`: names, or beginnings that end in `*`, which this node's owner allows beside the safe ones. */
function checkSysctls({ spec }: Pod, unsafe: readonly string[]): Rejection | undefined {
  const forbidden = (name: string, why: string): Rejection => ({ reason: 'SysctlForbidden', message: `forbidden sysctl: ${JSON.stringify(name)} ${why}` });
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const dotted = name.replaceAll('/', '.');
    const allowed = SAFE_SYSCTLS.has(dotted) || unsafe.some((pattern) => (pattern.endsWith('*') ? dotted.startsWith(pattern.slice(0, -1).replaceAll('/', '.')) : dotted === pattern.replaceAll('/', '.')));
    if (!allowed) return forbidden(dotted, 'not allowlisted');
    if (spec.hostNetwork === true && dotted.startsWith('net.')) return forbidden(dotted, 'not allowed with host net enabled');
    if (spec.hostIPC === true && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted)) return forbidden(dotted, 'not allowed with host ipc enabled');
  }
  return undefined;
}

interface HostPort {
  port: number;
  protocol: string;
  ip: string;
}

function hostPortsOf({ spec }: Pod): HostPort[] {
  const containers = [...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...spec.containers];
  return containers.flatMap(({ ports = [] }) => ports).filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostPort = 0, protocol = 'TCP', hostIP = '' }) => ({ port: hostPort, protocol, ip: hostIP === '' ? '0.0.0.0' : hostIP }));
}

function checkPorts(pod: Pod, others: readonly Pod[]): Rejection | undefined {
  const taken = others.flatMap(hostPortsOf);
  const clash = hostPortsOf(pod).some(({ port, protocol, ip }) => taken.some((other) => other.port === port && other.protocol === protocol && (other.ip === ip || other.ip === '0.0.0.0' || ip === '0.0.0.0')));
  return clash ? { reason: 'NodePorts', message: 'Predicate NodePorts failed: node(s) didn\'t have free ports for the requested pod ports' } : undefined;
}
