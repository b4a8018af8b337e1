// A pod's sandbox: namespaces pinned as bind-mounted files, and no process to hold them (measured: half a millisecond, no memory). The hostname and
// the sysctls are set inside; the pod's /dev/shm is mounted beside.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, tryCommand } from '../../../internal/base/command.ts';
import type { IdRange, SandboxConfig } from '../runtime.ts';

const PINS = ['net', 'ipc', 'uts'] as const;
export type Pin = (typeof PINS)[number];
/** The pinned user namespace of a pod that has one. */
export const USERS_PIN = 'user';

/** As container engines have them: all users may ping and bind low ports of the pod's own network. */
const GROUP_MAX = 2147483647;
const NETWORK_SYSCTLS = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': `0 ${String(GROUP_MAX)}` };

/** Namespaces that the sandbox has of its own; the host's otherwise. The host's network comes with the host's name. */
export function ownNamespaces({ hostNetwork, hostIpc }: SandboxConfig): Pin[] {
  return PINS.filter((pin) => (pin === 'ipc' ? !hostIpc : !hostNetwork));
}

// $1 the hostname or empty, then pairs of a sysctl's path and value. Root of a user namespace may only call for a name, not write it.
const SET_UP = `set -e
if [ -z "$1" ]; then :; elif [ -w /proc/sys/kernel/hostname ]; then printf %s "$1" > /proc/sys/kernel/hostname; else hostname "$1"; fi
shift
while [ $# -gt 1 ]; do printf %s "$2" > "/proc/sys/$1"; shift 2; done`;

export async function pinNamespaces(folder: string, config: SandboxConfig): Promise<void> {
  const pins = ownNamespaces(config);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const pin of pins) writeFileSync(join(folder, pin), '');
  if (!config.hostIpc) mkdirSync(join(folder, 'shm'), { recursive: true });
  if (config.userNamespace !== undefined) return pinWithUsers(folder, config, config.userNamespace);
  if (!config.hostIpc) (await import('./kernel-mounts.ts')).mountShm(join(folder, 'shm'));
  const hostname = config.hostNetwork || config.hostname === '' ? [] : [['kernel/hostname', config.hostname] as const];
  (await import('./new-namespaces.ts')).makeNamespaces(pins.map((kind) => ({ kind, pin: join(folder, kind) })), [...hostname, ...settingsOf(config, NETWORK_SYSCTLS)]);
}

/** The set-up is their root's: the kernel lets no other change what a user namespace owns. Only /dev/shm stands in the host's mounts. */
async function pinWithUsers(folder: string, config: SandboxConfig, range: IdRange): Promise<void> {
  const pins = ownNamespaces(config);
  const users = join(folder, USERS_PIN);
  writeFileSync(users, '');
  await (await import('./user-namespace.ts')).pinOwnedNamespaces(folder, pins, range);
  const owner = `uid=${String(range.hostId)},gid=${String(range.hostId)}`;
  await command('mount', ['-t', 'tmpfs', '-o', `nosuid,noexec,nodev,mode=1777,size=64m,${owner}`, 'shm', join(folder, 'shm')]);
  const sysctls = { ...NETWORK_SYSCTLS, 'net.ipv4.ping_group_range': `0 ${String(Math.min(range.length - 1, GROUP_MAX))}` };
  await command('nsenter', [`--user=${users}`, ...pins.map((pin) => `--${pin}=${join(folder, pin)}`), ...setUp(config, sysctls)]);
}

function setUp(config: SandboxConfig, network: Readonly<Record<string, string>>): string[] {
  return ['sh', '-c', SET_UP, 'sh', config.hostNetwork ? '' : config.hostname, ...settingsOf(config, network).flat()];
}

function settingsOf({ hostNetwork, sysctls }: SandboxConfig, network: Readonly<Record<string, string>>): [path: string, value: string][] {
  return Object.entries({ ...(!hostNetwork && network), ...sysctls }).map(([name, value]) => [sysctlPath(name), value]);
}

export async function unpinNamespaces(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  // One that is no mount (any more) is no failure: pinning may have been cut short.
  await tryCommand('umount', ['-q', '-l', ...[...PINS, USERS_PIN, 'shm'].map((pin) => join(folder, pin)).filter((path) => existsSync(path))]);
  rmSync(folder, { recursive: true, force: true });
}

/** The files that containers of the pod get as /etc/hostname and /etc/resolv.conf. */
export function writeSandboxFiles(folder: string, config: SandboxConfig): void {
  const { servers, searches, options } = config.dns;
  const lines = [...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []), ...servers.map((server) => `nameserver ${server}`), ...(options.length > 0 ? [`options ${options.join(' ')}`] : [])];
  writeFileSync(join(folder, 'resolv.conf'), lines.map((line) => `${line}\n`).join(''));
  writeFileSync(join(folder, 'hostname'), `${hostnameOf(config)}\n`);
}

/** `net.ipv4.conf.eth0.forwarding`, or with slashes where a part has dots of its own. */
function sysctlPath(name: string): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  if (path.split('/').includes('..')) throw new Error(`sysctl "${name}" is not a name`);
  return path;
}

export function hostnameOf({ hostNetwork, hostname }: SandboxConfig): string {
  return hostNetwork ? readFileSync('/proc/sys/kernel/hostname', 'utf8').trim() : hostname;
}
