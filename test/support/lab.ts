// Test hosts: machines of their own out of Linux namespaces (network, mounts, pids, ipc, uts, cgroups), on a switch in the network
// namespace of the test itself: call `ownNetwork()` first. Everything carries the test's prefix and pid; `remove` leaves nothing, also
// after a failure.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Host {
  name: string;
  ip: string;
  /** The host's root of /var/lib/skiff and the like, as seen from outside. */
  disk: string;
  /** Words that run a command inside: `[...host.enter, 'ls']`. */
  enter: readonly string[];
  run(...command: string[]): string;
  /** Pulls its network cable, or puts it in again. */
  plug(connected: boolean): void;
  /** Everything in it dies at once; the disk stays. */
  kill(): void;
  boot(): void;
}

export interface Lab {
  /** Address of the lab itself: registries and outside clients stand here. */
  ip: string;
  /** A folder that is removed with the lab. */
  directory: string;
  addHost(name: string): Host;
  remove(): void;
}

/** Runs the program again in a network namespace of its own, and ends with its exit code; returns in that second run, which ends with the first. */
export function ownNetwork(): void {
  if (process.env['SKIFF_TEST_NETWORK'] === 'own') return;
  const result = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'unshare', '--net', '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, SKIFF_TEST_NETWORK: 'own' } });
  process.exit(result.status ?? 1);
}

/** `net` is the first three octets of the lab's network; labs that run at the same time need different ones. */
export function createLab(prefix: string, net: string): Lab {
  const id = `${prefix}${String(process.pid)}`;
  const directory = mkdtempSync(join(tmpdir(), `${id}-`));
  const hosts: { stop(): void }[] = [];
  const bridge = `sw${String(net.split('.')[2])}`;
  for (const line of ['link set lo up', `link add ${bridge} type bridge`, `addr add ${net}.1/24 dev ${bridge}`, `link set ${bridge} up`]) run('ip', ...line.split(' '));
  let there = true;
  const remove = (): void => {
    if (!there) return;
    there = false;
    for (const { stop } of hosts) stop();
    run('ip', 'link', 'del', bridge);
    rmSync(directory, { recursive: true, force: true });
  };
  // A test that is ended from outside, or by an error before its teardown, leaves no host behind either.
  process.once('exit', remove);
  process.once('SIGTERM', () => process.exit(143));
  return {
    ip: `${net}.1`,
    directory,
    remove,
    addHost(name) {
      const { host, stop } = createHost({ lab: id, bridge, name, ip: `${net}.${String(11 + hosts.length)}`, gateway: `${net}.1`, directory: join(directory, name), index: hosts.length });
      hosts.push({ stop });
      return host;
    },
  };
}

interface HostOptions {
  lab: string;
  bridge: string;
  name: string;
  ip: string;
  gateway: string;
  directory: string;
  index: number;
}

function createHost(options: HostOptions): { host: Host; stop(): void } {
  const { lab, name, ip, directory } = options;
  const netns = `${lab}${name}`;
  const link = `s${String(process.pid)}${String(options.index)}`;
  let init: { child: ChildProcess; pid: number } | undefined;
  mkdirSync(directory, { recursive: true });
  const boot = (): void => {
    run('ip', 'netns', 'add', netns);
    run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns);
    run('ip', 'link', 'set', link, 'master', options.bridge, 'up');
    for (const line of ['link set lo up', `addr add ${ip}/24 dev eth0`, 'link set eth0 up', `route add default via ${options.gateway}`]) run('ip', '-n', netns, ...line.split(' '));
    init = startInit(netns, options);
  };
  const kill = (): void => {
    if (init === undefined) return;
    if (existsSync(`/proc/${String(init.pid)}`)) process.kill(init.pid, 'SIGKILL'); // who ended the test may have ended it too
    waitFor(() => !existsSync(`/proc/${String(init?.pid)}`), `host ${name} to die`);
    init = undefined;
    run('ip', 'netns', 'del', netns);
    if (readdirSync('/sys/class/net').includes(link)) run('ip', 'link', 'del', link);
    for (const root of cgroupRoots()) waitFor(() => removeCgroups(join(root, netns)), `cgroups of ${name} to empty`);
  };
  boot();
  const words = (): string[] => ['sh', '-c', `for g in /sys/fs/cgroup/*/${netns} /sys/fs/cgroup/${netns}; do [ -e $g/cgroup.procs ] && echo 0 > $g/cgroup.procs; done 2>/dev/null; exec nsenter -t ${String(init?.pid)} --mount --uts --ipc --net --pid --cgroup --wd=/ -- "$@"`, 'sh'];
  const host: Host = {
    name, ip, kill, boot,
    plug: (connected) => void run('ip', 'link', 'set', link, connected ? 'up' : 'down'),
    disk: directory,
    get enter() { return words(); },
    run: (...command) => run(...words(), ...command),
  };
  return { host, stop: kill };
}

