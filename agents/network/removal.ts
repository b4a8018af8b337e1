// The node's network without Skiff: what is ours, found by its name, and how it goes. And the pod network as it is while only pods are ended:
// nothing is attached any more.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, tryCommand } from '../../internal/base/command.ts';
import { readFileIfThere, writeFileAtomically } from '../../internal/base/files.ts';
import { openAddressBook } from './addresses.ts';
import type { PodNetwork } from './pod-network.ts';
import { linkOf } from './point-to-point.ts';
import { ROUTE_PROTOCOL } from './routes.ts';
import { VXLAN_LINK } from './vxlan.ts';

const DNS_LINK = 'skiff-dns';
/** Of a board without a network (cmd/node-addresses.ts). */
const LONE_LINK = 'skiff-lone';

/** Of pods, of the DNS address, between nodes. The other end of a pair goes with the first. */
export function findOwnLinks(): string[] {
  const names = readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2).map((line) => line.split(':')[0]?.trim() ?? '');
  return names.filter((name) => name === VXLAN_LINK || name === DNS_LINK || name === LONE_LINK || /^skf[0-9a-f]{11}$/.test(name));
}

export async function removeLink(name: string): Promise<void> {
  const { code, stderr } = await tryCommand('ip', ['link', 'del', name]);
  if (code !== 0 && !/Cannot find device/.test(stderr)) throw new Error(`link ${name}: ${stderr.trim()}`);
}

/** `ip route` lines, in every table, of our routing protocol. */
export async function findOwnRoutes(): Promise<string[]> {
  const shown = await Promise.all(['-4', '-6'].map((family) => tryCommand('ip', [family, 'route', 'show', 'table', 'all', 'proto', ROUTE_PROTOCOL]).catch(() => undefined)));
  // Without the program there has never been a route of ours.
  return shown.flatMap(({ code, stdout } = { code: 1, stdout: '', stderr: '' }) => (code === 0 ? stdout.split('\n').map((line) => line.trim()).filter((line) => line !== '') : []));
}

export async function removeRoute(line: string): Promise<void> {
  await command('ip', [line.includes(':') ? '-6' : '-4', 'route', 'del', ...line.split(/\s+/).filter((word) => word !== 'linkdown' && word !== 'onlink'), ...(line.includes(' proto ') ? [] : ['proto', ROUTE_PROTOCOL])]);
}

/** Gives back what pods hold, and never attaches one. */
export function createDetachingNetwork(directory: string): PodNetwork {
  const book = openAddressBook(directory, '0.0.0.0/0');
  const ports = join(directory, 'host-ports.json');
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    attach: () => Promise.reject(new Error('the node is being taken down')),
    async detach(sandboxId) {
      await removeLink(linkOf(sandboxId));
      book.free(sandboxId);
      // The rules themselves go with their chains.
      if (readFileIfThere(ports) !== undefined) writeFileAtomically(ports, '{}', { sync: false });
    },
  };
}
