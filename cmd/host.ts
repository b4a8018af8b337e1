// What the machine says of itself: name and addresses.
import { existsSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import type { Clock } from '../internal/base/clock.ts';

/** The host's name as a node's: lower case, as Kubernetes wants. */
export function hostNodeName(): string {
  return hostname().toLowerCase();
}

const FRESH_MS = 5_000;

/** The node's addresses as they are now: the given ones, else the machine's; while it has no default route (a cable cut), those it had last. */
export function nodeAddresses(given: readonly string[], clock: Clock): () => readonly string[] {
  if (given.length > 0) return () => given;
  let last = [hostAddress()];
  let readMs = clock.monotonicMs();
  return () => {
    if (clock.monotonicMs() - readMs > FRESH_MS) {
      readMs = clock.monotonicMs();
      const now = addressOf([networkInterfaces()[defaultRouteInterface() ?? '']]);
      if (now !== undefined && now !== last[0]) last = [now];
    }
    return last;
  };
}

/** The address of the interface that holds the default route; else the first that is not loopback. */
function hostAddress(): string {
  const interfaces = networkInterfaces();
  const found = addressOf([interfaces[defaultRouteInterface() ?? ''], ...Object.values(interfaces)]);
  if (found === undefined) throw new Error('this machine has no network address: connect it to a network, or give --node-ip');
  return found;
}

function addressOf(interfaces: readonly (readonly NetworkInterfaceInfo[] | undefined)[]): string | undefined {
  return interfaces.flatMap((addresses) => addresses ?? []).find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** The resolv.conf that names outside the cluster are resolved by; systemd-resolved's real one behind its stub. */
export function hostResolvConf(): string {
  const real = '/run/systemd/resolve/resolv.conf';
  const stubbed = existsSync('/etc/resolv.conf') && readFileSync('/etc/resolv.conf', 'utf8').includes('127.0.0.53');
  return stubbed && existsSync(real) ? real : '/etc/resolv.conf';
}

function defaultRouteInterface(): string | undefined {
  const rows = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1).map((row) => row.split('\t'));
  return rows.find(([, destination, , flags]) => destination === '00000000' && (Number.parseInt(flags ?? '0', 16) & 1) === 1)?.[0];
}
