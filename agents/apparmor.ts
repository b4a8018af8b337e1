// AppArmor on this machine: whether the kernel enforces it, which profiles it has, and ours, which is `RuntimeDefault`. Policies are
// compiled by the host's apparmor_parser: without it nothing can be loaded, though what the host has loaded can be used.
import { existsSync } from 'node:fs';
import { findProgram, tryCommand } from '../internal/base/command.ts';
import { readFileIfThere } from '../internal/base/files.ts';

const DIRECTORY = '/sys/kernel/security/apparmor';
const PARAMETER = '/sys/module/apparmor/parameters/enabled';
const PROFILES_FILE = `${DIRECTORY}/profiles`;
/** What removes a profile by its name. */
export const REMOVE_FILE = `${DIRECTORY}/.remove`;
export const DEFAULT_PROFILE = 'skiff-default';

export function isAppArmorEnabled(): boolean {
  return existsSync(DIRECTORY) && (readFileIfThere(PARAMETER) ?? '').startsWith('Y');
}

/** `name (mode)` a line; names may have spaces. */
export function isLoaded(name: string, profiles = readFileIfThere(PROFILES_FILE) ?? ''): boolean {
  return profiles.split('\n').some((line) => line.replace(/ \([a-z]+\)$/, '') === name);
}

export function findParser(): string | undefined {
  return findProgram('apparmor_parser');
}

/** Compiles and loads our profile, in the place of one of the same name. */
export async function loadDefaultProfile(parser: string): Promise<void> {
  const { code, stdout, stderr } = await tryCommand(parser, ['--replace', '--skip-cache'], { input: defaultProfile() });
  if (code !== 0) throw new Error(`apparmor_parser: ${(stderr.trim() || stdout.trim() || `exit ${String(code)}`).split('\n').at(-1) ?? ''}`);
}

/**
 * A container may use its files, network and capabilities as the rest of its configuration lets it. It may not mount, write what /proc and /sys show
 * of the machine, or look at processes beside it. Signals come from the node, whose programs are unconfined, and from containers of the same profile.
 */
export function defaultProfile(name = DEFAULT_PROFILE): string {
  return `profile ${name} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  umount,
  deny mount,

  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send, receive) peer=${name},
  ptrace (trace, tracedby, read, readby) peer=${name},

  # The machine as /proc shows it. Processes have their own folders there, and the pod's network and IPC settings are its own.
  deny /proc/* w,
  deny /proc/{acpi,asound,bus,driver,dynamic_debug,fs,irq,mpt,scsi,sysvipc,tty}/** w,
  deny /proc/sys/{abi,crypto,debug,dev,fs,sunrpc,user,vm}/** w,
  deny /proc/sys/kernel/{[^dhms],d[^o],do[^m],h[^o],ho[^s],m[^s],ms[^g],s[^eh],se[^m],sh[^m]}** w,
  deny /proc/{sysrq-trigger,mem,kmem,kcore} rwklx,

  # The same of /sys; cgroups are bounded by their own mounts.
  deny /sys/{block,bus,class,dev,devices,hypervisor,module,power}/** wklx,
  deny /sys/fs/[^c]** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/** wklx,
  deny /sys/kernel/{debug,security,tracing}/** rwklx,
}
`;
}
