// Programs of the system that a node runs, and root's rights to run them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { carriedNames } from '../programs/carried.ts';
import { failed, ok, type Check, type Finding, type Machine } from './check.ts';

/** Debian's package for each program. */
const PROGRAMS: Record<string, string> = { ip: 'iproute2', iptables: 'iptables', 'iptables-restore': 'iptables', mount: 'mount', nsenter: 'util-linux', tar: 'tar', unshare: 'util-linux' };
/** Names of the same packages elsewhere, where they differ. */
const ELSEWHERE: Record<string, string> = { iproute2: 'iproute', mount: 'util-linux' };
const INSTALLERS: readonly [program: string, command: string, debianNames: boolean][] = [['apt-get', 'apt-get install', true], ['dnf', 'dnf install', false], ['zypper', 'zypper install', true], ['pacman', 'pacman -S', true], ['apk', 'apk add', true], ['emerge', 'emerge', true]];

export const rights: Check = {
  name: 'rights',
  atStart: true,
  look: (_wanted, { uid }) => [uid === 0 ? ok('root') : failed('needs root', 'run it with sudo, or as a service')],
};

export const programs: Check = {
  name: 'programs',
  atStart: true,
  look({ node, settings }, machine) {
    if (!node) return [];
    // A CRI runtime brings its own.
    const builtIn = settings['container-runtime-endpoint'] === '' ? { conmon: 'conmon', [settings['oci-runtime']]: settings['oci-runtime'] } : {};
    const needed = { ...PROGRAMS, ...builtIn };
    const carried = carriedNames();
    const missing = Object.entries(needed).filter(([program]) => !carried.has(program) && !isOnPath(program, machine));
    return missing.length === 0 ? [ok(Object.keys(needed).join(', '))] : missing.map(([program, debian]) => missingProgram(program, debian, machine));
  },
};

function missingProgram(program: string, debian: string, machine: Machine): Finding {
  const [, command = 'install', debianNames = true] = INSTALLERS.find(([installer]) => isOnPath(installer, machine)) ?? [];
  return failed(`${program} is missing`, `${command} ${debianNames ? debian : (ELSEWHERE[debian] ?? debian)}`);
}

function isOnPath(program: string, { path, root }: Machine): boolean {
  if (program.includes('/')) return existsSync(join(root, program));
  return path.split(':').some((folder) => existsSync(join(root, folder, program)));
}
