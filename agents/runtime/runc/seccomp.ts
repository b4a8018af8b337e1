// The seccomp profile of a container: none, the runtime's default, or a file on the node. The default depends on the capabilities.
import { readFileSync } from 'node:fs';
import { isErrno, messageOf } from '../../../internal/base/errors.ts';
import type { SecurityConfig } from '../runtime.ts';
import { ALLOWED, BY_CAPABILITY, DENIED } from './system-calls.ts';

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

/** linux.seccomp of the OCI runtime spec. */
export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  syscalls?: Rule[];
}

const EPERM = 1;
const ENOSYS = 38;
const AF_VSOCK = 40;
/** personality(2): plain Linux, uname26, 32-bit addresses, both, and the question what it is. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** Of clone(2): mount, cgroup, UTS, IPC, user, PID and network namespaces. */
const NEW_NAMESPACES = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
const ARCHITECTURES: Record<string, string[]> = { x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] };
const OF_ARCHITECTURE: Record<string, string[]> = {
  x64: ['arch_prctl', 'modify_ldt'], arm64: ['arm_fadvise64_64', 'arm_sync_file_range', 'breakpoint', 'cacheflush', 'set_tls', 'sync_file_range2'],
};

/** Undefined: no filter. Throws when the node's file cannot be read or meant. */
export function seccompOf({ privileged, seccomp }: SecurityConfig, capabilities: readonly string[]): Seccomp | undefined {
  if (privileged || seccomp.type === 'Unconfined') return undefined;
  if (seccomp.type === 'Localhost') return readProfile(seccomp.path ?? '');
  return runtimeDefault(capabilities);
}

/** What of a profile's file holds: as with other runtimes, the spec's fields, and others are passed over. */
function readProfile(path: string): Seccomp {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`cannot load seccomp profile ${JSON.stringify(path)}: open ${path}: ${isErrno(error, 'ENOENT') ? 'no such file or directory' : messageOf(error)}`, { cause: error });
  }
  const refuse = (why: string): never => { throw new Error(`decoding seccomp profile failed ${JSON.stringify(path)}: ${why}`); };
  const profile = parse(text, refuse) as Partial<Seccomp> & { listenerPath?: unknown };
  const { defaultAction, defaultErrnoRet, architectures, flags, syscalls, listenerPath } = profile;
  if (typeof defaultAction !== 'string' || !defaultAction.startsWith('SCMP_ACT_')) return refuse(`defaultAction must be an action (SCMP_ACT_…), not ${JSON.stringify(defaultAction)}`);
  for (const [name, list] of Object.entries({ architectures, flags, syscalls })) if (list !== undefined && list !== null && !Array.isArray(list)) return refuse(`${name} must be a list`);
  if (listenerPath !== undefined || [defaultAction, ...(syscalls ?? []).map(({ action }) => action)].includes('SCMP_ACT_NOTIFY')) return refuse('no listener (listenerPath, SCMP_ACT_NOTIFY) is run on this node');
  return { defaultAction, ...(defaultErrnoRet !== undefined && { defaultErrnoRet }), ...(architectures !== undefined && { architectures }), ...(flags !== undefined && { flags }), ...(syscalls !== undefined && { syscalls }) };
}

function parse(text: string, refuse: (why: string) => never): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : refuse('it is no object');
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(error.message);
    throw error;
  }
}

function runtimeDefault(capabilities: readonly string[]): Seccomp {
  const guarded = Object.entries(BY_CAPABILITY).map(([capability, names]) => ({ held: capabilities.includes(capability), names: names.split(' ') }));
  const open = new Set(guarded.filter(({ held }) => held).flatMap(({ names }) => names));
  // Without the capability clone3 is as if the kernel were older: its flags cannot be looked at, clone's can.
  const closed = new Set(guarded.flatMap(({ names }) => names).filter((name) => !open.has(name) && name !== 'clone3'));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: ARCHITECTURES[process.arch] ?? [],
    syscalls: [
      { names: [...ALLOWED.split(' '), ...(OF_ARCHITECTURE[process.arch] ?? []), ...open], action: 'SCMP_ACT_ALLOW' },
      { names: [...DENIED.split(' '), ...closed], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
      ...PERSONALITIES.map((value): Rule => ({ names: ['personality'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })),
      { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
      { names: ['socket'], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_EQ' }] },
      ...cloneRules(capabilities.includes('CAP_SYS_ADMIN')),
    ],
  };
}

/** Threads and processes for all, new namespaces for administrators. */
function cloneRules(admin: boolean): Rule[] {
  if (admin) return [{ names: ['clone'], action: 'SCMP_ACT_ALLOW' }];
  const flags = NEW_NAMESPACES.reduce((sum, flag) => sum + flag, 0);
  return [
    { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: flags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }] },
    ...NEW_NAMESPACES.map((flag): Rule => ({ names: ['clone'], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, args: [{ index: 0, value: flag, valueTwo: flag, op: 'SCMP_CMP_MASKED_EQ' }] })),
  ];
}
