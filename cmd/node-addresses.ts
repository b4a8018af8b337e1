// The addresses of this node. Not given, they are the machine's, followed while they change. A board without any network is a cluster of its own:
// it has the address that it had last, or one that is nobody's, on a link that carries no packets, so that its pods reach the node by it.
//
//   default route ──► its interface's address          none at start ──► any address; else the kept one, on a link of our own
//   none later (a cable cut) ──► as before
import { readFileSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../internal/base/clock.ts';
import { tryCommand, type CommandResult } from '../internal/base/command.ts';
import { messageOf } from '../internal/base/errors.ts';
import { readFileIfThere, writeFileAtomically } from '../internal/base/files.ts';
import type { Log } from '../internal/base/log.ts';

export interface NodeAddressOptions {
  /** --node-ip */
  given: readonly string[];
  dataDir: string;
  clock: Clock;
  log: Log;
}

const FRESH_MS = 5_000;
const LONE_LINK = 'skiff-lone';
/** Of a network for tests between machines (RFC 2544), which no board is in. */
const LONE_ADDRESS = '198.18.0.1';
/** Links of Skiff's own, whose addresses are not the machine's. */
const OWN_LINK = /^(skiff|skf)/;

/** Gives the addresses as they are now, IPv4 first. */
export async function openNodeAddresses({ given, dataDir, clock, log }: NodeAddressOptions): Promise<() => readonly string[]> {
  if (given.length > 0) return () => given;
  const path = join(dataDir, 'agent/node-ip');
  const keep = (address: string): string => {
    if (readFileIfThere(path) !== `${address}\n`) writeFileAtomically(path, `${address}\n`);
    return address;
  };
  const found = routedAddress() ?? anyAddress();
  let lone = found === undefined;
  let last = [keep(found ?? (readFileIfThere(path)?.trim() || LONE_ADDRESS))];
  if (lone) {
    log.warn('this machine has no network address: it is a cluster of its own until it has one', { address: last[0] });
    await standAlone(last[0] ?? '');
  } else {
    await leaveAlone();
  }
  let readMs = clock.monotonicMs();
  return () => {
    if (clock.monotonicMs() - readMs < FRESH_MS) return last;
    readMs = clock.monotonicMs();
    const now = routedAddress();
    if (now === undefined || (now === last[0] && !lone)) return last;
    log.info('the address of this machine is another', { address: now, before: last[0] });
    last = [keep(now)];
    if (lone) leaveAlone().catch((error: unknown) => log.warn(`the link ${LONE_LINK} could not be removed`, { error: messageOf(error) }));
    lone = false;
    return last;
  };
}

/** Of the interface that holds the default route. */
function routedAddress(): string | undefined {
  const rows = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1).map((row) => row.split('\t'));
  const [name] = rows.find(([, destination, , flags]) => destination === '00000000' && (Number.parseInt(flags ?? '0', 16) & 1) === 1) ?? [];
  return name === undefined ? undefined : addressOf([networkInterfaces()[name]]);
}

function anyAddress(): string | undefined {
  return addressOf(Object.entries(networkInterfaces()).filter(([name]) => !OWN_LINK.test(name)).map(([, addresses]) => addresses));
}

function addressOf(interfaces: readonly (readonly NetworkInterfaceInfo[] | undefined)[]): string | undefined {
  return interfaces.flatMap((addresses) => addresses ?? []).find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

async function standAlone(address: string): Promise<void> {
  const add = (...type: string[]): Promise<CommandResult> => tryCommand('ip', ['link', 'add', LONE_LINK, 'type', ...type]);
  // A kernel without dummy links: one end of a veth pair, which pods need anyway.
  if (!isLone() && (await add('dummy')).code !== 0) await add('veth', 'peer', 'name', `${LONE_LINK}-peer`);
  for (const words of [['address', 'replace', `${address}/32`, 'dev', LONE_LINK], ['link', 'set', LONE_LINK, 'up']]) {
    const { code, stderr } = await tryCommand('ip', words);
    if (code !== 0) throw new Error(`this machine has no network address, and cannot be given one of its own (ip ${words.join(' ')}: ${stderr.trim()}): connect it to a network, or give --node-ip`);
  }
}

async function leaveAlone(): Promise<void> {
  if (isLone()) await tryCommand('ip', ['link', 'delete', LONE_LINK]);
}

/** Node lists no link that carries nothing. */
function isLone(): boolean {
  return readFileSync('/proc/net/dev', 'utf8').split('\n').some((line) => line.trim().startsWith(`${LONE_LINK}:`));
}
