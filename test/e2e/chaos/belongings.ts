// What there is on the node of pods and what they are made of, and what of it belongs to none.

/** Runs a script on the host and gives the lines it printed, sorted. */
export type Lines = (script: string) => string[];

export function belongings(lines: Lines): string[] {
  return [
    ...lines('ls /var/lib/skiff/agent/containers /var/lib/skiff/agent/sandboxes /var/lib/kubelet/pods 2>/dev/null'),
    ...lines('for d in pins exits runc sockets roots; do ls -d /run/skiff/*/$d/* 2>/dev/null; done'),
    ...lines('grep -oE "/(run/skiff|var/lib/skiff|var/lib/kubelet)/[^ ]*(pins|roots|containers|pods/)[^ ]*" /proc/self/mountinfo'),
    ...lines('ip -o link | cut -d: -f2 | cut -d@ -f1'),
    ...lines('ls /run/netns /var/run/netns 2>/dev/null'),
    ...lines('find /sys/fs/cgroup -path "*/kubepods/*" -name "pod*" -type d'),
    ...lines('ls -d /var/lib/skiff/agent/images/layers/*.tmp 2>/dev/null'),
    ...lines('pgrep -l conmon; pgrep -lx sleep'),
    ...lines('ls /var/log/pods /var/lib/kubelet/memory 2>/dev/null'),
    ...lines('iptables-save -t nat | grep -E "dport|DNAT" | grep -v KUBERNETES'),
  ];
}

/** What belongs to none of these pods, and what of them is not as it should be; empty when all is well. */
export function strays(lines: Lines, uids: readonly string[]): string[] {
  const containers = recordsIn(lines, 'containers');
  const sandboxes = recordsIn(lines, 'sandboxes');
  const found: string[] = [];
  const stray = (what: string, names: Iterable<string>, mayBe: (name: string) => boolean): void => { for (const name of names) if (!mayBe(name)) found.push(`${what} ${name}`); };
  const known = (name: string): boolean => uids.some((uid) => name.includes(uid));
  stray('folder of a pod', lines('ls /var/lib/kubelet/pods /var/lib/kubelet/memory'), (name) => name === '' || name.endsWith(':') || known(name));
  stray('logs of a pod', lines('ls /var/log/pods'), known);
  stray('cgroup of a pod', lines('find /sys/fs/cgroup -path "*/kubepods/*" -name "pod*" -type d'), known);
  for (const [kind, records] of [['container', containers], ['sandbox', sandboxes]] as const) stray(`record of a ${kind}`, records.keys(), (id) => known(records.get(id) ?? ''));
  if (sandboxes.size !== uids.length) found.push(`${String(sandboxes.size)} sandboxes for ${String(uids.length)} pods`);
  stray('pin', lines('ls /run/skiff/*/pins | grep -v :'), (id) => sandboxes.has(id));
  stray('root', lines('ls /run/skiff/*/roots | grep -v :'), (id) => containers.has(id) || sandboxes.has(id));
  stray('exit', lines('ls /run/skiff/*/exits | grep -v :'), (name) => containers.has(name.split('.')[0] ?? ''));
  stray('state of runc', lines('ls /run/skiff/*/runc | grep -v :'), (id) => containers.has(id));
  const owned = (path: string): boolean => known(path) || [...containers.keys(), ...sandboxes.keys()].some((id) => path.includes(id));
  stray('mount', lines('grep -oE "/(run/skiff|var/lib/skiff|var/lib/kubelet)/[^ ]*(pins|roots|containers|pods)/[^ ]*" /proc/self/mountinfo'), owned);
  stray('conmon of', lines('for p in $(pgrep -x conmon); do tr "\\0" "\\n" < /proc/$p/cmdline 2>/dev/null | grep -xE "[0-9a-f]{32,64}" | head -1; done'), (id) => containers.has(id));
  const links = lines('ip -o link | grep -c " skf"');
  if (Number(links[0] ?? 0) > uids.length) found.push(`${String(links[0])} links for ${String(uids.length)} pods`);
  stray('half-made layer', lines('ls -d /var/lib/skiff/agent/images/layers/*.tmp 2>/dev/null'), () => false);
  stray('partly pulled blob', lines('ls /var/lib/skiff/agent/images/partial'), () => false);
  stray('layer', lines('ls /var/lib/skiff/agent/images/layers'), (name) => lines('cat /var/lib/skiff/agent/images/index.json').join('').includes(name));
  stray('dead process', lines('ps axo stat,ppid,comm | grep "^Z"'), () => false);
  return found;
}

/** Their texts by id. */
function recordsIn(lines: Lines, folder: string): Map<string, string> {
  return new Map(lines(`cd /var/lib/skiff/agent/${folder} && for f in *; do [ -d "$f" ] && echo "$f $(cat $f/record.json 2>/dev/null | tr -d '\\n')"; done`).map((line) => [line.slice(0, line.indexOf(' ')), line]));
}
