// What a Service's author is told (upstream: pkg/api/service, GetWarningsForService).
import type { Service } from '../generated/api-types.ts';
import { ipWarnings, networkWarnings } from '../networking/ip-address.ts';

const HINTS = 'service.kubernetes.io/topology-aware-hints';

export function serviceWarnings({ metadata, spec }: Service): string[] {
  const { type, clusterIP = '', clusterIPs = [], externalIPs = [], loadBalancerIP = '', loadBalancerSourceRanges = [], externalName = '', sessionAffinity, trafficDistribution } = spec;
  const headless = type === 'ClusterIP' && clusterIP === 'None';
  const isName = type === 'ExternalName';
  return [
    ...(metadata.annotations?.[HINTS] === undefined ? [] : [`annotation ${HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`]),
    ...(clusterIP === '' || clusterIP === 'None' ? [] : clusterIPs.flatMap((ip, index) => ipWarnings(ip, `spec.clusterIPs[${String(index)}]`))),
    ...(headless && loadBalancerIP !== '' ? ['spec.loadBalancerIP is ignored for headless services'] : []),
    ...(headless && externalIPs.length > 0 ? ['spec.externalIPs is ignored for headless services'] : []),
    ...(headless && sessionAffinity !== 'None' ? ['spec.SessionAffinity is ignored for headless services'] : []),
    ...externalIPs.flatMap((ip, index) => ipWarnings(ip, `spec.externalIPs[${String(index)}]`)),
    ...(externalIPs.length > 0 && !headless && !isName ? ['spec.externalIPs is deprecated and may no longer be implemented in some clusters'] : []),
    ...(loadBalancerIP === '' ? [] : ipWarnings(loadBalancerIP, 'spec.loadBalancerIP')),
    ...loadBalancerSourceRanges.flatMap((range, index) => networkWarnings(range, `spec.loadBalancerSourceRanges[${String(index)}]`)),
    ...(isName && externalIPs.length > 0 ? ['spec.externalIPs is ignored when spec.type is "ExternalName"'] : []),
    ...(!isName && externalName !== '' ? ['spec.externalName is ignored when spec.type is not "ExternalName"'] : []),
    ...(trafficDistribution === 'PreferClose' ? ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'] : []),
  ];
}
