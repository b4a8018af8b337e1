// What a change of a Service's type takes away, and what an update that says nothing keeps (upstream: registry/core/service/strategy.go
// dropTypeDependentFields, storage.go patchAllocatedValues).
import type { Service, ServicePort } from '../generated/api-types.ts';

export function clearForTypeChange(draft: Service, old: Service): void {
  followPrimaryAddress(draft, old);
  keepAllocated(draft, old);
  const { spec } = draft;
  const was = old.spec;
  if (needsClusterIp(old) && !needsClusterIp(draft)) {
    if (same(spec.clusterIPs, was.clusterIPs) && spec.clusterIP === was.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (same(spec.ipFamilies, was.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === was.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (needsNodePort(old) && !needsNodePort(draft) && samePorts(spec.ports, was.ports)) for (const port of spec.ports ?? []) delete port.nodePort;
  if (needsHealthPort(old) && !needsHealthPort(draft) && spec.healthCheckNodePort === was.healthCheckNodePort) delete spec.healthCheckNodePort;
  if (was.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === was.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === was.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (isExternal(old) && !isExternal(draft) && spec.externalTrafficPolicy === was.externalTrafficPolicy) delete spec.externalTrafficPolicy;
}

// A client that knows clusterIP only changes clusterIPs by it.
function followPrimaryAddress({ spec }: Service, { spec: was }: Service): void {
  if (spec.clusterIP === was.clusterIP || !same(spec.clusterIPs, was.clusterIPs)) return;
  if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP];
  else if (was.clusterIP) delete spec.clusterIPs;
}

// A client that replaces a Service without the values it was given keeps them.
function keepAllocated({ spec }: Service, old: Service): void {
  const was = old.spec;
  const draft = { spec } as Service;
  if (needsClusterIp(old) && needsClusterIp(draft)) {
    if (!spec.clusterIP && was.clusterIP) spec.clusterIP = was.clusterIP;
    if (spec.clusterIPs === undefined && spec.clusterIP === was.clusterIP && was.clusterIPs !== undefined) spec.clusterIPs = [...was.clusterIPs];
    if (spec.ipFamilies === undefined && was.ipFamilies !== undefined) spec.ipFamilies = [...was.ipFamilies];
    if (spec.ipFamilyPolicy === undefined && was.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy = was.ipFamilyPolicy;
  }
  if (needsNodePort(old) && needsNodePort(draft)) keepNodePorts(spec.ports ?? [], was.ports ?? []);
  if (needsHealthPort(old) && needsHealthPort(draft) && !spec.healthCheckNodePort && was.healthCheckNodePort) spec.healthCheckNodePort = was.healthCheckNodePort;
}

function keepNodePorts(ports: readonly ServicePort[], was: readonly ServicePort[]): void {
  const taken = new Set(ports.map(({ nodePort, protocol }) => `${protocol ?? ''}/${String(nodePort ?? 0)}`));
  for (const port of ports) {
    if (port.nodePort) continue;
    const match = was.find((other) => other.protocol === port.protocol && other.port === port.port);
    if (match?.nodePort && !taken.has(`${port.protocol ?? ''}/${String(match.nodePort)}`)) port.nodePort = match.nodePort;
  }
}

export function needsClusterIp({ spec }: Service): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

export function needsNodePort({ spec }: Service): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

export function needsHealthPort({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

export function isExternal({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
}

function same(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/** Ports may come and go, as long as none has a node port that was not there. */
function samePorts(a: readonly ServicePort[] = [], b: readonly ServicePort[] = []): boolean {
  return a.every((port) => !port.nodePort || b.some(({ nodePort }) => nodePort === port.nodePort));
}
