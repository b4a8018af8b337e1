// Ports that Skiff listens on: free, or held by a Skiff that runs already.
import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { failed, namesIn, ok, textOf, type Check, type Finding, type Machine, type Wanted } from './check.ts';

interface Port {
  protocol: 'tcp' | 'udp';
  number: number;
  /** Undefined: all addresses. */
  address?: string;
  fix: string;
}

interface Listener {
  address: string;
  port: number;
  inode: string;
}

const LISTEN = '0A';
/** A UDP socket that is bound and not connected. */
const UNCONNECTED = '07';
const ANY = ['0.0.0.0', '::'];

export const ports: Check = {
  name: 'ports',
  look(wanted, machine) {
    const needed = portsOf(wanted);
    const problems = needed.flatMap((port) => taken(port, machine));
    return problems.length > 0 ? problems : [ok(needed.map(({ number, protocol }) => `${String(number)}/${protocol}`).join(', '))];
  },
};

function portsOf({ verb, settings, node }: Wanted): Port[] {
  const found: Port[] = [];
  const bind = settings['bind-address'];
  if (verb === 'server') found.push({ protocol: 'tcp', number: settings['https-listen-port'], ...(!ANY.includes(bind) && { address: bind }), fix: 'stop it, or choose another port with --https-listen-port' });
  if (node) found.push({ protocol: 'tcp', number: settings['kubelet-port'], fix: 'stop it, or choose another port with --kubelet-port' });
  // The cluster's DNS has addresses of its own; only who takes the port on all addresses is in its way.
  const dnsFix = 'let it listen on its own address only (dnsmasq: bind-dynamic), or give --disable dns';
  if (verb === 'server' && node && !settings.disable.includes('dns')) for (const protocol of ['tcp', 'udp'] as const) found.push({ protocol, number: 53, address: settings['cluster-dns'][0] ?? '', fix: dnsFix });
  return found;
}

function taken({ protocol, number, address, fix }: Port, machine: Machine): Finding[] {
  const listener = listeners(protocol, machine).find((other) => other.port === number && (address === undefined || other.address === address || ANY.includes(other.address)));
  if (listener === undefined) return [];
  const owner = ownerOf(listener.inode, machine);
  if (owner?.ours === true) return [];
  return [failed(`port ${String(number)}/${protocol} is in use${owner === undefined ? '' : ` by ${owner.name} (pid ${owner.pid})`}`, fix)];
}

function listeners(protocol: 'tcp' | 'udp', machine: Machine): Listener[] {
  const state = protocol === 'tcp' ? LISTEN : UNCONNECTED;
  return ['', '6'].flatMap((family) => textOf(machine, `/proc/self/net/${protocol}${family}`).trim().split('\n').slice(1).map((row) => row.trim().split(/\s+/)))
    .filter((row) => row[3] === state)
    .map(([, local = '', , , , , , , , inode = '']) => ({ address: addressOf(local.split(':')[0] ?? ''), port: Number.parseInt(local.split(':')[1] ?? '', 16), inode }));
}

/** Words of four bytes, each in the order of a little-endian machine. Of IPv6 only the "any" address matters. */
function addressOf(hex: string): string {
  if (hex.length > 8) return /^0+$/.test(hex) ? '::' : hex;
  return (hex.match(/../g) ?? []).reverse().map((byte) => String(Number.parseInt(byte, 16))).join('.');
}

function ownerOf(inode: string, machine: Machine): { name: string; pid: string; ours: boolean } | undefined {
  for (const pid of namesIn(machine, '/proc').filter((entry) => /^\d+$/.test(entry))) {
    const holds = namesIn(machine, `/proc/${pid}/fd`).some((fd) => linkOf(machine, `/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
    if (holds) return { name: textOf(machine, `/proc/${pid}/comm`).trim(), pid, ours: isSkiff(pid, machine) };
  }
  return undefined;
}

/** The executable (also one that was replaced since), or the sources run by Node. */
function isSkiff(pid: string, machine: Machine): boolean {
  if (/^skiff\b/.test(basename(linkOf(machine, `/proc/${pid}/exe`).replace(/ \(deleted\)$/, '')))) return true;
  const [, script = '', verb = ''] = textOf(machine, `/proc/${pid}/cmdline`).split('\0').filter((word) => !word.startsWith('--'));
  return script.endsWith('cmd/main.ts') && ['server', 'agent'].includes(verb);
}

function linkOf({ root }: Machine, path: string): string {
  try {
    return readlinkSync(join(root, path));
  } catch {
    return '';
  }
}
