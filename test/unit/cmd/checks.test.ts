// Checks on machines that are folders: /proc, /sys, /etc and /boot as each machine would show them.
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { look, thisMachine } from '../../../cmd/check.ts';
import type { Check, Machine, Wanted } from '../../../cmd/checks/check.ts';
import { cgroups } from '../../../cmd/checks/cgroups.ts';
import { networks, otherKubernetes } from '../../../cmd/checks/clashes.ts';
import { CHECKS } from '../../../cmd/checks/list.ts';
import { ports } from '../../../cmd/checks/ports.ts';
import { programs, rights } from '../../../cmd/checks/programs.ts';
import { disk, storage } from '../../../cmd/checks/storage.ts';
import { address, kernel, memory, name, time } from '../../../cmd/checks/system.ts';
import { readSettings } from '../../../cmd/settings.ts';

const server = (...flags: string[]): Wanted => ({ verb: 'server', settings: readSettings('server', flags, {}), node: true });

function machine(t: Test, files: Record<string, string>, more: Partial<Machine> = {}): Machine {
  const root = mkdtempSync(join(tmpdir(), 'machine-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return { root, uid: 0, path: '/usr/bin', now: Date.UTC(2026, 10, 1), addresses: ['10.0.0.7'], glibc: () => '2.36', ...more };
}

async function said(check: Check, wanted: Wanted, on: Machine): Promise<string[]> {
  return (await look(wanted, on, [check])).map(({ status, message, fix }) => `${status}: ${message}${fix === undefined ? '' : ` | ${fix}`}`);
}

t.test('the memory cgroup of a Raspberry Pi is switched on in the file that its edition reads', async (t) => {
  const v2 = { '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n', '/proc/cmdline': 'console=tty1 cgroup_disable=memory root=/dev/mmcblk0p2\n' };
  const words = 'cgroup_enable=memory cgroup_memory=1';
  t.strictSame(await said(cgroups, server(), machine(t, { ...v2, '/boot/firmware/cmdline.txt': 'x', '/boot/cmdline.txt': 'moved' })), [`failed: the memory cgroup is off | sed -i '1s/$/ ${words}/' /boot/firmware/cmdline.txt && reboot`]);
  t.strictSame(await said(cgroups, server(), machine(t, { ...v2, '/boot/cmdline.txt': 'x' })), [`failed: the memory cgroup is off | sed -i '1s/$/ ${words}/' /boot/cmdline.txt && reboot`]);
  t.match((await said(cgroups, server(), machine(t, v2)))[0], /take "cgroup_disable=memory" off the kernel command line \(GRUB/);
  t.match((await said(cgroups, server(), machine(t, { ...v2, '/proc/cmdline': 'quiet' })))[0], /add "cgroup_enable=memory cgroup_memory=1" to the kernel command line/);
});

t.test('cgroups of both versions are recognized, and none at all', async (t) => {
  t.strictSame(await said(cgroups, server(), machine(t, { '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids' })), ['ok: v2 with cpu, memory and pids']);
  const v1 = '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t2\t1\t0\npids\t3\t1\t1\n';
  t.match(await said(cgroups, server(), machine(t, { '/proc/cgroups': v1, '/sys/fs/cgroup/cpu/x': '', '/sys/fs/cgroup/pids/x': '' })), [/^failed: the memory cgroup is off/]);
  t.match(await said(cgroups, server(), machine(t, { '/proc/cgroups': v1 })), [/^failed: no cgroups are mounted \| with OpenRC: rc-update add cgroups sysinit/]);
  t.strictSame(await said(cgroups, { ...server('--disable-agent'), node: false }, machine(t, {})), [], 'a control plane needs none');
});

t.test('ports: who holds one is named, and a Skiff that runs is no clash', async (t) => {
  const held = (exe: string): Record<string, string> => ({
    '/proc/self/net/tcp': '  sl  local_address rem_address   st\n   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n   1: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1\n',
    '/proc/77/comm': 'nginx\n', '/proc/77/fd/5': '-> socket:[4711]', '/proc/77/exe': `-> ${exe}`, '/proc/77/cmdline': `${exe}\0`,
  });
  t.strictSame(await said(ports, server(), machine(t, held('/usr/sbin/nginx'))), ['failed: port 6443/tcp is in use by nginx (pid 77) | stop it, or choose another port with --https-listen-port']);
  t.strictSame(await said(ports, server('--https-listen-port', '7443'), machine(t, held('/usr/sbin/nginx'))), ['ok: 7443/tcp, 10250/tcp, 53/tcp, 53/udp'], 'a resolver on its own address is no clash');
  t.match(await said(ports, server(), machine(t, held('/usr/local/bin/skiff (deleted)'))), [/^ok/], 'also one whose file was replaced');
  const any = '  sl\n   0: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4713 1\n';
  t.match(await said(ports, server(), machine(t, { '/proc/self/net/udp': any })), [/^failed: port 53\/udp is in use \| let it listen on its own address only/]);
  t.match(await said(ports, server('--disable', 'dns'), machine(t, { '/proc/self/net/udp': any })), [/^ok/]);
});

t.test('a port of this very machine that is taken is found', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => listener.close());
  const { port } = listener.address() as { port: number };
  const found = await said(ports, server('--https-listen-port', String(port), '--bind-address', '127.0.0.1', '--disable', 'dns'), thisMachine());
  t.match(found.find((line) => line.includes(String(port))), new RegExp(`^failed: port ${String(port)}/tcp is in use by .* \\(pid ${String(process.pid)}\\)`));
});

t.test('another Kubernetes and networks that overlap are clashes', async (t) => {
  t.strictSame(await said(otherKubernetes, server(), machine(t, { '/proc/5/comm': 'containerd\n' })), ['ok: none runs']);
  t.match(await said(otherKubernetes, server(), machine(t, { '/proc/5/comm': 'k3s-server\n', '/proc/6/comm': 'kubelet\n' })), [/^failed: K3s runs here.*k3s-killall/, /^failed: a kubelet runs here/]);
  const routes = (...rows: string[]): Record<string, string> => ({ '/proc/self/net/route': ['Iface\tDestination', ...rows].join('\n') });
  const row = (device: string, destination: string, mask: string, flags = '0001'): string => [device, destination, '00000000', flags, '0', '0', '0', mask, '0', '0', '0'].join('\t');
  t.match(await said(networks, server(), machine(t, routes(row('eth0', '00000000', '00000000', '0003'), row('eth0', '0000000A', '00FFFFFF', '0001')))), [/^ok/]);
  t.strictSame(await said(networks, server(), machine(t, routes(row('eth0', '00052A0A', '00FFFFFF')))), ['failed: the network 10.42.5.0/24 of eth0 has the addresses of --cluster-cidr 10.42.0.0/16 | choose others with --cluster-cidr']);
  t.match(await said(networks, server(), machine(t, routes(row('cni0', '00002A0A', '00FFFFFF')))), [/ip link delete cni0 \(left over/]);
  t.match(await said(networks, server(), machine(t, routes(row('tun0', '0000000A', '000000FF', '0003')))), [/^warning: the network 10.0.0.0\/8 of tun0/, /^warning/]);
  t.match(await said(networks, server(), machine(t, routes(row('skf0123456789a', '02002A0A', 'FFFFFFFF'), row('skiff.vxlan', '00012A0A', '00FFFFFF', '0003'), row('eth0', '00012A0A', '00FFFFFF', '0003')))), [/^ok/], 'our own links and routes');
});

t.test('kernel, memory, clock, names, addresses', async (t) => {
  const of = (release: string, more: Record<string, string> = {}): Record<string, string> => ({ '/proc/sys/kernel/osrelease': `${release}\n`, ...more });
  t.strictSame(await said(kernel, server(), machine(t, of('6.1.0-rpi7'))), ['ok: Linux 6.1.0-rpi7']);
  t.match(await said(kernel, server(), machine(t, of('4.9.0'))), [/^failed: Linux 4.9.0 is too old/]);
  const modules = { '/lib/modules/6.8.0-raspi/modules.builtin': 'kernel/drivers/net/veth.ko\n', '/lib/modules/6.8.0-raspi/modules.dep': 'kernel/fs/overlayfs/overlay.ko.zst:\n' };
  t.match(await said(kernel, server(), machine(t, of('6.8.0-raspi', modules))), [/^failed: the kernel has no vxlan .*linux-modules-extra-raspi.*--network-backend host-gw/]);
  t.match(await said(kernel, server('--network-backend', 'host-gw'), machine(t, of('6.8.0-raspi', modules))), [/^ok/]);
  t.match(await said(memory, server(), machine(t, { '/proc/meminfo': 'MemTotal:         240000 kB\n' })), [/^warning: 234 MiB is little/]);
  t.match(await said(time, server(), machine(t, {}, { now: 0 })), [/^warning: the clock says 1970-01-01/]);
  t.match(await said(name, server(), machine(t, { '/proc/sys/kernel/hostname': 'localhost\n' })), [/^failed: this machine is called localhost/]);
  t.match(await said(name, server(), machine(t, { '/proc/sys/kernel/hostname': 'my_pi\n' })), [/^failed: the host name "my_pi" cannot be a node's/]);
  t.strictSame(await said(name, server('--node-name', 'pi'), machine(t, { '/proc/sys/kernel/hostname': 'my_pi\n' })), ['ok: pi']);
  t.match(await said(address, server(), machine(t, {}, { addresses: [] })), [/^failed: this machine has no network address/]);
});

t.test('disks that cannot hold containers are told, and how much room there is', async (t) => {
  const on = (mount: string): Machine => machine(t, { '/proc/self/mounts': `/dev/root / ext4 rw 0 0\n${mount}\n`, '/data/x': '' });
  t.match(await said(disk, server('--data-dir', '/data/skiff'), on('srv:/x /data nfs4 rw 0 0')), [/^failed: \/data\/skiff is on nfs4, which cannot hold containers/]);
  t.match(await said(disk, server('--data-dir', '/data/skiff'), on('/dev/sda1 /data ext4 rw,noexec 0 0')), [/^failed: .*forbids executing \(noexec\) \| mount -o remount,exec \/data/]);
  t.match(await said(disk, server('--data-dir', '/data/skiff'), on('/dev/sda1 /data ext4 rw 0 0')), [/^(ok: ext4, \d+ MiB free|warning)/]);
  t.strictSame(await said(storage, server('--data-dir', '/data/skiff'), on('')), ['ok: /data/skiff']);
});

t.test('missing programs are told with the command of the machine’s package manager', async (t) => {
  const debian = machine(t, { '/usr/bin/apt-get': '', '/usr/bin/runc': '' });
  t.ok((await said(programs, server(), debian)).includes('failed: ip is missing | apt-get install iproute2'));
  const fedora = machine(t, { '/usr/bin/dnf': '' });
  t.ok((await said(programs, server(), fedora)).includes('failed: ip is missing | dnf install iproute'));
  t.strictSame(await said(rights, server(), { ...debian, uid: 1000 }), ['failed: needs root | run it with sudo, or as a service']);
});

t.test('this machine passes what a start asks for, and every check has a name of its own', async (t) => {
  const rows = await look(server(), thisMachine(), CHECKS.filter(({ atStart }) => atStart === true));
  t.strictSame(rows.filter(({ status }) => status !== 'ok'), []);
  t.equal(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length);
});
