// The cluster DNS address as an address of this node, on a link that carries no packets. It stays when DNS stops (pods keep their resolver
// while Skiff restarts) and is taken away when Skiff leaves the machine.
import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CommandError, tryCommand, type CommandResult } from '../../internal/base/command.ts';
import { addressKey } from './address.ts';

const LINK = 'skiff-dns';
const PEER = 'skiff-dns-peer';

/** Makes every address local to this node; does nothing where they are already. */
export async function ensureDnsLink(addresses: readonly string[]): Promise<void> {
  if (addresses.every(isLocal)) return;
  // The scope keeps the address from ever being picked as the source of the node's own packets.
  const assign = addresses.map((address) => `address replace ${address}/${isIPv6(address) ? '128 dev skiff-dns nodad' : '32 dev skiff-dns scope host'}`);
  const up = [`link set ${LINK} addrgenmode none`, ...assign, `link set ${LINK} up`];
  if (existsSync(`/sys/class/net/${LINK}`)) return check(await batch(up));
  const result = await batch([`link add ${LINK} type dummy`, ...up]);
  if (result.code === 0 || existsSync(`/sys/class/net/${LINK}`)) return check(result);
  // A kernel without dummy links: one end of a veth pair, which pods need anyway.
  check(await batch([`link add ${LINK} type veth peer name ${PEER}`, `link set ${PEER} addrgenmode none`, `link set ${PEER} up`, ...up]));
}

/** Takes the link and its addresses away, if they are there. */
export async function removeDnsLink(): Promise<void> {
  if (existsSync(`/sys/class/net/${LINK}`)) check(await batch([`link delete ${LINK}`]));
}

function isLocal(address: string): boolean {
  if (address.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).flat().some((each) => each !== undefined && addressKey(each.address) === addressKey(address));
}

function batch(lines: readonly string[]): Promise<CommandResult> {
  return tryCommand('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function check(result: CommandResult): void {
  if (result.code !== 0) throw new CommandError('ip', ['-batch', '-'], result);
}
