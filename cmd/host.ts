// What the machine says of itself: its name, and who resolves names for it.
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** The host's name as a node's: lower case, as Kubernetes wants. */
export function hostNodeName(): string {
  return hostname().toLowerCase();
}

/** The resolv.conf that names outside the cluster are resolved by; systemd-resolved's real one behind its stub. */
export function hostResolvConf(): string {
  const real = '/run/systemd/resolve/resolv.conf';
  const stubbed = existsSync('/etc/resolv.conf') && readFileSync('/etc/resolv.conf', 'utf8').includes('127.0.0.53');
  return stubbed && existsSync(real) ? real : '/etc/resolv.conf';
}
