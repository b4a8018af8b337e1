// What of /proc and /sys containers do not see, or not write: as upstream's kubelet has it. None of it holds for `procMount: Unmasked`.
import { existsSync } from 'node:fs';
import { namesIn } from '../../internal/base/files.ts';

const CPUS = '/sys/devices/system/cpu';
const MASKED = ['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap'];
export const READ_ONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

let masked: readonly string[] | undefined;

export function maskedPaths(): readonly string[] {
  return (masked ??= [...MASKED, ...thermalThrottles()]);
}

/** Counts of each processor's that tell what others do. */
function thermalThrottles(): string[] {
  const names = namesIn(CPUS).filter((name) => /^cpu\d+$/.test(name));
  return names.map((name) => `${CPUS}/${name}/thermal_throttle`).filter((path) => existsSync(path));
}
