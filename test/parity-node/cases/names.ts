// Host names, /etc/hosts, resolv.conf, host namespaces and ports, process namespaces.
import type { PodSpec } from '../../../internal/kinds/generated/api-types.ts';
import { never, sh, PRINTS, type NodeCase } from '../case.ts';

const done = PRINTS;
const names = (spec: Partial<PodSpec> = {}): PodSpec => ({ ...never(sh('main', 'sleep 2; hostname; hostname -f; cat /etc/hostname; cat /etc/hosts')), ...spec });
const resolves = (spec: Partial<PodSpec> = {}): PodSpec => ({ ...never(sh('main', 'sleep 2; cat /etc/resolv.conf; ls -l /etc/resolv.conf | cut -c1-10')), ...spec });
const long = 'a-name-that-is-longer-than-sixty-three-characters-so-that-it-has-to-be-cut';

export const NAMES: readonly NodeCase[] = [
  { name: 'names-default', spec: names(), ...done },
  { name: 'names-hostname', spec: names({ hostname: 'mine' }), ...done },
  { name: 'names-subdomain', spec: names({ hostname: 'mine', subdomain: 'sub' }), ...done },
  { name: 'names-subdomain-only', spec: names({ subdomain: 'sub' }), ...done },
  { name: 'names-fqdn', spec: names({ hostname: 'mine', subdomain: 'sub', setHostnameAsFQDN: true }), ...done },
  { name: 'names-fqdn-without-subdomain', spec: names({ setHostnameAsFQDN: true }), ...done },
  { name: 'names-override', spec: names({ hostnameOverride: 'over.example.com' }), ...done },
  { name: long, spec: names(), ...done },
  { name: 'names-fqdn-too-long', spec: names({ hostname: 'a-rather-long-host-name-for-a-pod-that-has-a-subdomain', subdomain: 'and-its-subdomain-is-long-too', setHostnameAsFQDN: true }), steps: async (play) => { await play.event('FailedCreatePodSandBox'); }, ends: () => true },
  { name: 'names-aliases', spec: names({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['one', 'uno'] }, { ip: '5.6.7.8', hostnames: ['two'] }] }), ...done },
  { name: 'names-host-network', spec: { ...never(sh('main', 'sleep 2; hostname; grep -v "^$" /etc/hosts')), hostNetwork: true }, ...done },
  { name: 'names-host-network-aliases', spec: { ...never(sh('main', 'sleep 2; cat /etc/hosts')), hostNetwork: true, hostAliases: [{ ip: '1.2.3.4', hostnames: ['one'] }] }, ...done },
  { name: 'dns-cluster-first', spec: resolves(), ...done },
  { name: 'dns-default', spec: resolves({ dnsPolicy: 'Default' }), ...done },
  { name: 'dns-host-network', spec: resolves({ hostNetwork: true }), ...done },
  { name: 'dns-host-network-cluster', spec: resolves({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), ...done },
  { name: 'dns-none', spec: resolves({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.2.3.4', '5.6.7.8'], searches: ['one.example', 'two.example'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } }), ...done },
  { name: 'dns-config-added', spec: resolves({ dnsConfig: { nameservers: ['1.2.3.4'], searches: ['one.example', 'svc.cluster.local'], options: [{ name: 'ndots', value: '2' }, { name: 'rotate' }] } }), ...done },
  { name: 'dns-default-with-config', spec: resolves({ dnsPolicy: 'Default', dnsConfig: { searches: ['one.example'], options: [{ name: 'timeout', value: '3' }] } }), ...done },
  { name: 'host-pid', spec: { ...never(sh('main', 'sleep 2; [ $$$$ -gt 1 ] && echo of the host')), hostPID: true }, ...done },
  { name: 'host-ipc', spec: { ...never(sh('main', 'sleep 2; ls -ld /dev/shm | cut -c1-10')), hostIPC: true }, ...done },
  { name: 'own-pids', spec: never(sh('main', 'sleep 2; echo $$; ps -o pid,args | head -2')), ...done },
  { name: 'shared-pids', spec: { ...never(sh('main', 'sleep 4; ps -o args | grep -c -e "exec sleep 43[2]1" -e "^sleep 432[1]"; tr "\\0" " " < /proc/1/cmdline | grep -c pause'), sh('other', 'trap "exit 0" TERM; (sleep 7)& exec sleep 4321')), shareProcessNamespace: true }, ends: (pod) => pod.status?.containerStatuses?.find(({ name }) => name === 'main')?.state?.terminated !== undefined, output: ['main'] },
  { name: 'host-port', spec: never(sh('main', 'sleep 3', { ports: [{ containerPort: 80, hostPort: 31998, name: 'http' }] })), ends: 'Succeeded' },
  { name: 'loopback', spec: never(sh('main', 'sleep 2; ip -o addr show lo | cut -d" " -f2-7; ip -o link | wc -l; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/sys/net/ipv4/ping_group_range')), ...done },
  { name: 'dns-without-servers', spec: resolves({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.2.3.4'] } }), ...done },
  { name: 'dns-option-without-value', spec: resolves({ dnsConfig: { options: [{ name: 'single-request' }, { name: 'ndots' }] } }), ...done },
  { name: 'dns-host-network-with-config', spec: resolves({ hostNetwork: true, dnsConfig: { searches: ['one.example'] } }), ...done },
  { name: 'names-host-network-hostname', spec: { ...never(sh('main', 'sleep 2; hostname; cat /etc/hostname')), hostNetwork: true, hostname: 'mine' }, ...done },
  { name: 'names-aliases-of-one-address', spec: names({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['one'] }, { ip: '1.2.3.4', hostnames: ['uno'] }, { ip: '::1', hostnames: ['six'] }] }), ...done },
];
