// What must be there before a server or agent starts. Every problem at once, each with what to do, before anything is touched.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../internal/base/files.ts';

export interface Needs {
  dataDir: string;
  /** false: a control plane without a node runs no containers. */
  node: boolean;
  ociRuntime: string;
  /** Search path for programs. */
  path: string;
  uid: number;
}

/** Debian's package for each program a node runs. */
const PROGRAMS: Record<string, string> = { conmon: 'conmon', ip: 'iproute2', iptables: 'iptables', 'iptables-restore': 'iptables', mount: 'mount', nsenter: 'util-linux', tar: 'tar', unshare: 'util-linux' };
const CONTROLLERS = ['cpu', 'memory', 'pids'];

/** Lines that say what is wrong and how to mend it; empty when all is well. */
export function findProblems(needs: Needs): string[] {
  if (needs.uid !== 0) return ['needs root: run it with sudo, or as a systemd service'];
  const problems: string[] = [];
  if (needs.node) {
    for (const [program, packageName] of Object.entries({ ...PROGRAMS, [needs.ociRuntime]: needs.ociRuntime })) {
      if (!onPath(program, needs.path)) problems.push(`${program} is missing: apt-get install ${packageName}`);
    }
    problems.push(...cgroupProblems());
  }
  try {
    makeDirectory(needs.dataDir);
    accessSync(needs.dataDir, constants.W_OK);
  } catch (error) {
    problems.push(`data folder ${needs.dataDir} cannot be written (${(error as NodeJS.ErrnoException).code ?? ''}): choose another with --data-dir`);
  }
  return problems;
}

function cgroupProblems(): string[] {
  const v2 = '/sys/fs/cgroup/cgroup.controllers';
  const there = existsSync(v2)
    ? readFileSync(v2, 'utf8').trim().split(' ')
    : readFileSync('/proc/cgroups', 'utf8').trim().split('\n').slice(1).map((row) => row.split('\t')).filter(([, , , enabled]) => enabled === '1').map(([name = '']) => name);
  return CONTROLLERS.filter((controller) => !there.includes(controller)).map(
    (controller) => `the ${controller} cgroup is off: add "cgroup_enable=${controller}${controller === 'memory' ? ' cgroup_memory=1' : ''}" to the kernel command line (Raspberry Pi OS: /boot/firmware/cmdline.txt) and reboot`,
  );
}

function onPath(program: string, path: string): boolean {
  if (program.includes('/')) return existsSync(program);
  return path.split(':').some((folder) => existsSync(join(folder, program)));
}
