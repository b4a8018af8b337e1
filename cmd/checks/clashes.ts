// What else is on this machine and would be in the way: another Kubernetes, networks with the cluster's addresses, firewalls.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failed, namesIn, ok, textOf, warning, type Check, type Finding, type Machine, type Wanted } from './check.ts';

/** By the name of their process. A container runtime by itself (containerd, Docker) is no clash. */
const OTHERS: Record<string, [name: string, fix: string]> = {
  'k3s-server': ['K3s', 'k3s-killall.sh && systemctl disable --now k3s (or k3s-uninstall.sh)'],
  'k3s-agent': ['K3s', 'k3s-killall.sh && systemctl disable --now k3s-agent (or k3s-agent-uninstall.sh)'],
  rke2: ['RKE2', 'rke2-killall.sh && systemctl disable --now rke2-server rke2-agent (or rke2-uninstall.sh)'],
  k0s: ['k0s', 'k0s stop && k0s reset'],
  kubelite: ['MicroK8s', 'microk8s stop (or snap remove microk8s)'],
  kubelet: ['a kubelet', 'systemctl disable --now kubelet (kubeadm: kubeadm reset)'],
};

export const otherKubernetes: Check = {
  name: 'other Kubernetes',
  look({ node }, machine) {
    if (!node) return [];
    const running = new Set(namesIn(machine, '/proc').filter((entry) => /^\d+$/.test(entry)).map((pid) => textOf(machine, `/proc/${pid}/comm`).trim()));
    const found = Object.entries(OTHERS).filter(([process]) => running.has(process));
    return found.length === 0 ? [ok('none runs')] : found.map(([, [other, fix]]) => failed(`${other} runs here: a machine can be a node of one cluster only`, fix));
  },
};

interface Route {
  device: string;
  base: number;
  bits: number;
  viaGateway: boolean;
}

const OUR_LINKS = /^(skf[0-9a-f]{11}|skiff[.-].*)$/;
const RTF_GATEWAY = 2;

export const networks: Check = {
  name: 'networks',
  look({ verb, settings, node }, machine) {
    if (verb !== 'server' || !node) return [];
    const wanted = [...settings['cluster-cidr'].map((cidr) => ['cluster-cidr', cidr] as const), ...settings['service-cidr'].map((cidr) => ['service-cidr', cidr] as const)];
    const problems = wanted.flatMap(([flag, cidr]) => overlaps(flag, cidr, machine));
    return problems.length > 0 ? problems : [ok(wanted.map(([, cidr]) => cidr).join(', '))];
  },
};

function overlaps(flag: string, cidr: string, machine: Machine): Finding[] {
  const own = parseCidr(cidr);
  if (own === undefined) return [];
  return routesOf(machine)
    // What lies within it and behind a gateway may be a route of ours, to another node.
    .filter(({ base, bits, device, viaGateway }) => bits > 0 && !OUR_LINKS.test(device) && !(viaGateway && bits >= own.bits) && covers({ base, bits }, own))
    .map(({ device, base, bits, viaGateway }) => {
      const left = ['cni0', 'flannel.1'].includes(device) ? `ip link delete ${device} (left over from another Kubernetes), or choose` : 'choose';
      const text = `the network ${formatAddress(base)}/${String(bits)} of ${device} has the addresses of --${flag} ${cidr}`;
      return (viaGateway ? warning : failed)(text, `${left} others with --${flag}`);
    });
}

function routesOf(machine: Machine): Route[] {
  return textOf(machine, '/proc/self/net/route').trim().split('\n').slice(1).map((row) => row.split('\t')).map(([device = '', destination = '', , flags = '', , , , mask = '']) => ({
    device, base: swap(destination), bits: swap(mask).toString(2).replaceAll('0', '').length, viaGateway: (Number.parseInt(flags, 16) & RTF_GATEWAY) !== 0,
  }));
}

function swap(hex: string): number {
  return Number.parseInt((hex.match(/../g) ?? []).reverse().join(''), 16);
}

function parseCidr(cidr: string): { base: number; bits: number } | undefined {
  const [, address = '', bits = ''] = /^((?:\d+\.){3}\d+)\/(\d+)$/.exec(cidr) ?? [];
  return address === '' ? undefined : { base: address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), bits: Number(bits) };
}

function covers(a: { base: number; bits: number }, b: { base: number; bits: number }): boolean {
  const size = 2 ** (32 - Math.min(a.bits, b.bits));
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}

function formatAddress(base: number): string {
  return [24, 16, 8, 0].map((shift) => String((base >>> shift) & 255)).join('.');
}

export const firewall: Check = {
  name: 'firewall',
  look(wanted, machine) {
    if (!wanted.node) return [];
    const problems = [...ufw(wanted, machine), ...firewalld(wanted, machine)];
    return problems.length > 0 ? problems : [ok('none in the way')];
  },
};

function openPorts({ verb, settings }: Wanted): string[] {
  return [...(verb === 'server' ? [String(settings['https-listen-port'])] : []), String(settings['kubelet-port'])];
}

function ufw(wanted: Wanted, machine: Machine): Finding[] {
  if (!/^ENABLED=yes/m.test(textOf(machine, '/etc/ufw/ufw.conf'))) return [];
  return [warning('ufw is on: pods and other machines are kept out', `ufw allow ${openPorts(wanted).join(',')}/tcp && ufw allow 8472/udp && ufw allow from ${wanted.settings['cluster-cidr']?.[0] ?? '10.42.0.0/16'}`)];
}

function firewalld(wanted: Wanted, machine: Machine): Finding[] {
  if (!existsSync(join(machine.root, '/run/firewalld.pid')) && !existsSync(join(machine.root, '/run/firewalld'))) return [];
  const cidrs = [...(wanted.settings['cluster-cidr'] ?? ['10.42.0.0/16']), ...(wanted.settings['service-cidr'] ?? ['10.43.0.0/16'])];
  const words = [...openPorts(wanted).map((port) => `--add-port=${port}/tcp`), '--add-port=8472/udp', ...cidrs.map((cidr) => `--add-source=${cidr}`)];
  return [warning('firewalld is on: pods and other machines are kept out', `firewall-cmd --permanent --zone=trusted ${words.join(' ')} && firewall-cmd --reload`)];
}
