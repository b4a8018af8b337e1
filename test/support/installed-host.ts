// A test host onto which Skiff is installed by install.sh, as a user does it, and what is on that host, kind by kind, for comparing.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { KUBECTL, SKIFF } from './cluster.ts';
import { pushImages } from './images.ts';
import { createLab, type Host, type Lab } from './lab.ts';
import { startRegistry } from './registry.ts';

export interface Ended {
  code: number;
  /** stdout and stderr. */
  text: string;
}

export interface InstalledHost {
  host: Host;
  /** Runs install.sh with these words; throws unless the node got Ready. */
  install(words: readonly string[], environment?: Record<string, string>): void;
  skiff(...words: string[]): Ended;
  shell(script: string): string;
  /** As the server's administrator, from the lab; throws with what it printed unless it exits with 0. */
  kubectl(words: readonly string[], input?: string): string;
  listing(): Listing;
}

export type Listing = Record<'files' | 'mounts' | 'links' | 'routes' | 'rules' | 'cgroups' | 'sysctls' | 'processes', string[]>;

/** Not below /usr: that is shared with the machine the test runs on. */
export const BIN = '/var/lib/programs';

/** A lab with a registry in it that its hosts pull from, for as long as the test takes. */
export async function createSuppliedLab(t: Pick<Test, 'teardown'>, { prefix, net }: { prefix: string; net: string }): Promise<Lab> {
  const lab = createLab(prefix, net);
  const registry = await startRegistry({ address: lab.ip, port: 5000 });
  t.teardown(async () => {
    lab.remove();
    await registry.stop();
  });
  await pushImages(registry.url, undefined, 'library/');
  return lab;
}

export function createInstalledHost(lab: Lab, name: string): InstalledHost {
  const host = lab.addHost(name);
  const kubeconfig = join(lab.directory, `${name}.kubeconfig`);
  const run = (...words: string[]): Ended => {
    const [command = '', ...rest] = [...host.enter, ...words];
    const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 240_000, maxBuffer: 64 << 20 });
    return { code: status ?? 1, text: stdout + stderr };
  };
  const shell = (script: string): string => run('sh', '-c', script).text;
  shell(`mkdir -p /etc/skiff && printf 'mirrors:\\n  docker.io:\\n    endpoint: ["http://${lab.ip}:5000"]\\n' > /etc/skiff/registries.yaml`);
  return {
    host, shell,
    install(words, environment = {}) {
      const variables = { INSTALL_SKIFF_BIN_DIR: BIN, INSTALL_SKIFF_BINARY: process.env['SKIFF_TEST_BINARY'] ?? SKIFF, INSTALL_SKIFF_SKIP_CHECK: 'true', INSTALL_SKIFF_TIMEOUT: '90', ...environment };
      const { code, text } = run('env', ...Object.entries(variables).map(([variable, value]) => `${variable}=${value}`), 'sh', join(import.meta.dirname, '../../install.sh'), ...words, '--node-name', name, '--node-ip', host.ip);
      if (code !== 0) throw new Error(`install.sh: exit ${String(code)}\n${text}`);
      mkdirSync(lab.directory, { recursive: true });
      writeFileSync(kubeconfig, shell('cat /etc/skiff/skiff.yaml 2>/dev/null').replace(/https:\/\/[^:]+:/, `https://${host.ip}:`));
    },
    skiff: (...words) => run(`${BIN}/skiff`, ...words),
    kubectl(words, input = '') {
      const { status, stdout, stderr } = spawnSync(KUBECTL, words, { env: { ...process.env, KUBECONFIG: kubeconfig, HOME: lab.directory }, input, encoding: 'utf8', timeout: 120_000 });
      if (status !== 0) throw new Error(`kubectl ${words.join(' ')}: ${stderr}${stdout}`);
      return stdout;
    },
    listing() {
      const lines = (script: string): string[] => shell(script).split('\n').filter((line) => line !== '').sort();
      return {
        files: lines(`find /etc /run /var/lib /var/log -printf '%p %y %m\\n' 2>/dev/null | grep -vE '^/(var/lib/(apt|dpkg)|var/log/(apt|journal)|run/(mount|xtables))'`),
        // Named networks of the machine below come and go with others' work.
        mounts: lines(`grep -v /run/netns /proc/self/mountinfo | awk '{ print $4, $5 }'`),
        // The kernel gives each link an address of its own accord, some time later.
        links: lines(`ip -o addr | grep -v fe80 | sed 's/^[0-9]*: //; s/ valid_lft.*//'; ip -o link | sed 's/^[0-9]*: //; s/@if[0-9]*//; s/qdisc.*//'`),
        routes: lines('ip -4 route show table all; ip -6 route show table all | grep -vE "fe80|ff00"; ip rule'),
        rules: lines(`iptables-save | grep -v '^#' | sed 's/\\[[0-9:]*\\]//'; ip6tables-save | grep -v '^#'; nft list ruleset`),
        cgroups: lines('find /sys/fs/cgroup -type d'),
        sysctls: lines('sysctl net.ipv4.ip_forward net.ipv4.conf.all net.ipv4.conf.default 2>/dev/null'),
        processes: lines('ps -eo args= | grep -vE "^(ps|grep|sh -c|awk|sed|sort|find)"'),
      };
    },
  };
}

export function sameListing(t: Test, now: Listing, before: Listing, kinds = Object.keys(before) as (keyof Listing)[]): void {
  for (const kind of kinds) t.strictSame(now[kind].filter((line) => !before[kind].includes(line)), [], `nothing new of ${kind}`);
  for (const kind of kinds) t.strictSame(before[kind].filter((line) => !now[kind].includes(line)), [], `nothing lost of ${kind}`);
}
