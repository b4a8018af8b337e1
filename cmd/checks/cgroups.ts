// Cgroups: v2, or v1 with the controllers that a node limits pods by. Raspberry Pi OS switches the memory one off unless told otherwise.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failed, joinWords, ok, textOf, type Check, type Finding, type Machine } from './check.ts';

const CONTROLLERS = ['cpu', 'memory', 'pids'];

export const cgroups: Check = {
  name: 'cgroups',
  atStart: true,
  look({ node }, machine) {
    if (!node) return [];
    const isV2 = existsSync(join(machine.root, '/sys/fs/cgroup/cgroup.controllers'));
    const there = isV2 ? textOf(machine, '/sys/fs/cgroup/cgroup.controllers').trim().split(' ') : mountedV1(machine);
    if (there.length === 0) return [failed('no cgroups are mounted', 'with OpenRC: rc-update add cgroups sysinit && rc-service cgroups start; else: mount -t cgroup2 none /sys/fs/cgroup')];
    const missing = CONTROLLERS.filter((controller) => !there.includes(controller));
    if (missing.length > 0) return missing.map((controller) => switchedOff(controller, machine));
    return [ok(`${isV2 ? 'v2' : 'v1'} with ${joinWords(CONTROLLERS)}`)];
  },
};

function mountedV1(machine: Machine): string[] {
  const enabled = textOf(machine, '/proc/cgroups').trim().split('\n').slice(1).map((row) => row.split('\t')).filter(([, , , on]) => on === '1').map(([name = '']) => name);
  return enabled.filter((name) => existsSync(join(machine.root, '/sys/fs/cgroup', name)));
}

function switchedOff(controller: string, machine: Machine): Finding {
  const words = controller === 'memory' ? 'cgroup_enable=memory cgroup_memory=1' : `cgroup_enable=${controller}`;
  return failed(`the ${controller} cgroup is off`, commandLineFix(controller, words, machine));
}

/** The file that holds the kernel's command line: on a Raspberry Pi on its boot partition, which has moved with Debian 12; on others that of GRUB. */
function commandLineFix(controller: string, words: string, machine: Machine): string {
  const file = ['/boot/firmware/cmdline.txt', '/boot/cmdline.txt'].find((path) => existsSync(join(machine.root, path)));
  if (file !== undefined) return `sed -i '1s/$/ ${words}/' ${file} && reboot`;
  const off = `cgroup_disable=${controller}`;
  if (textOf(machine, '/proc/cmdline').split(/\s/).includes(off)) return `take "${off}" off the kernel command line (GRUB: /etc/default/grub, then update-grub) and reboot`;
  return `add "${words}" to the kernel command line (GRUB: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub) and reboot`;
}
