// A containerd of a test's own: its folders, socket, pause image and CNI plugin are in one folder of its own, and go with it. Debian's package, of whatever version.
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pauseProgram } from '../../agents/runtime/runc/pause-program.ts';
import { tryCommand } from '../../internal/base/command.ts';
import { packTree, pushImages } from './images.ts';
import { until } from './until.ts';

export interface TestContainerd {
  endpoint: string;
  /** All its paths and mounts have it in their names. */
  name: string;
  /** A shared mount, as a machine's root is: for volumes whose mounts go on. */
  directory: string;
  cniConfDir: string;
  cniBinDir: string;
  stop(): Promise<void>;
}

export interface ContainerdOptions {
  registry: { address: string; url: string };
  /** Words before the command, e.g. a lab's `enter`. */
  enter?: readonly string[];
  /** Pods get an address that leads nowhere. Default true. */
  network?: boolean;
}

export async function startContainerd({ registry, enter = [], network = true }: ContainerdOptions): Promise<TestContainerd> {
  await pushImages(registry.url, [{ name: 'pause:1', layers: [{ tar: packTree({ pause: { text: pauseProgram(), mode: 0o755 } }) }], config: { Entrypoint: ['/pause'] } }]);
  const directory = mkdtempSync(join(tmpdir(), `skiff-cri-${String(process.pid)}-`));
  const name = directory.split('/').at(-1) ?? '';
  const shell = (line: string): Promise<unknown> => {
    const [program, ...args] = [...enter, 'sh', '-c', line];
    return tryCommand(program, args);
  };
  await shell(`mount --bind ${directory} ${directory} && mount --make-shared ${directory}`);
  const [cniConfDir, cniBinDir] = ['cni-conf', 'cni-bin'].map((folder) => join(directory, folder)) as [string, string];
  for (const folder of [cniConfDir, cniBinDir]) mkdirSync(folder);
  if (network) writeNowhereNetwork(cniConfDir, cniBinDir);
  // Elsewhere than on a loopback it would ask by HTTPS.
  mkdirSync(join(directory, 'certs.d', registry.address), { recursive: true });
  writeFileSync(join(directory, 'certs.d', registry.address, 'hosts.toml'), `server = "${registry.url}"\n[host."${registry.url}"]\n`);
  const socket = join(directory, 'containerd.sock');
  writeFileSync(join(directory, 'config.toml'), configuration({ directory, socket, cniConfDir, cniBinDir, pause: `${registry.address}/pause:1` }));
  const log = openSync(join(directory, 'log'), 'a');
  const [program, ...args] = [...enter, 'containerd', '--config', join(directory, 'config.toml')];
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  const onExit = (): void => void child.kill('SIGKILL');
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.off('exit', onExit);
    await ended(child);
    await shell(`grep -o ' ${directory}[^ ]*' /proc/self/mountinfo | sort -r | xargs -r umount -l`); // of a host that has gone, they went with it
    rmSync(directory, { recursive: true, force: true });
  };
  await until(() => {
    if (child.exitCode !== null) throw new Error(`containerd ended with ${String(child.exitCode)}: ${readFileSync(join(directory, 'log'), 'utf8').slice(-2000)}`);
    return existsSync(socket);
  }, 'containerd\'s socket').catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { endpoint: `unix://${socket}`, name, directory, cniConfDir, cniBinDir, stop };
}

function writeNowhereNetwork(confDir: string, binDir: string): void {
  writeFileSync(join(confDir, '10-nowhere.conflist'), JSON.stringify({ cniVersion: '0.4.0', name: 'nowhere', plugins: [{ type: 'nowhere' }] }));
  const result = { cniVersion: '0.4.0', interfaces: [{ name: 'eth0', sandbox: '/none' }], ips: [{ version: '4', address: '192.0.2.7/32', interface: 0 }] };
  writeFileSync(join(binDir, 'nowhere'), `#!/bin/sh\ncat >/dev/null\ncase $CNI_COMMAND in ADD) echo '${JSON.stringify(result)}';; VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.4.0"]}';; esac\n`);
  chmodSync(join(binDir, 'nowhere'), 0o755);
  // Containerd calls it for every pod, beside the configured ones.
  writeFileSync(join(binDir, 'loopback'), '#!/bin/sh\ncat >/dev/null\ncase $CNI_COMMAND in ADD) nsenter --net="$CNI_NETNS" ip link set lo up; echo \'{"cniVersion":"0.3.1","interfaces":[{"name":"lo"}],"ips":[]}\';; VERSION) echo \'{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}\';; esac\n');
  chmodSync(join(binDir, 'loopback'), 0o755);
}

interface Places {
  directory: string;
  socket: string;
  cniConfDir: string;
  cniBinDir: string;
  pause: string;
}

function configuration({ directory, socket, cniConfDir, cniBinDir, pause }: Places): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${socket}"
[${cri}]
  sandbox_image = "${pause}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [${cri}.registry]
    config_path = "${directory}/certs.d"
  [${cri}.cni]
    bin_dir = "${cniBinDir}"
    conf_dir = "${cniConfDir}"
  [${cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [${cri}.containerd.runtimes.runc.options]
      Root = "${directory}/runc"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
`;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
