// Pods with users of their own on cgroup v2: they see their own cgroup alone and cannot change it, its limits hold, what runs out of memory is told; what
// this kernel cannot show to other users is told in its words.
import type { Test } from 'tap';
import { cgroupFiles, containerCgroup, podCgroup, sleeper, type Driver, type MachineNode } from '../../support/machine-node.ts';

const LENGTH = 65536;

export async function usersOfPods(t: Test, node: MachineNode, driver: Driver): Promise<void> {
  const own = { hostUsers: false, automountServiceAccountToken: false };
  await node.machine.sh('mkdir -p /var/lib/given && echo given >/var/lib/given/file && chmod 600 /var/lib/given/file');
  await node.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'words' }, data: { file: 'word' } },
    sleeper('mapped', {
      ...own, securityContext: { fsGroup: 2000 }, volumes: [{ name: 'empty', emptyDir: {} }, { name: 'host', hostPath: { path: '/var/lib/given' } }, { name: 'words', configMap: { name: 'words' } }],
      containers: [{ resources: { requests: { cpu: '50m', memory: '24Mi' }, limits: { cpu: '100m', memory: '32Mi' } }, volumeMounts: ['empty', 'host', 'words'].map((name) => ({ name, mountPath: `/${name}` })) }],
    }),
    sleeper('mapped-too', { ...own, shareProcessNamespace: true }),
    sleeper('hungry', { ...own, restartPolicy: 'Never', containers: [{ command: ['sh', '-c', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'], resources: { limits: { memory: '16Mi' } } }] }),
    sleeper('strong', { ...own, containers: [{ securityContext: { privileged: true } }] }),
  );
  const [pod] = await node.running('mapped', 'mapped-too', 'strong');
  const within = async (name: string, line: string): Promise<string> => (await node.tryKubectl('exec', name, '--', 'sh', '-c', line)).trim();
  const maps = await Promise.all(['mapped', 'mapped-too'].map(async (name) => (await within(name, 'cat /proc/self/uid_map')).split(/\s+/).map(Number)));
  for (const [inside, outside = 0, length] of maps) t.same([inside, outside % LENGTH, length, outside > 0], [0, 0, LENGTH, true]);
  t.not(maps[0]?.[1], maps[1]?.[1], 'each its own');
  if (pod !== undefined) {
    const cgroup = containerCgroup(driver, pod, 'c0');
    t.equal(await node.machine.sh(`stat -c %u /proc/$(head -n 1 /sys/fs/cgroup/${cgroup}/cgroup.procs)`), String(maps[0]?.[1]), 'outside it is nobody');
    t.match(await cgroupFiles(node.machine, cgroup, ['memory.max', 'cpu.max']), { 'memory.max': String(32 << 20), 'cpu.max': '10000 100000' });
    t.match(await cgroupFiles(node.machine, podCgroup(driver, pod), ['memory.max', 'cpu.max']), { 'memory.max': String(32 << 20), 'cpu.max': '10000 100000' });
  }
  t.equal(await within('mapped', 'cat /proc/self/cgroup /sys/fs/cgroup/memory.max'), `0::/\n${String(32 << 20)}`, 'its own cgroup is its root');
  t.match(await within('mapped', 'echo max >/sys/fs/cgroup/memory.max'), /Read-only file system/);
  const strong = await within('strong', 'cat /proc/self/cgroup; echo max >/sys/fs/cgroup/memory.max; echo 1 >/proc/sys/vm/overcommit_memory; dmesg >/dev/null');
  for (const words of [/^0::\/$/m, /memory\.max: (Permission denied|Read-only)/, /overcommit_memory: (Permission denied|Read-only)/, /not permitted/]) t.match(strong, words, 'also who is privileged inside changes nothing of the machine');
  t.equal(await within('mapped', 'cat /words/file /host/file; stat -c %u /words/file /host/file /empty / /etc/hosts | sort -u; stat -c %g /empty; echo new >/host/new'), 'wordgiven\n0\n2000');
  t.equal(await node.machine.sh('stat -c %u /var/lib/given/new'), '0', 'on disk it is root\'s');
  const hungry = await node.until('it to end', async () => { const found = await node.pod('hungry'); return found.status?.phase === 'Failed' && found; });
  t.match(hungry.status?.containerStatuses?.[0]?.state, { terminated: { reason: 'OOMKilled', exitCode: 137 } });
  await refused(t, node);
  await node.machine.sh('kill -9 $(systemctl show -p MainPID --value skiff); sleep 2; for i in $(seq 200); do [ "$(systemctl is-active skiff)" = active ] && break; sleep 1; done', 900);
  await node.running('mapped');
  t.same((await node.until('it to answer', async () => (await node.kubectl('exec', 'mapped', '--', 'cat', '/proc/self/uid_map')).trim())).split(/\s+/).map(Number), maps[0], 'the range is kept');
  await node.gone('mapped', 'mapped-too', 'hungry', 'strong', 'token');
  t.equal(await node.machine.sh('ls /var/lib/kubelet/pods/*/userns 2>/dev/null; grep -c -E "/roots/|/mounts/" /proc/self/mountinfo; true'), '0', 'nothing is left');
}

/** Tokens are on a tmpfs, which kernels before 6.3 cannot show to others. */
async function refused(t: Test, node: MachineNode): Promise<void> {
  await node.apply(sleeper('token', { hostUsers: false }));
  const [major = 0, minor = 0] = (await node.machine.sh('uname -r')).split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 3)) return void await node.running('token');
  t.match(await node.until('it to be told', async () => (await node.events('token')).find((event) => event.includes('IDMAP'))), /failed to set MOUNT_ATTR_IDMAP on \S+: invalid argument \(maybe the filesystem used doesn't support idmap mounts on this kernel\?\)/);
}
