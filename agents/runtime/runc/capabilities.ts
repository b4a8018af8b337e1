// Linux capabilities of a container's process.
import type { SecurityConfig } from '../runtime.ts';

/** In the kernel's order: number = index. */
const ALL = ('CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER ' +
  'SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE').split(' ').map((name) => `CAP_${name}`);

const DEFAULT = new Set('CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'.split(' ').map((name) => `CAP_${name}`));

export interface CapabilitySets {
  bounding: string[];
  effective: string[];
  permitted: string[];
  inheritable: string[];
  ambient: string[];
}

/**
 * `possible`: bits that this process has itself (CapBnd); no others can be given, and asking for them would fail the whole container.
 * A non-root process has none itself, as upstream: nothing is ambient.
 */
export function capabilitiesOf(security: SecurityConfig, uid: number, possible: bigint): CapabilitySets {
  const add = security.addCapabilities.map(fullName);
  const drop = security.dropCapabilities.map(fullName);
  const wanted = (name: string): boolean => {
    if (security.privileged) return true;
    if (drop.includes(name)) return false;
    if (add.includes(name)) return true;
    return !drop.includes('CAP_ALL') && (add.includes('CAP_ALL') || DEFAULT.has(name));
  };
  const bounding = ALL.filter((name, bit) => wanted(name) && (possible >> BigInt(bit)) % 2n === 1n);
  if (uid === 0) return { bounding, effective: bounding, permitted: bounding, inheritable: [], ambient: [] };
  // What is added is in the bounding set: a program with file capabilities can take it, no other process has it.
  return { bounding, effective: [], permitted: [], inheritable: [], ambient: [] };
}

function fullName(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
}
