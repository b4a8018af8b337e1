// The packet rules of all Services, pure: service ports in, chains out.
//
//   nat     PREROUTING, OUTPUT ─► SKIFF-SERVICES ─ cluster IP ────────────► SKIFF-SVC-x ─► DNAT, one rule an endpoint
//                                      ├─ external, load balancer IP ─► SKIFF-EXT-x ─┘ (marked, unless the policy is Local)
//                                      └─ local address ─► SKIFF-NODEPORTS ─► SKIFF-EXT-x
//           POSTROUTING ─► SKIFF-POSTROUTING: what is marked, and pods that reach themselves, leave with the node's address
//   filter  INPUT, FORWARD, OUTPUT (new connections) ─► SKIFF-FILTER: refuses what has no endpoints; FORWARD lets pods through
//
// No chain per endpoint: `-m statistic` picks in the Service's own chain (see the project's measurements in ARCHITECTURE.md).
import { hash } from 'node:crypto';
import type { Backend, ServicePortRules } from './service-ports.ts';

/** Chains by name with their rules, without the `-A CHAIN`. */
export type Chains = Map<string, string[]>;
export interface Ruleset {
  nat: Chains;
  filter: Chains;
}
export type Table = keyof Ruleset;

export interface RulesetOptions {
  clusterCidr: string;
}

export const PREFIX = 'SKIFF-';
/** kube-proxy's own bit for "masquerade this": network plugins leave it alone. */
const MARK = '0x4000';

/** Jumps from the kernel's chains into ours. */
export const HOOKS: Readonly<Record<Table, readonly (readonly [chain: string, rule: string])[]>> = {
  nat: [
    ['PREROUTING', '-j SKIFF-SERVICES'],
    ['OUTPUT', '-j SKIFF-SERVICES'],
    ['POSTROUTING', '-j SKIFF-POSTROUTING'],
  ],
  filter: [
    ['INPUT', '-j SKIFF-INPUT'],
    ['FORWARD', '-j SKIFF-FORWARD'],
    ['OUTPUT', '-m conntrack --ctstate NEW -j SKIFF-FILTER'],
  ],
};

export function rulesetOf(ports: readonly ServicePortRules[], { clusterCidr }: RulesetOptions): Ruleset {
  const nat: Chains = new Map([['SKIFF-SERVICES', []], ['SKIFF-NODEPORTS', []], ['SKIFF-POSTROUTING', []], ['SKIFF-HAIRPIN', []]]);
  const filter: Chains = new Map([['SKIFF-INPUT', inputRules()], ['SKIFF-FORWARD', forwardRules(clusterCidr)], ['SKIFF-FILTER', []]]);
  const rules: Ruleset = { nat, filter };
  for (const port of ports) addPort(rules, port, clusterCidr);
  chain(nat, 'SKIFF-SERVICES').push('-m addrtype --dst-type LOCAL -j SKIFF-NODEPORTS');
  nat.set('SKIFF-HAIRPIN', hairpinRules(ports));
  nat.set('SKIFF-POSTROUTING', [
    '-m conntrack --ctstate DNAT -j SKIFF-HAIRPIN',
    `-m mark ! --mark ${MARK}/${MARK} -j RETURN`,
    // The mark goes, so that a packet that passes here again (through a tunnel) is not masqueraded twice.
    `-j MARK --xor-mark ${MARK}`,
    '-j MASQUERADE --random-fully',
  ]);
  return rules;
}

// 127.0.0.1 is made routable for NodePorts; from outside it must stay what it was.
function inputRules(): string[] {
  return ['! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP', '-m conntrack --ctstate NEW -j SKIFF-FILTER'];
}

// Pods are let through also on a machine whose policy drops what is forwarded: Docker sets that.
function forwardRules(clusterCidr: string): string[] {
  return [
    '-m conntrack --ctstate NEW -j SKIFF-FILTER', `-m mark --mark ${MARK}/${MARK} -j ACCEPT`, '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    `-s ${clusterCidr} -j ACCEPT`, `-d ${clusterCidr} -j ACCEPT`,
  ];
}

function hairpinRules(ports: readonly ServicePortRules[]): string[] {
  const local = new Set(ports.flatMap(({ backends }) => backends).filter((backend) => backend.local).map(({ ip }) => ip));
  return [...local].sort().map((ip) => `-s ${ip}/32 -d ${ip}/32 -j MASQUERADE --random-fully`);
}

function addPort(rules: Ruleset, port: ServicePortRules, clusterCidr: string): void {
  const { nat, filter } = rules;
  const name = chainName(port);
  const internal = port.internalLocal ? port.backends.filter(({ local }) => local) : port.backends;
  const match = `-p ${port.protocol} -m ${port.protocol} --dport ${String(port.port)}`;
  for (const ip of port.clusterIps) {
    if (internal.length > 0) chain(nat, 'SKIFF-SERVICES').push(`-d ${ip}/32 ${match} -j SKIFF-SVC-${name}`);
    else chain(filter, 'SKIFF-FILTER').push(`-d ${ip}/32 ${match} ${refused(port)}`);
  }
  if (internal.length > 0) nat.set(`SKIFF-SVC-${name}`, [`! -s ${clusterCidr} -j MARK --or-mark ${MARK}`, ...balance(port, internal, `SVC-${name}`)]);
  if (isExternal(port)) addExternal(rules, port, { name, match, clusterCidr });
}

