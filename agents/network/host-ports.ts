// Ports of the node that lead to pods (hostPort), and the masquerading of what pods send out of the cluster: iptables rules in chains of our
// own, written whole and atomically. Nobody else's rules are read.
import { join } from 'node:path';
import { command } from '../../internal/base/command.ts';
import { readFileIfThere, writeFileAtomically } from '../../internal/base/files.ts';

export interface HostPort {
  protocol: 'TCP' | 'UDP' | 'SCTP';
  containerPort: number;
  hostPort: number;
  /** '' or 0.0.0.0: every address of the node. */
  hostIp: string;
}

export interface HostPorts {
  open(sandboxId: string, address: string, ports: readonly HostPort[]): Promise<void>;
  close(sandboxId: string): Promise<void>;
  /** Forgets the ports of all other sandboxes. */
  keep(known: ReadonlySet<string>): Promise<void>;
}

type Book = Record<string, { address: string; ports: readonly HostPort[] }>;

const CHAIN = 'SKIFF-HOSTPORTS';
const MASQUERADE = 'SKIFF-MASQUERADE';
const JUMPS: readonly (readonly [chain: string, rule: string[]])[] = [
  ['PREROUTING', ['-m', 'addrtype', '--dst-type', 'LOCAL', '-j', CHAIN]],
  ['OUTPUT', ['-m', 'addrtype', '--dst-type', 'LOCAL', '-j', CHAIN]],
  ['POSTROUTING', ['-j', MASQUERADE]],
];

export function createHostPorts(directory: string, clusterCidr: string): HostPorts {
  const path = join(directory, 'host-ports.json');
  const book = read(path);
  let written: Promise<unknown> | undefined;
  // One write after the other; the rules are those of the book at that moment.
  const write = (): Promise<unknown> => {
    writeFileAtomically(path, JSON.stringify(book), { sync: false });
    written = (written ?? hook()).then(() => restore(book, clusterCidr), () => restore(book, clusterCidr));
    return written;
  };
  return {
    async open(sandboxId, address, ports) {
      const wanted = ports.filter(({ hostPort }) => hostPort > 0);
      if (wanted.length > 0) book[sandboxId] = { address, ports: wanted };
      // The first pod of a start brings the masquerading, with or without ports.
      if (wanted.length > 0 || written === undefined) await write();
      else await written;
    },
    async close(sandboxId) {
      if (book[sandboxId] === undefined) return;
      delete book[sandboxId];
      await write();
    },
    async keep(known) {
      for (const sandboxId of Object.keys(book)) if (!known.has(sandboxId)) delete book[sandboxId];
      await write();
    },
  };
}

async function hook(): Promise<void> {
  await command('iptables-restore', ['--noflush', '--wait'], { input: `*nat\n:${CHAIN} - [0:0]\n:${MASQUERADE} - [0:0]\nCOMMIT\n` });
  for (const [chain, rule] of JUMPS) {
    const there = await command('iptables', ['-w', '-t', 'nat', '-C', chain, ...rule]).then(() => true, () => false);
    if (!there) await command('iptables', ['-w', '-t', 'nat', '-I', chain, ...rule]);
  }
}

async function restore(book: Book, clusterCidr: string): Promise<void> {
  const lines = ['*nat', `:${CHAIN} - [0:0]`, `:${MASQUERADE} - [0:0]`];
  for (const { address, ports } of Object.values(book)) for (const port of ports) lines.push(...rulesOf(address, port));
  lines.push(`-A ${MASQUERADE} -s ${clusterCidr} ! -d ${clusterCidr} -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully`);
  await command('iptables-restore', ['--noflush', '--wait'], { input: `${lines.join('\n')}\nCOMMIT\n` });
}

function rulesOf(address: string, { protocol, containerPort, hostPort, hostIp }: HostPort): string[] {
  const match = `-p ${protocol.toLowerCase()} --dport ${String(hostPort)}`;
  const to = hostIp === '' || hostIp === '0.0.0.0' ? '' : `-d ${hostIp}/32 `;
  return [
    `-A ${CHAIN} ${to}${match} -j DNAT --to-destination ${address}:${String(containerPort)}`,
    // From the node's own loopback, and from the pod itself, the answer must come back to the node.
    `-A ${MASQUERADE} -s 127.0.0.0/8 -d ${address}/32 -p ${protocol.toLowerCase()} --dport ${String(containerPort)} -j MASQUERADE`,
    `-A ${MASQUERADE} -s ${address}/32 -d ${address}/32 -p ${protocol.toLowerCase()} --dport ${String(containerPort)} -j MASQUERADE`,
  ];
}

function read(path: string): Book {
  try {
    return JSON.parse(readFileIfThere(path) ?? '') as Book;
  } catch {
    return {}; // none yet, or cut off by a power failure: then no sandbox is left either
  }
}
