// The vxlan link between nodes: no learning, no multicast; who is where is written by hand. Everything about another
// node's end follows from its address: its hardware address is 0a:53 and the four bytes of the node's, its inner address the first of its podCIDR.
import { command, tryCommand } from '../../internal/base/command.ts';
import type { Neighbourhood, Place } from './neighbourhood.ts';

export const VXLAN_LINK = 'skiff.vxlan';
const ID = '1';
const PORT = '8472';
/** Outer Ethernet, IPv4, UDP and VXLAN headers. */
const OVERHEAD_BYTES = 50;

/** The first address of the network: never a pod's. */
function gateway(podCidr: string): string {
  return podCidr.split('/')[0] ?? '';
}

export function hardwareAddress(nodeIp: string): string {
  return ['0a', '53', ...nodeIp.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}

/** What is left for a packet of a pod when nodes are linked by vxlan. */
export async function vxlanMtu(nodeIp: string): Promise<number> {
  return (await deviceOf(nodeIp)).mtu - OVERHEAD_BYTES;
}

interface Link {
  address: string;
  linkinfo?: { info_data?: { local?: string; link?: string } };
}

/** Makes the link, or makes it anew when this node's address has changed. Gives what the kernel says when it knows no vxlan. */
export async function ensureVxlan({ ip, podCidr }: Place): Promise<string | undefined> {
  const shown = await tryCommand('ip', ['-json', '-details', 'link', 'show', VXLAN_LINK]);
  const [link] = shown.code === 0 ? (JSON.parse(shown.stdout || '[]') as Link[]) : [];
  const { name, mtu } = await deviceOf(ip);
  const { local, link: device = name } = link?.linkinfo?.info_data ?? {};
  if (link !== undefined && (local !== ip || device !== name)) await command('ip', ['link', 'del', VXLAN_LINK]);
  if (local !== ip || device !== name) {
    const made = await tryCommand('ip', ['link', 'add', VXLAN_LINK, 'address', hardwareAddress(ip), 'mtu', String(mtu - OVERHEAD_BYTES), 'type', 'vxlan', 'id', ID, 'local', ip, 'dev', name, 'dstport', PORT, 'nolearning']);
    if (made.code !== 0 && /Unknown device type|not supported/i.test(made.stderr)) return made.stderr.trim();
    if (made.code !== 0) throw new Error(`cannot make the link ${VXLAN_LINK}: ${made.stderr.trim()}`);
  }
  // What the node itself sends to pods elsewhere comes from this address, so that answers take the same way back.
  const own = `${gateway(podCidr)}/32`;
  const addresses = JSON.parse((await command('ip', ['-json', '-4', 'addr', 'show', 'dev', VXLAN_LINK])) || '[]') as { addr_info?: { local: string }[] }[];
  const others = (addresses[0]?.addr_info ?? []).filter(({ local }) => `${local}/32` !== own);
  for (const { local } of others) await command('ip', ['addr', 'del', `${local}/32`, 'dev', VXLAN_LINK]);
  await command('ip', ['addr', 'replace', own, 'dev', VXLAN_LINK]);
  await command('ip', ['link', 'set', VXLAN_LINK, 'up']);
  return undefined;
}

/** Lines for `ip -batch` and `bridge -batch` that make the link's neighbours exactly these. */
export async function vxlanLines({ peers }: Neighbourhood, protocol: string): Promise<{ ip: string[]; bridge: string[] }> {
  const neighbours = JSON.parse((await command('ip', ['-json', 'neigh', 'show', 'dev', VXLAN_LINK])) || '[]') as { dst: string }[];
  const entries = JSON.parse((await command('bridge', ['-json', 'fdb', 'show', 'dev', VXLAN_LINK])) || '[]') as { mac: string; dst?: string }[];
  return linesFor(peers, { neighbours: neighbours.map(({ dst }) => dst), entries: entries.filter(({ dst }) => dst !== undefined).map(({ mac, dst = '' }) => ({ mac, dst })), protocol });
}

export function linesFor(peers: readonly Place[], { neighbours, entries, protocol }: { neighbours: readonly string[]; entries: readonly { mac: string; dst: string }[]; protocol: string }): { ip: string[]; bridge: string[] } {
  const wanted = peers.map((peer) => ({ ...peer, inner: gateway(peer.podCidr), mac: hardwareAddress(peer.ip) }));
  return {
    ip: [
      ...neighbours.filter((dst) => !wanted.some(({ inner }) => inner === dst)).map((dst) => `neigh del ${dst} dev ${VXLAN_LINK}`),
      ...wanted.map(({ inner, mac }) => `neigh replace ${inner} lladdr ${mac} dev ${VXLAN_LINK} nud permanent`),
      ...wanted.map(({ podCidr, inner }) => `route replace ${podCidr} via ${inner} dev ${VXLAN_LINK} onlink proto ${protocol}`),
    ],
    bridge: [
      ...entries.filter(({ mac, dst }) => !wanted.some((one) => one.mac === mac && one.ip === dst)).map(({ mac, dst }) => `fdb del ${mac} dev ${VXLAN_LINK} dst ${dst}`),
      ...wanted.map(({ mac, ip }) => `fdb replace ${mac} dev ${VXLAN_LINK} dst ${ip}`),
    ],
  };
}

async function deviceOf(address: string): Promise<{ name: string; mtu: number }> {
  const links = JSON.parse((await command('ip', ['-json', '-4', 'addr', 'show', 'to', `${address}/32`])) || '[]') as { ifname?: string; mtu?: number }[];
  // A machine that had no network may have its address on a link of ours still.
  const link = links.find(({ ifname }) => ifname !== undefined && !ifname.startsWith('skiff-')) ?? links.find(({ ifname }) => ifname !== undefined);
  if (link?.ifname === undefined) throw new Error(`no link of this machine has the node's address ${address}: correct --node-ip`);
  return { name: link.ifname, mtu: link.mtu ?? 1500 };
}
