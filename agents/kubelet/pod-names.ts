// A pod's host name, its resolv.conf and its /etc/hosts (DNS for Services and Pods; hostAliases; KEP-1797 setHostnameAsFQDN).
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Pod } from '../../internal/kinds/generated/api-types.ts';
import { readFileIfThere } from '../../internal/base/files.ts';
import type { DnsSettings } from './node-context.ts';
import { isHostNetwork } from './pod-spec.ts';

export interface DnsConfig {
  servers: string[];
  searches: string[];
  options: string[];
}

/** The short name, and the full one when the pod has a subdomain. */
function namesOf(pod: Pod, clusterDomain: string): { host: string; domain: string } {
  if (pod.spec.hostnameOverride !== undefined && pod.spec.hostnameOverride !== '') return { host: pod.spec.hostnameOverride, domain: '' };
  const given = pod.spec.hostname;
  const host = given !== undefined && given !== '' ? given : pod.metadata.name.slice(0, 63).replace(/[-.]+$/, '');
  const { subdomain } = pod.spec;
  return { host, domain: subdomain === undefined || subdomain === '' ? '' : `${subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}` };
}

/** What the UTS namespace gets. */
export function hostnameOf(pod: Pod, clusterDomain: string): string {
  if (isHostNetwork(pod)) return hostname();
  const { host, domain } = namesOf(pod, clusterDomain);
  if (pod.spec.setHostnameAsFQDN !== true || domain === '') return host;
  const full = `${host}.${domain}`;
  if (full.length > 64) throw new Error(`failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (64 characters is the max, ${String(full.length)} characters requested)`);
  return full;
}

export function dnsOf(pod: Pod, settings: DnsSettings): DnsConfig {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const cluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !isHostNetwork(pod));
  const base = policy === 'None' ? { servers: [], searches: [], options: [] } : cluster && settings.clusterDns.length > 0 ? clusterDns(pod, settings) : parseResolvConf(readFileIfThere(settings.resolvConf) ?? '');
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {};
  const named = new Map(base.options.map((option) => [option.split(':')[0] ?? '', option]));
  for (const { name = '', value } of options) named.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  return { servers: unique([...base.servers, ...nameservers]), searches: unique([...base.searches, ...searches]), options: [...named.values()] };
}

function clusterDns(pod: Pod, { clusterDns: servers, clusterDomain, resolvConf }: DnsSettings): DnsConfig {
  const own = [`${pod.metadata.namespace ?? ''}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return { servers: [...servers], searches: unique([...own, ...parseResolvConf(readFileIfThere(resolvConf) ?? '').searches]), options: ['ndots:5'] };
}

function parseResolvConf(text: string): DnsConfig {
  const config: DnsConfig = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [word = '', ...rest] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) config.servers.push(rest[0]);
    if (word === 'search') config.searches = rest.map((name) => (name === '.' ? name : name.replace(/\.$/, '')));
    if (word === 'options') config.options = rest;
  }
  return config;
}

const LOCAL_NAMES = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::0\tip6-localnet', 'fe00::0\tip6-mcastprefix', 'fe00::1\tip6-allnodes', 'fe00::2\tip6-allrouters'];

export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, nodeHosts = '/etc/hosts'): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  const appendix = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`;
  if (isHostNetwork(pod)) return `# Kubernetes-managed hosts file (host network).\n${readFileSync(nodeHosts, 'utf8')}${appendix}`;
  const { host, domain } = namesOf(pod, clusterDomain);
  const own = podIps.map((ip) => (domain === '' ? `${ip}\t${host}` : `${ip}\t${host}.${domain}\t${host}`));
  return `# Kubernetes-managed hosts file.\n${[...LOCAL_NAMES, ...own].join('\n')}\n${appendix}`;
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}