// The first process of the host: lays out what is private to it, then reaps.
const INIT = `set -e
mount -t proc proc /proc
hostname "$NAME"
umount -R -l /sys/fs/cgroup
mount -t sysfs sysfs /sys
if [ "$CGROUP" = v2 ]; then mount -t cgroup2 cgroup2 /sys/fs/cgroup; else
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for c in cpu cpuacct cpuset memory devices freezer blkio pids; do mkdir -p /sys/fs/cgroup/$c; mount -t cgroup -o $c cgroup /sys/fs/cgroup/$c || rmdir /sys/fs/cgroup/$c; done
fi
for p in /etc /var/lib /var/log; do mkdir -p "$DISK/upper$p" "$DISK/work$p"; mount -t overlay overlay -o "lowerdir=$p,upperdir=$DISK/upper$p,workdir=$DISK/work$p" $p; done
for p in /var/lib/skiff /var/lib/kubelet /var/log/pods /var/log/containers; do mkdir -p "$DISK/plain$p" $p; mount --bind "$DISK/plain$p" $p; done
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock /run/netns
mount -t tmpfs -o mode=1777 tmp /dev/shm
printf '127.0.0.1 localhost\\n%s %s\\n' "$IP" "$NAME" > /etc/hosts
echo "nameserver $GATEWAY" > /etc/resolv.conf
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
mount --make-rshared /
echo ok > "$DISK/ready"
exec tini -s -- sleep infinity`;

function startInit(netns: string, { name, ip, gateway, directory }: HostOptions): { child: ChildProcess; pid: number } {
  const ready = join(directory, 'ready');
  rmSync(ready, { force: true });
  for (const root of cgroupRoots()) makeCgroup(join(root, netns), root);
  const join_ = `for g in /sys/fs/cgroup/*/${netns} /sys/fs/cgroup/${netns}; do [ -e $g/cgroup.procs ] && echo 0 > $g/cgroup.procs; done; exec nsenter --net=/run/netns/${netns} unshare --mount --uts --pid --ipc --cgroup --fork --propagation private sh -c "$INIT"`;
  const child = spawn('sh', ['-c', join_], {
    stdio: 'ignore',
    env: { ...process.env, INIT, NAME: name, IP: ip, GATEWAY: gateway, DISK: directory, CGROUP: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1' },
  });
  waitFor(() => existsSync(ready), `host ${name} to boot`);
  const pid = Number(readFileSync(`/proc/${String(child.pid)}/task/${String(child.pid)}/children`, 'utf8').trim().split(' ')[0]);
  return { child, pid };
}

function cgroupRoots(): string[] {
  const base = '/sys/fs/cgroup';
  if (existsSync(join(base, 'cgroup.controllers'))) return [base];
  return readdirSync(base).map((entry) => join(base, entry)).filter((path) => existsSync(join(path, 'cgroup.procs')));
}

function makeCgroup(path: string, root: string): void {
  mkdirSync(path, { recursive: true });
  if (!existsSync(join(path, 'cpuset.cpus'))) return;
  for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(path, file), readFileSync(join(root, file)));
  writeFileSync(join(path, 'cgroup.clone_children'), '1');
}

// rmdir from the leaves up; false while something in it still dies.
function removeCgroups(path: string): boolean {
  if (!existsSync(path)) return true;
  try {
    execFileSync('find', [path, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'], { stdio: 'ignore' });
  } catch { /* busy: tried again */ }
  return !existsSync(path);
}

function waitFor(done: () => boolean, what: string): void {
  for (let tries = 0; tries < 400; tries++) {
    if (done()) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
  }
  throw new Error(`waited 10 s for ${what}`);
}

function run(command = '', ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });
}
