// The built-in pod network: a veth pair per pod and no bridge. The pod has its address as /32 and one gateway, 169.254.1.1, that every pod
// shares: a permanent neighbour entry says that it is the host's end. The host has a /32 route per pod. So pods of one node, the node itself
// and (by routes to their podCIDRs) pods of other nodes reach each other by plain routing, and hairpin needs nothing special.
// What leaves the cluster network is masqueraded; host ports are DNAT rules; both in chains of our own.
import { hash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { command } from '../../internal/base/command.ts';
import { NO_LEDGER, type Ledger } from '../../internal/base/ledger.ts';
import { openAddressBook, type AddressBook } from './addresses.ts';
import { createHostPorts, type HostPorts } from './host-ports.ts';
import type { PodNetwork } from './pod-network.ts';

export interface PointToPointOptions {
  /** Known once the node is registered and has been given its network. */
  podCidr(): Promise<string>;
  clusterCidr: string;
  /** Folder of the address book. */
  directory: string;
  /** Of pods' links, where nodes are linked by something that takes room in each packet. Absent: the kernel's own, 1500. */
  mtu?(): Promise<number>;
  ledger?: Ledger;
}

const GATEWAY = '169.254.1.1';
/** The host's end of every pod's pair has this address; locally administered. */
const GATEWAY_MAC = 'ee:ee:ee:ee:ee:ee';
const LINK_PREFIX = 'skf';
const SYSCTLS = { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0' };

export function createPointToPointNetwork(options: PointToPointOptions): PodNetwork {
  let opened: Promise<{ book: AddressBook; ports: HostPorts; mtu: number | undefined }> | undefined;
  const open = (): Promise<{ book: AddressBook; ports: HostPorts; mtu: number | undefined }> =>
    (opened ??= (async () => {
      const book = openAddressBook(options.directory, await options.podCidr());
      return { book, ports: createHostPorts(options.directory, options.clusterCidr), mtu: await options.mtu?.() };
    })());
  return {
    async start(known) {
      for (const [name, value] of Object.entries(SYSCTLS)) (options.ledger ?? NO_LEDGER).setSysctl(name, value);
      if (known.size === 0) return;
      const { book, ports } = await open();
      for (const sandbox of book.sandboxes()) if (!known.has(sandbox)) book.free(sandbox);
      await ports.keep(known);
      const wanted = new Set([...known].map(linkOf));
      const stray = links().filter((link) => link.startsWith(LINK_PREFIX) && !wanted.has(link));
      if (stray.length > 0) await command('ip', ['-force', '-batch', '-'], { input: stray.map((link) => `link del ${link}\n`).join('') });
    },
    stop: () => Promise.resolve(),
    async attach(sandboxId, netnsPath, pod) {
      const { book, ports, mtu } = await open();
      const address = book.take(sandboxId, pod.uid);
      await connect(linkOf(sandboxId), netnsPath, { address, mtu });
      await ports.open(sandboxId, address, pod.hostPorts);
      return { ips: [address] };
    },
    async detach(sandboxId) {
      const { book, ports } = await open();
      await ports.close(sandboxId);
      const link = linkOf(sandboxId);
      // The pair goes with either end; the pod's end went if its namespace did.
      if (links().includes(link)) await command('ip', ['link', 'del', link]).catch((error: unknown) => ignoreGone(error));
      book.free(sandboxId);
    },
  };
}

async function connect(link: string, netnsPath: string, { address, mtu }: { address: string; mtu: number | undefined }): Promise<void> {
  const { addPair, ask, putAddress, putDefaultRoute, putNeighbour, putRoute, setUp } = await import('./netlink.ts');
  if (!links().includes(link)) {
    const netns = openSync(netnsPath, 'r');
    try {
      await ask(() => [addPair(link, { mac: GATEWAY_MAC, mtu, netns })]);
    } finally {
      closeSync(netns);
    }
  }
  await ask(() => [setUp(link), putRoute(link, address)]);
  // The answers to what is sent from 127.0.0.1 to a node port come back through the pod's link.
  writeFileSync(`/proc/sys/net/ipv4/conf/${link}/route_localnet`, '1');
  writeFileSync(`/proc/sys/net/ipv4/conf/${link}/rp_filter`, '0');
  await ask(() => [
    setUp('lo'), putAddress('eth0', address), setUp('eth0'),
    putRoute('eth0', GATEWAY), putDefaultRoute('eth0', GATEWAY), putNeighbour('eth0', GATEWAY, GATEWAY_MAC),
  ], netnsPath);
}

// Of this process' network namespace; /sys/class/net would show that of whoever mounted it.
function links(): string[] {
  return readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2).map((line) => line.split(':')[0]?.trim() ?? '');
}

// Link names have 15 letters.
export function linkOf(sandboxId: string): string {
  return `${LINK_PREFIX}${hash('sha256', sandboxId).slice(0, 11)}`;
}

function ignoreGone(error: unknown): void {
  if (!/Cannot find device/.test(String(error))) throw error;
}
