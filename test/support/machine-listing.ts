// What is on a machine, line by line, to tell whether something was left behind: files, mounts, links, routes, rules, cgroups, units, processes,
// kernel settings. What every machine changes by itself (logs, clocks, caches, the test's own files) is left out.
import type { Machine } from './machine.ts';

const COMMANDS: Readonly<Record<string, string>> = {
  file: String.raw`find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /root -o -path /var/log/journal -o -path /var/lib/systemd -o -path /var/cache -o -path /var/tmp \) -prune -o \! -name '*-' -printf '%y %m %U:%G %p %l\n' | grep -v ' /var/log/\(wtmp\|lastlog\|btmp\)'`,
  run: String.raw`find /run -xdev \( -path /run/machine-id -o -path /run/systemd -o -path /run/udev -o -path /run/log \) -prune -o -printf '%y %p\n'`,
  mount: "awk '{print $5, $9, $10}' /proc/self/mountinfo",
  link: "ip -o link | awk -F': ' '{print $2}'",
  address: "ip -o address | awk '{print $2, $3, $4}'",
  route: 'ip route show table all; ip rule',
  netns: 'ls /run/netns 2>/dev/null; true',
  rule: "for save in iptables-save ip6tables-save; do $save 2>/dev/null | sed 's/\\[[0-9:]*\\]//; /^#/d'; done",
  cgroup: "find /sys/fs/cgroup -type d | grep -v '/user.slice\\|/system.slice/systemd-\\|\\.scope\\|/system.slice/[a-z-]*@\\|modprobe'",
  unit: "systemctl list-unit-files --no-legend --no-pager | awk '{print $1, $2}'",
  process: "ps -eo comm= | grep -v '^kworker\\|^ps$\\|^sh$\\|^awk$\\|^sort$\\|^sed$\\|^(sd-pam)\\|^grep$\\|^bash$\\|^ssh\\|^socat\\|^systemd-timedat\\|^irq/\\|^systemd-fsckd$\\|^jbd2\\|^kdmflush'",
  setting: 'sysctl -a 2>/dev/null | grep "ip_forward\\|\\.forwarding\\|rp_filter\\|bridge-nf\\|^vm.overcommit\\|^kernel.panic\\|inotify.max\\|route_localnet" | grep -v "\\.skiff\\|veth"',
};

export async function listingOf(machine: Machine): Promise<string[]> {
  await machine.sh('ls /proc/sys/fs/binfmt_misc >/dev/null'); // mounted when it is looked at, as by sysctl below
  const lines: string[] = [];
  for (const [what, command] of Object.entries(COMMANDS)) lines.push(...[...new Set((await machine.sh(command)).split('\n'))].filter((line) => line !== '').map((line) => `${what} ${line.trim()}`).sort());
  return lines;
}
