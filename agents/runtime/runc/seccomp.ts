// The seccomp profile of a container: none, the runtime's default, or a file on the node. The default depends on the capabilities.
import { readFileSync } from 'node:fs';
import { messageOf } from '../../../internal/base/errors.ts';
import type { SecurityConfig } from '../runtime.ts';
import { ALLOWED, DENIED } from './system-calls.ts';

interface Rule {
  names: string[];
  action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  errnoRet?: number;
  args?: { index: number; value: number; op: 'SCMP_CMP_EQ' | 'SCMP_CMP_NE' }[];
}

export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  syscalls: Rule[];
}

const EPERM = 1;
const ENOSYS = 38;
/** personality(2): plain Linux, uname26, 32-bit addresses, both, and the question what it is. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];
const ARCHITECTURES: Record<string, string[]> = { x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] };
const OF_ARCHITECTURE: Record<string, string[]> = {
  x64: ['arch_prctl', 'modify_ldt'], arm64: ['arm_fadvise64_64', 'arm_sync_file_range', 'breakpoint', 'cacheflush', 'set_tls', 'sync_file_range2'],
};
/** Allowed to those who have the capability, EPERM for the others. */
const BY_CAPABILITY: Record<string, string[]> = {
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_SYS_ADMIN: ['bpf', 'fanotify_init', 'lookup_dcookie', 'perf_event_open', 'quotactl', 'setdomainname', 'sethostname', 'setns'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'finit_module', 'init_module', 'query_module'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: ['kcmp', 'process_madvise'],
  CAP_SYS_RAWIO: ['ioperm', 'iopl'],
  CAP_SYS_TIME: ['clock_settime', 'clock_settime64', 'settimeofday', 'stime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
};

const ANY_SOCKET: Rule[] = [{ names: ['socket'], action: 'SCMP_ACT_ALLOW' }];
const NO_AUDIT_SOCKET: Rule[] = [
  { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 16, op: 'SCMP_CMP_NE' }] },
  { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 2, value: 9, op: 'SCMP_CMP_NE' }] },
];

/** Undefined: no filter. Throws when the node's file cannot be read. */
export function seccompOf({ privileged, seccomp }: SecurityConfig, capabilities: readonly string[]): Seccomp | undefined {
  if (privileged || seccomp.type === 'Unconfined') return undefined;
  if (seccomp.type === 'Localhost') return readProfile(seccomp.path ?? '');
  return runtimeDefault(capabilities);
}

function readProfile(path: string): Seccomp {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Seccomp;
  } catch (error) {
    throw new Error(`cannot load seccomp profile ${JSON.stringify(path)}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : messageOf(error)}`, { cause: error });
  }
}

function runtimeDefault(capabilities: readonly string[]): Seccomp {
  const guarded = Object.entries(BY_CAPABILITY);
  const open = guarded.filter(([capability]) => capabilities.includes(capability)).flatMap(([, names]) => names);
  const closed = guarded.filter(([capability]) => !capabilities.includes(capability)).flatMap(([, names]) => names);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: ARCHITECTURES[process.arch] ?? [],
    syscalls: [
      { names: [...ALLOWED.split(' '), ...(OF_ARCHITECTURE[process.arch] ?? []), ...open], action: 'SCMP_ACT_ALLOW' },
      { names: [...DENIED.split(' '), ...closed], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
      ...PERSONALITIES.map((value): Rule => ({ names: ['personality'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })),
      // Not the audit netlink (16, 9) for those who may not write audit records.
      ...(capabilities.includes('CAP_AUDIT_WRITE') ? ANY_SOCKET : NO_AUDIT_SOCKET),
    ],
  };
}
