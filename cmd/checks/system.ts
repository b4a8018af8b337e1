// The kernel, what it can do, and what the machine says of itself: memory, clock, name, addresses.
import { join } from 'node:path';
import { carriedNames } from '../programs/carried.ts';
import { GLIBC_MIN } from '../programs/manifest.ts';
import { failed, namesIn, ok, textOf, warning, type Check, type Finding, type Machine } from './check.ts';

/** Node's own floor. */
const KERNEL_MIN = [4, 18] as const;
const MEMORY_WISHED_KIB = 400 * 1024;
/** No machine that runs this was set right before. */
const CLOCK_MIN = Date.UTC(2026, 0, 1);

export const kernel: Check = {
  name: 'kernel',
  look({ node, settings, verb }, machine) {
    const release = textOf(machine, '/proc/sys/kernel/osrelease').trim();
    const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
    if (major < KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor < KERNEL_MIN[1])) return [failed(`Linux ${release} is too old`, `upgrade the system: Skiff needs Linux ${KERNEL_MIN.join('.')} or newer`)];
    const modules = !node ? [] : ['overlay', 'veth', ...(verb === 'server' && settings['network-backend'] === 'vxlan' ? ['vxlan'] : [])];
    const missing = modules.filter((name) => !hasModule(name, release, machine));
    return missing.length === 0 ? [ok(`Linux ${release}`)] : missing.map((name) => moduleMissing(name));
  },
};

/** Loaded, built in, or there to be loaded. A kernel that does not tell is taken to have it. */
function hasModule(name: string, release: string, machine: Machine): boolean {
  const known = textOf(machine, `/lib/modules/${release}/modules.builtin`) + textOf(machine, `/lib/modules/${release}/modules.dep`);
  return known === '' || namesIn(machine, '/sys/module').includes(name) || new RegExp(`/${name}\\.ko`).test(known) || textOf(machine, '/proc/filesystems').split(/\s/).includes(name);
}

function moduleMissing(name: string): Finding {
  const fix = 'install the rest of the kernel’s modules (Ubuntu on a Raspberry Pi: apt-get install linux-modules-extra-raspi) and reboot';
  return failed(`the kernel has no ${name}`, name === 'vxlan' ? `${fix}; or --network-backend host-gw where all nodes are in one network` : fix);
}

/** Of what the executable carries; itself it has started. */
export const libraries: Check = {
  name: 'libraries',
  look({ node }, { glibc }) {
    if (!node || carriedNames().size === 0) return [];
    const version = glibc();
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [needed = 0, neededMinor = 0] = GLIBC_MIN.split('.').map(Number);
    return [major > needed || (major === needed && minor >= neededMinor) ? ok(`glibc ${version}`) : failed(`glibc ${version} is too old`, `upgrade the system: glibc ${GLIBC_MIN} or newer is needed (Debian 12, Ubuntu 22.04, RHEL 9)`)];
  },
};

export const memory: Check = {
  name: 'memory',
  look(_wanted, machine) {
    const kib = Number(/^MemTotal:\s+(\d+)/m.exec(textOf(machine, '/proc/meminfo'))?.[1] ?? 0);
    const text = `${String(Math.floor(kib / 1024))} MiB`;
    return [kib >= MEMORY_WISHED_KIB ? ok(text) : warning(`${text} is little`, 'Skiff is made for 512 MB and more')];
  },
};

export const time: Check = {
  name: 'clock',
  look: (_wanted, { now }) => [now >= CLOCK_MIN ? ok(new Date(now).toISOString()) : warning(`the clock says ${new Date(now).toISOString()}: certificates made now end too soon`, 'timedatectl set-ntp true, and wait until "timedatectl" says that the clock is synchronized')],
};

export const name: Check = {
  name: 'node name',
  look({ settings, node }, machine) {
    if (!node) return [];
    const kept = textOf(machine, join(settings['data-dir'], 'agent/node-name')).trim();
    const wanted = settings['node-name'] ?? (kept || textOf(machine, '/proc/sys/kernel/hostname').trim().toLowerCase());
    const fix = 'hostnamectl set-hostname NAME, or give --node-name';
    if (/^localhost(\.|$)/.test(wanted)) return [failed(`this machine is called ${wanted}, as every machine is`, fix)];
    return [/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(wanted) ? ok(wanted) : failed(`the host name ${JSON.stringify(wanted)} cannot be a node's: lower case letters, digits, "-" and "." only`, fix)];
  },
};

export const address: Check = {
  name: 'address',
  look({ settings }, { addresses }) {
    const wanted = settings['node-ip'].length > 0 ? settings['node-ip'] : addresses;
    return [wanted.length > 0 ? ok(wanted[0] ?? '') : failed('this machine has no network address', 'connect it to a network, or give --node-ip')];
  },
};
