// The few words of rtnetlink(7) that linking a pod takes: a pair of links, addresses, routes, a neighbour. Three runs of a program for them cost more
// than all that the kernel does. The socket is opened here and used by Node's threads, as the kernel may wait for others who change links.
// Numbers are the kernel's interface, in the machine's byte order (little endian on all that Skiff runs on).
import { closeSync, read, write } from 'node:fs';
import { dlopen } from 'node:ffi';
import { getSystemErrorMessage, promisify } from 'node:util';
import { within } from './network-namespace.ts';

const AF_NETLINK = 16;
const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const NLM_F_REQUEST_ACK = 5;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLMSG_ERROR = 2;
const HEADER_BYTES = 16;
const ANSWER_BYTES = 8192;
const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_NEWNEIGH = 28;
const IFF_UP = 1;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const NUD_PERMANENT = 0x80;

const { functions: libc } = dlopen(null, {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  if_nametoindex: { arguments: ['buffer'], return: 'u32' },
});

/** What is asked of the kernel: told in its words when that says no. */
export interface Request {
  what: string;
  type: number;
  flags: number;
  body: Buffer;
}

/** Asks one after the other, in this process's network or another; the first refusal is thrown. `make` stands in that network. */
export async function ask(make: () => Request[], netnsPath?: string): Promise<void> {
  const open = (): { socket: number; requests: Request[] } => ({ requests: make(), socket: libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) });
  const { socket, requests } = netnsPath === undefined ? open() : within(netnsPath, open);
  if (socket < 0) throw new Error('no netlink socket can be opened');
  try {
    for (const request of requests) await askOne(socket, request);
  } finally {
    closeSync(socket);
  }
}

async function askOne(socket: number, { what, type, flags, body }: Request): Promise<void> {
  const message = Buffer.alloc(HEADER_BYTES + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags | NLM_F_REQUEST_ACK, 6);
  body.copy(message, HEADER_BYTES);
  await promisify(write)(socket, message);
  const answer = Buffer.alloc(ANSWER_BYTES);
  await promisify(read)(socket, answer, 0, answer.length, null);
  if (answer.readUInt16LE(4) !== NLMSG_ERROR) throw new Error(`${what}: the kernel gave no answer to it`);
  const errno = answer.readInt32LE(HEADER_BYTES);
  if (errno !== 0) throw new Error(`${what}: ${getSystemErrorMessage(errno)}`);
}

/** A pair whose other end, eth0, stands in the network namespace that is open as `netns`. */
export function addPair(name: string, { mac, mtu, netns }: { mac: string; mtu: number | undefined; netns: number }): Request {
  const size = mtu === undefined ? [] : [attribute(4, u32(mtu))];
  const peer = attribute(1, Buffer.concat([linkHeader(0), attribute(3, text('eth0')), ...size, attribute(28, u32(netns))]));
  const kind = attribute(18, Buffer.concat([attribute(1, text('veth')), attribute(2, peer)]));
  return { what: `link add ${name}`, type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, body: Buffer.concat([linkHeader(0), attribute(3, text(name)), attribute(1, macOf(mac)), ...size, kind]) };
}

export function setUp(name: string): Request {
  return { what: `link set ${name} up`, type: RTM_NEWLINK, flags: 0, body: Buffer.concat([linkHeader(IFF_UP), attribute(3, text(name))]) };
}

/** A single address. */
export function putAddress(link: string, address: string): Request {
  const header = Buffer.from([AF_INET, 32, 0, RT_SCOPE_UNIVERSE, 0, 0, 0, 0]);
  header.writeUInt32LE(indexOf(link), 4);
  return { what: `addr replace ${address} dev ${link}`, type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE, body: Buffer.concat([header, attribute(2, ipOf(address)), attribute(1, ipOf(address))]) };
}

/** To a single address that is right behind the link. */
export function putRoute(link: string, address: string): Request {
  return { what: `route replace ${address} dev ${link}`, type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, body: Buffer.concat([routeHeader(32, RT_SCOPE_LINK), attribute(1, ipOf(address)), attribute(4, u32(indexOf(link)))]) };
}

export function putDefaultRoute(link: string, gateway: string): Request {
  return { what: `route replace default via ${gateway} dev ${link}`, type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, body: Buffer.concat([routeHeader(0, RT_SCOPE_UNIVERSE), attribute(5, ipOf(gateway)), attribute(4, u32(indexOf(link)))]) };
}

export function putNeighbour(link: string, address: string, mac: string): Request {
  const header = Buffer.alloc(12);
  header.writeUInt8(AF_INET, 0);
  header.writeInt32LE(indexOf(link), 4);
  header.writeUInt16LE(NUD_PERMANENT, 8);
  return { what: `neigh replace ${address} dev ${link}`, type: RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, body: Buffer.concat([header, attribute(1, ipOf(address)), attribute(2, macOf(mac))]) };
}

function linkHeader(flags: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return header;
}

function routeHeader(bits: number, scope: number): Buffer {
  return Buffer.from([AF_INET, bits, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST, 0, 0, 0, 0]);
}

/** Of the network that this thread stands in. */
function indexOf(link: string): number {
  const index = libc.if_nametoindex(text(link));
  if (index === 0) throw new Error(`there is no link ${link}`);
  return index;
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(string: string): Buffer {
  return Buffer.from(`${string}\0`);
}

function ipOf(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function macOf(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}