function isExternal({ nodePort, externalIps, loadBalancerIps }: ServicePortRules): boolean {
  return nodePort !== undefined || externalIps.length > 0 || loadBalancerIps.length > 0;
}

function addExternal({ nat, filter }: Ruleset, port: ServicePortRules, { name, match, clusterCidr }: { name: string; match: string; clusterCidr: string }): void {
  const local = port.externalLocal ? port.backends.filter((backend) => backend.local) : port.backends;
  if (port.backends.length > 0) {
    nat.set(`SKIFF-EXT-${name}`, externalRules(port, local, name, clusterCidr));
    if (port.internalLocal || port.externalLocal) nat.set(`SKIFF-ALL-${name}`, [`! -s ${clusterCidr} -j MARK --or-mark ${MARK}`, ...balance(port, port.backends, `ALL-${name}`)]);
  }
  const target = `-j SKIFF-EXT-${name}`;
  const refuse = (where: string): void => void chain(filter, 'SKIFF-FILTER').push(`${where} ${refused(port)}`);
  for (const ip of port.externalIps) {
    if (port.backends.length > 0) chain(nat, 'SKIFF-SERVICES').push(`-d ${ip}/32 ${match} ${target}`);
    else refuse(`-d ${ip}/32 ${match}`);
  }
  for (const ip of port.loadBalancerIps) {
    const sources = port.sourceRanges.length === 0 ? [''] : port.sourceRanges.map((range) => `-s ${range} `);
    if (port.backends.length > 0) chain(nat, 'SKIFF-SERVICES').push(...sources.map((source) => `${source}-d ${ip}/32 ${match} ${target}`));
    else refuse(`-d ${ip}/32 ${match}`);
    if (port.sourceRanges.length > 0) chain(filter, 'SKIFF-FILTER').push(`-d ${ip}/32 ${match} -j DROP`);
  }
  if (port.nodePort === undefined) return;
  const nodeMatch = `-p ${port.protocol} -m ${port.protocol} --dport ${String(port.nodePort)}`;
  if (port.backends.length > 0) chain(nat, 'SKIFF-NODEPORTS').push(`${nodeMatch} ${target}`);
  // With policy Local and nothing here the node stays silent, as load balancers expect; with nothing anywhere it refuses.
  if (port.backends.length === 0) refuse(`-m addrtype --dst-type LOCAL ${nodeMatch}`);
  else if (local.length === 0) chain(filter, 'SKIFF-FILTER').push(`-m addrtype --dst-type LOCAL ${nodeMatch} -j DROP`);
}

/** Policy Local keeps the client's address and this node's endpoints; callers inside the cluster are not bound by it. */
function externalRules(port: ServicePortRules, local: readonly Backend[], name: string, clusterCidr: string): string[] {
  const all = port.internalLocal || port.externalLocal ? `SKIFF-ALL-${name}` : `SKIFF-SVC-${name}`;
  if (!port.externalLocal) return [`-j MARK --or-mark ${MARK}`, `-j ${all}`];
  return [
    `-s ${clusterCidr} -j ${all}`,
    `-m addrtype --src-type LOCAL -j MARK --or-mark ${MARK}`,
    `-m addrtype --src-type LOCAL -j ${all}`,
    ...balance(port, local, `EXT-${name}`),
  ];
}

/** Picks an endpoint with equal chances; with affinity, first the one this client had. */
function balance(port: ServicePortRules, backends: readonly Backend[], list: string): string[] {
  const rules: string[] = [];
  const target = ({ ip, port: to }: Backend): string => `-p ${port.protocol} -m ${port.protocol} -j DNAT --to-destination ${ip}:${String(to)}`;
  const memory = ({ ip, port: to }: Backend): string => `SKIFF-${digest(`${list} ${ip}:${String(to)}`)}`;
  if (port.affinitySeconds !== undefined) {
    for (const backend of backends) rules.push(`-m recent --rcheck --seconds ${String(port.affinitySeconds)} --reap --name ${memory(backend)} --mask 255.255.255.255 --rsource ${target(backend)}`);
  }
  for (const [index, backend] of backends.entries()) {
    const left = backends.length - index;
    const chance = left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `;
    const remember = port.affinitySeconds === undefined ? '' : `-m recent --set --name ${memory(backend)} --mask 255.255.255.255 --rsource `;
    rules.push(`${chance}${remember}${target(backend)}`);
  }
  return rules;
}

function refused({ protocol, backends }: ServicePortRules): string {
  if (backends.length > 0) return '-j DROP';
  return protocol === 'tcp' ? '-j REJECT --reject-with tcp-reset' : '-j REJECT --reject-with icmp-port-unreachable';
}

function chain(chains: Chains, name: string): string[] {
  const rules = chains.get(name) ?? [];
  chains.set(name, rules);
  return rules;
}

function chainName({ id, protocol, port }: ServicePortRules): string {
  return digest(`${id}/${protocol}/${String(port)}`);
}

function digest(text: string): string {
  return hash('sha256', text).slice(0, 16).toUpperCase();
}
