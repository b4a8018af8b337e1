// The names of the cluster, as the Kubernetes DNS specification 1.1.0 has them, computed from the views for each question: nothing is kept.
//
//   dns-version.D  TXT                    S.N.svc.D  A AAAA (of the Service, or of its endpoints where it is headless), CNAME (ExternalName)
//   1-2-3-4.N.pod.D  A                    _port._proto.S.N.svc.D  SRV         E.S.N.svc.D  A of one endpoint, by its hostname or dashed address
//   D  SOA NS, ns.dns.D  A                reverse names of Services and of endpoints  PTR
//
// Pod names are worked out from the name alone, whether or not there is such a pod. Who may see a name is not asked.
import { SERVICE_NAME, SLICES_BY_SERVICE } from '../../internal/informer/service-slices.ts';
import type { Index, Views } from '../../internal/informer/view.ts';
import type { EndpointSlice, Service } from '../../internal/kinds/generated/api-types.ts';
import { ENDPOINTSLICES, SERVICES } from '../../internal/kinds/generated/resources.ts';
import { addressKey, dashedAddress, reverseKey } from './address.ts';
import { addressData, EMPTY, MISSING, ofTypes, TTL, type Found } from './found.ts';
import { TYPE, type RecordData, type ResourceRecord } from './record.ts';
import { clusterIps, findServiceName, hostOf, shownEndpoints } from './service-names.ts';

export interface Zone {
  /** Resolves once the views show everything. */
  readonly synced: Promise<unknown>;
  /** undefined: not a name of this cluster. */
  find(labels: readonly string[], type: number): Found | undefined;
  isWithin(labels: readonly string[]): boolean;
  soa(): ResourceRecord;
}

const DNS_VERSION = '1.1.0';

const SLICES_BY_ADDRESS: Index<EndpointSlice> = {
  name: 'dns-address',
  values: ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses.map(addressKey)),
};

const SERVICES_BY_ADDRESS: Index<Service> = {
  name: 'dns-address',
  values: (service) => clusterIps(service).map(addressKey),
};

export function createZone(views: Views, domain: string, nameServers: readonly string[]): Zone {
  const services = views.of(SERVICES);
  const slices = views.of(ENDPOINTSLICES);
  const origin = domain.toLowerCase().split('.');
  const isWithin = (labels: readonly string[]): boolean => labels.length >= origin.length && origin.every((label, index) => labels[labels.length - origin.length + index] === label);
  const soaData = (): RecordData => ({ type: TYPE.SOA, primary: `ns.dns.${domain}`, mailbox: `hostmaster.${domain}`, serial: services.revision % 2 ** 32, negativeTtl: TTL });

  const reverse = (address: string): string[] => {
    const ofServices = services.by(SERVICES_BY_ADDRESS, address).map((service) => hostOf(service, domain));
    return ofServices.length > 0 ? ofServices : [...new Set(slices.by(SLICES_BY_ADDRESS, address).flatMap((slice) => endpointHosts(slice, address)))];
  };
  const endpointHosts = (slice: EndpointSlice, address: string): string[] => {
    const service = services.get(slice.metadata.namespace ?? '', slice.metadata.labels?.[SERVICE_NAME] ?? '');
    if (service === undefined) return [];
    return shownEndpoints(service, [slice]).filter(({ addresses }) => addresses.some((each) => addressKey(each) === address)).map(({ name }) => `${name}.${hostOf(service, domain)}`);
  };

  /** What stands before the domain, nearest to it first. */
  const within = ([first, ...rest]: readonly string[], type: number): Found => {
    if (first === undefined) return ofTypes(type, [soaData(), { type: TYPE.NS, target: `ns.dns.${domain}` }]);
    if (first === 'svc') return serviceName(rest, type);
    if (first === 'pod') return podName(rest, type);
    if (first === 'dns-version' && rest.length === 0) return ofTypes(type, [{ type: TYPE.TXT, text: DNS_VERSION }]);
    if (first !== 'dns' || rest.length > 1) return MISSING;
    return rest.length === 0 ? EMPTY : rest[0] === 'ns' ? ofTypes(type, nameServers.map(addressData)) : MISSING;
  };
  const serviceName = ([namespace, name, ...rest]: readonly string[], type: number): Found => {
    if (namespace === undefined) return EMPTY;
    if (name === undefined) return services.list(namespace).length > 0 ? EMPTY : MISSING;
    const service = services.get(namespace, name);
    if (service === undefined) return MISSING;
    return findServiceName(service, rest, type, { domain, slices: () => slices.by(SLICES_BY_SERVICE, `${namespace}/${name}`) });
  };

  return {
    synced: Promise.all([services.synced, slices.synced]),
    isWithin,
    find(labels, type) {
      if (isWithin(labels)) return within(labels.slice(0, labels.length - origin.length).reverse(), type);
      const address = reverseKey(labels);
      const targets = address === undefined ? [] : reverse(address);
      // Addresses that are none of ours are the upstream resolvers' to know.
      return targets.length === 0 ? undefined : ofTypes(type, targets.map((target) => ({ type: TYPE.PTR, target })));
    },
    soa: () => ({ name: domain, ttl: TTL, data: soaData() }),
  };
}

function podName([namespace, pod, ...more]: readonly string[], type: number): Found {
  if (namespace === undefined || pod === undefined) return EMPTY;
  const address = more.length > 0 ? undefined : dashedAddress(pod);
  return address === undefined ? MISSING : ofTypes(type, [addressData(address)]);
}
