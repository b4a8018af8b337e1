// What the packet rules are made from: one value per Service port, with the endpoints that traffic may go to from here.
import type { Endpoint, EndpointSlice, Service, ServicePort } from '../../internal/kinds/generated/api-types.ts';

export interface Backend {
  ip: string;
  port: number;
  local: boolean;
}

export interface ServicePortRules {
  /** `namespace/name:port`, for names and comments. */
  id: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  port: number;
  clusterIps: string[];
  /** Addresses beside the cluster IP that are answered on every node: externalIPs and load balancer addresses. */
  externalIps: string[];
  loadBalancerIps: string[];
  sourceRanges: string[];
  nodePort: number | undefined;
  /** Seconds that a client stays with its endpoint. */
  affinitySeconds: number | undefined;
  internalLocal: boolean;
  externalLocal: boolean;
  /** Those that take traffic: the ready ones; when none is ready, those that still serve while terminating. */
  backends: Backend[];
}

export function servicePorts(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServicePortRules[] {
  const { spec, status, metadata } = service;
  const clusterIps = (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter(isIpv4);
  if (spec.type === 'ExternalName' || clusterIps.length === 0) return [];
  return (spec.ports ?? []).map((port) => ({
    id: `${metadata.namespace ?? ''}/${metadata.name}${port.name === undefined || port.name === '' ? '' : `:${port.name}`}`,
    protocol: (port.protocol ?? 'TCP').toLowerCase() as ServicePortRules['protocol'],
    port: port.port,
    clusterIps,
    externalIps: (spec.externalIPs ?? []).filter(isIpv4),
    loadBalancerIps: (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip ?? '').filter(isIpv4),
    sourceRanges: (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter((range) => isIpv4(range.split('/')[0] ?? '')),
    nodePort: port.nodePort === undefined || port.nodePort === 0 ? undefined : port.nodePort,
    affinitySeconds: spec.sessionAffinity === 'ClientIP' ? spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800 : undefined,
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    backends: backendsOf(port, slices, nodeName),
  }));
}

function backendsOf(port: ServicePort, slices: readonly EndpointSlice[], nodeName: string): Backend[] {
  const ready = new Map<string, Backend>();
  const serving = new Map<string, Backend>();
  for (const slice of slices.filter(({ addressType }) => addressType === 'IPv4')) {
    const target = slice.ports?.find((each) => (each.name ?? '') === (port.name ?? '') && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.port;
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const ip = endpoint.addresses[0] ?? '';
      const backend = { ip, port: target, local: endpoint.nodeName === nodeName };
      if (isReady(endpoint)) ready.set(`${ip}:${String(target)}`, backend);
      else if (endpoint.conditions?.serving === true && endpoint.conditions.terminating === true) serving.set(`${ip}:${String(target)}`, backend);
    }
  }
  const chosen = ready.size > 0 ? ready : serving;
  return [...chosen.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, backend]) => backend);
}

// An endpoint that says nothing is ready.
function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready ?? true;
}

function isIpv4(text: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(text);
}
