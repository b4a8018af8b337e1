// Validation of Services (upstream: ValidateService, ValidateServiceUpdate), after addresses and ports were allocated.
import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, subdomainProblems } from '../../api/names.ts';
import type { Service, ServicePort } from '../generated/api-types.ts';
import { oneOf } from '../choices.ts';
import { endpointIpProblems, ipProblems, isIpv4, isIpv6, networkProblems } from '../networking/ip-address.ts';
import { validateLabels } from '../label-selector.ts';
import { validatePort } from '../pod-spec/probes.ts';
import { isExternal, needsHealthPort } from './service-type.ts';

const AFFINITY_SECONDS_MAX = 86400;
const INTERNAL = ['Cluster', 'Local'];
const FAMILIES = ['IPv4', 'IPv6'];
const POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

export function validateService(service: Service): FieldError[] {
  const { spec } = service;
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  if (ports.length === 0 && !isHeadless(service) && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  const names = new Set<string>();
  errors.push(
    ...validateType(service),
    ...ports.flatMap((port, index) => validateServicePort(port, { path: `spec.ports[${String(index)}]`, nameNeeded: ports.length > 1, names })),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(service),
    ...validateClusterIps(service),
    ...(spec.externalIPs ?? []).flatMap((ip, index) => externalIpProblems(ip).map((problem) => invalid(`spec.externalIPs[${String(index)}]`, ip, problem))),
    ...oneOf(spec.type, 'spec.type', ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...validatePortUse(service),
    ...validateLoadBalancer(service),
    ...validateTraffic(service),
  );
  return errors;
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = validateClusterIpChange(service, old);
  const { loadBalancerClass: next } = service.spec;
  if (service.spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer' && next !== old.spec.loadBalancerClass) errors.push(invalid('spec.loadBalancerClass', next ?? null, 'may not change once set'));
  if (needsHealthPort(service) && needsHealthPort(old) && service.spec.healthCheckNodePort !== old.spec.healthCheckNodePort) errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  return errors;
}

const IP_MODES = ['Proxy', 'VIP'];

export function validateBalancerStatus({ spec, status }: Service): FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const path = 'status.loadBalancer.ingress';
  if (ingress.length > 0 && spec.type !== 'LoadBalancer') return [forbidden(path, 'may only be used when `spec.type` is \'LoadBalancer\'')];
  return ingress.flatMap(({ ip = '', ipMode, hostname = '' }, index) => {
    const at = `${path}[${String(index)}]`;
    const errors = ip === '' ? [] : ipProblems(ip).map((problem) => invalid(`${at}.ip`, ip, problem));
    if (ipMode === undefined && ip !== '') errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    else if (ipMode !== undefined && ip === '') errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    else if (ipMode !== undefined && !IP_MODES.includes(ipMode)) errors.push(notSupported(`${at}.ipMode`, ipMode, IP_MODES));
    if (hostname === '') return errors;
    errors.push(...subdomainProblems(hostname).map((problem) => invalid(`${at}.hostname`, hostname, problem)));
    return isIpv4(hostname) || isIpv6(hostname) ? [...errors, invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address')] : errors;
  });
}

function isHeadless({ spec }: Service): boolean {
  return (spec.clusterIPs ?? [])[0] === 'None' || spec.clusterIP === 'None';
}

function validateType(service: Service): FieldError[] {
  const { type, clusterIPs = [], ipFamilies = [], ipFamilyPolicy, externalName = '' } = service.spec;
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(service)) return [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)];
  if (type !== 'ExternalName') return [];
  const errors: FieldError[] = [];
  if (clusterIPs.length > 0) errors.push(forbidden('spec.clusterIPs', 'may not be set for ExternalName services'));
  if (ipFamilies.length > 0) errors.push(forbidden('spec.ipFamilies', 'may not be set for ExternalName services'));
  if (ipFamilyPolicy !== undefined) errors.push(forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services'));
  const name = externalName.endsWith('.') ? externalName.slice(0, -1) : externalName;
  if (name === '') errors.push(required('spec.externalName'));
  else for (const problem of subdomainProblems(name)) errors.push(invalid('spec.externalName', name, problem));
  return errors;
}

function validateServicePort(port: ServicePort, { path, nameNeeded, names }: { path: string; nameNeeded: boolean; names: Set<string> }): FieldError[] {
  const { name = '', appProtocol } = port;
  const errors: FieldError[] = [];
  if (name === '') {
    if (nameNeeded) errors.push(required(`${path}.name`));
  } else {
    for (const problem of dnsLabelProblems(name)) errors.push(invalid(`${path}.name`, name, problem));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
  }
  errors.push(...validatePort(port.port ?? 0, `${path}.port`), ...oneOf(port.protocol, `${path}.protocol`, ['SCTP', 'TCP', 'UDP']), ...validatePort(port.targetPort ?? port.port ?? 0, `${path}.targetPort`));
  if (appProtocol !== undefined) for (const problem of labelKeyProblems(appProtocol)) errors.push(invalid(`${path}.appProtocol`, appProtocol, problem));
  return errors;
}

function validateAffinity({ spec: { sessionAffinity, sessionAffinityConfig } }: Service): FieldError[] {
  const path = 'spec.sessionAffinityConfig';
  if (sessionAffinity !== 'None' && sessionAffinity !== 'ClientIP') return oneOf(sessionAffinity, 'spec.sessionAffinity', ['ClientIP', 'None']);
  if (sessionAffinity === 'None') return sessionAffinityConfig === undefined ? [] : [forbidden(path, 'must not be set when session affinity is None')];
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) return [required(`${path}.clientIP`, 'when session affinity type is ClientIP')];
  return seconds > 0 && seconds <= AFFINITY_SECONDS_MAX ? [] : [invalid(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${String(AFFINITY_SECONDS_MAX)}`)];
}

/** Before addresses are chosen, too: what is wrong is not looked for in the range. */
export function validateClusterIps({ spec }: Service): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  const errors: FieldError[] = [];
  if (clusterIP !== '' && clusterIPs.length === 0) errors.push(required('spec.clusterIPs'));
  else if (clusterIP !== '' && clusterIPs[0] !== clusterIP) errors.push(invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`'));
  else if (clusterIP === '' && clusterIPs.length > 0) errors.push(invalid('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified'));
  ipFamilies.forEach((family, index) => {
    const at = `spec.ipFamilies[${String(index)}]`;
    if (!FAMILIES.includes(family)) errors.push(notSupported(at, family, FAMILIES));
    if (ipFamilies.indexOf(family) < index) errors.push(duplicate(at, family));
  });
  if (spec.ipFamilyPolicy !== undefined && !POLICIES.includes(spec.ipFamilyPolicy)) errors.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, POLICIES));
  clusterIPs.forEach((ip, index) => {
    if (index === 0 && ip === 'None') {
      if (clusterIPs.length > 1) errors.push(invalid('spec.clusterIPs', clusterIPs, '\'None\' must be the first and only value'));
      return;
    }
    const at = `spec.clusterIPs[${String(index)}]`;
    for (const problem of ipProblems(ip)) errors.push(invalid(at, ip, problem));
    if (ipFamilies[index] === 'IPv4' && isIpv6(ip)) errors.push(invalid(at, ip, `expected an IPv4 value as indicated by \`ipFamilies[${String(index)}]\``));
    if (ipFamilies[index] === 'IPv6' && isIpv4(ip)) errors.push(invalid(at, ip, `expected an IPv6 value as indicated by \`ipFamilies[${String(index)}]\``));
  });
  if (clusterIPs.length > 2) errors.push(invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'));
  else if (clusterIPs.length === 2 && clusterIPs.every((ip) => ipProblems(ip).length === 0) && clusterIPs.filter(isIpv4).length !== 1) errors.push(invalid('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family'));
  return errors;
}

function validatePortUse({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const nodePorts = new Set<string>();
  const ports = new Set<string>();
  (spec.ports ?? []).forEach(({ port, nodePort, protocol }, index) => {
    const at = `spec.ports[${String(index)}]`;
    if (nodePort && spec.type === 'ClusterIP') errors.push(forbidden(`${at}.nodePort`, 'may not be used when `type` is \'ClusterIP\''));
    if (nodePort && nodePorts.has(`${protocol ?? ''}/${String(nodePort)}`)) errors.push(duplicate(`${at}.nodePort`, nodePort));
    if (nodePort) nodePorts.add(`${protocol ?? ''}/${String(nodePort)}`);
    if (ports.has(`${protocol ?? ''}/${String(port)}`)) errors.push(duplicate(at, { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }));
    ports.add(`${protocol ?? ''}/${String(port)}`);
  });
  return errors;
}

function validateLoadBalancer({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const balanced = spec.type === 'LoadBalancer';
  if (ranges.length > 0 && !balanced) errors.push(forbidden('spec.LoadBalancerSourceRanges', 'may only be used when `type` is \'LoadBalancer\''));
  ranges.forEach((range, index) => { for (const problem of networkProblems(range.trim())) errors.push(invalid(`spec.LoadBalancerSourceRanges[${String(index)}]`, range, problem)); });
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) errors.push(forbidden('spec.allocateLoadBalancerNodePorts', 'may only be used when `type` is \'LoadBalancer\''));
  if (spec.loadBalancerClass !== undefined) {
    if (!balanced) errors.push(forbidden('spec.loadBalancerClass', 'may only be used when `type` is \'LoadBalancer\''));
    else for (const problem of labelKeyProblems(spec.loadBalancerClass)) errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, problem));
  }
  return errors;
}

function validateTraffic(service: Service): FieldError[] {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort, trafficDistribution } = service.spec;
  const errors: FieldError[] = [];
  if (externalTrafficPolicy !== undefined && !isExternal(service)) errors.push(invalid('spec.externalTrafficPolicy', externalTrafficPolicy, 'may only be set for externally-accessible services'));
  else if (isExternal(service)) errors.push(...oneOf(externalTrafficPolicy, 'spec.externalTrafficPolicy', ['Cluster', 'Local']));
  if (internalTrafficPolicy === undefined) {
    if (service.spec.type !== 'ExternalName') errors.push(required('spec.internalTrafficPolicy'));
  } else if (!INTERNAL.includes(internalTrafficPolicy)) errors.push(notSupported('spec.internalTrafficPolicy', internalTrafficPolicy, INTERNAL));
  if (healthCheckNodePort && !needsHealthPort(service)) errors.push(invalid('spec.healthCheckNodePort', healthCheckNodePort, 'may only be set when `type` is \'LoadBalancer\' and `externalTrafficPolicy` is \'Local\''));
  const known = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (trafficDistribution !== undefined && !known.includes(trafficDistribution)) errors.push(notSupported('spec.trafficDistribution', trafficDistribution, known));
  return errors;
}

function validateClusterIpChange(service: Service, old: Service): FieldError[] {
  if (service.spec.type === 'ExternalName' || old.spec.type === 'ExternalName' || (isHeadless(service) && isHeadless(old))) return [];
  const next = service.spec.clusterIPs ?? [];
  const was = old.spec.clusterIPs ?? [];
  if (was.length > 0 && next.length === 0) return [invalid('spec.clusterIPs[0]', next, 'primary clusterIP can not be unset')];
  const errors = was.flatMap((ip, index) => (index < next.length && ip !== next[index] ? [invalid(`spec.clusterIPs[${String(index)}]`, next, 'may not change once set')] : []));
  if (was.length > next.length && service.spec.ipFamilyPolicy !== 'SingleStack') errors.push(invalid('spec.ipFamilyPolicy', service.spec.ipFamilyPolicy ?? null, 'must be set to \'SingleStack\' when releasing the secondary clusterIP'));
  return errors;
}

function externalIpProblems(ip: string): string[] {
  const problems = ipProblems(ip);
  if (problems.length > 0) return problems;
  return endpointIpProblems(ip);
}
