// UDP has no end of a connection: the kernel goes on sending a client's packets to where it sent the first. When an endpoint goes, or the
// first one comes, such memories must go too.
import { tryCommand } from '../../internal/base/command.ts';
import type { ServicePortRules } from './service-ports.ts';

export interface Forgetting {
  /** Arguments of `conntrack -D`. */
  args: string[];
}

/** What to forget between two sets of rules, pure. */
export function forgettings(before: readonly ServicePortRules[], after: readonly ServicePortRules[]): Forgetting[] {
  const old = new Map(before.filter(isUdp).map((port) => [keyOf(port), port]));
  const next = new Map(after.filter(isUdp).map((port) => [keyOf(port), port]));
  const result: Forgetting[] = [];
  for (const [key, port] of old) {
    const kept = new Set((next.get(key)?.backends ?? []).map(({ ip }) => ip));
    const gone = new Set(port.backends.map(({ ip }) => ip).filter((ip) => !kept.has(ip)));
    for (const ip of gone) result.push(...destinations(port).map((args) => ({ args: [...args, '--dst-nat', ip] })));
  }
  for (const [key, port] of next) {
    if (port.backends.length > 0 && (old.get(key)?.backends ?? []).length === 0) result.push(...destinations(port).map((args) => ({ args })));
  }
  return result;
}

function isUdp({ protocol }: ServicePortRules): boolean {
  return protocol === 'udp';
}

function keyOf({ id, port, clusterIps }: ServicePortRules): string {
  return `${id} ${String(port)} ${clusterIps.join()}`;
}

function destinations({ clusterIps, externalIps, loadBalancerIps, port, nodePort }: ServicePortRules): string[][] {
  const addressed = [...clusterIps, ...externalIps, ...loadBalancerIps].map((ip) => ['-p', 'udp', '--orig-dst', ip, '--orig-port-dst', String(port)]);
  return nodePort === undefined ? addressed : [...addressed, ['-p', 'udp', '--orig-port-dst', String(nodePort)]];
}

/** Exit code 1 means that there was nothing to forget. */
export async function forget(list: readonly Forgetting[]): Promise<void> {
  for (const { args } of list) await tryCommand('conntrack', ['-D', ...args]);
}
