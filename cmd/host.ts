// What the machine says of itself: name and address. Read once at start.
import { existsSync, readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

/** The host's name as a node's: lower case, as Kubernetes wants. */
export function hostNodeName(): string {
  return hostname().toLowerCase();
}

/** The address of the interface that holds the default route; else the first that is not loopback. */
export function hostAddress(): string {
  const interfaces = networkInterfaces();
  const routed = defaultRouteInterface();
  const candidates = routed === undefined ? Object.values(interfaces) : [interfaces[routed], ...Object.values(interfaces)];
  for (const addresses of candidates) {
    const found = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (found !== undefined) return found.address;
  }
  throw new Error('this machine has no network address: connect it to a network, or give --node-ip');
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
