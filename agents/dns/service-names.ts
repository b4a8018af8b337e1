// The names of one Service: its own, those of its ports (_http._tcp) and those of its endpoints.
import { isIPv4 } from 'node:net';
import type { EndpointSlice, Service } from '../../internal/kinds/generated/api-types.ts';
import { addressData, EMPTY, MISSING, ofTypes, TTL, type Found } from './found.ts';
import { TYPE, type RecordData } from './record.ts';

/** An endpoint that answers may show. */
export interface Shown {
  name: string;
  addresses: string[];
  ports: NonNullable<EndpointSlice['ports']>;
}

interface PortName {
  protocol: string;
  /** Absent when every one will do. */
  name?: string;
}

interface PortTarget {
  port: number;
  portName: string | undefined;
  protocol: string | undefined;
  /** Full name of the Service or of one endpoint. */
  target: string;
}

export interface ServiceContext {
  domain: string;
  slices(): readonly EndpointSlice[];
}

/** `before` is what stands before the Service's name, nearest to it first. */
export function findServiceName(service: Service, [first, second, ...more]: readonly string[], type: number, context: ServiceContext): Found {
  if (service.spec?.type === 'ExternalName') return first === undefined ? externalName(service) : MISSING;
  if (more.length > 0) return MISSING;
  if (first === undefined) return ownName(service, type, context);
  if (!first.startsWith('_')) return second === undefined ? endpointName(service, first, type, context) : MISSING;
  if (second === undefined) return portNames(service, { protocol: first.slice(1) }, context).known ? EMPTY : MISSING;
  return second.startsWith('_') ? portName(service, { protocol: first.slice(1), name: second.slice(1) }, type, context) : MISSING;
}

export function shownEndpoints(service: Service, slices: readonly EndpointSlice[]): Shown[] {
  const all = service.spec?.publishNotReadyAddresses === true;
  return slices.filter(({ addressType }) => addressType !== 'FQDN').flatMap(({ endpoints = [], ports = [] }) =>
    endpoints.filter(({ conditions }) => all || conditions?.ready !== false)
      .map(({ hostname, addresses }) => ({ name: hostname ?? (addresses[0] ?? '').replaceAll(/[.:]/g, '-'), addresses, ports })));
}

/** Empty for headless Services. */
export function clusterIps(service: Service): string[] {
  const all = service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? ''];
  return all.filter((address) => address !== '' && address !== 'None');
}

export function hostOf({ metadata }: Service, domain: string): string {
  return `${metadata.name}.${metadata.namespace ?? ''}.svc.${domain}`;
}

/** What its target is, is looked up by the caller. */
function externalName({ spec }: Service): Found {
  const target = (spec?.externalName ?? '').replace(/\.$/, '');
  if (target === '') return EMPTY;
  return { exists: true, answers: [{ ttl: TTL, data: isIPv4(target) ? addressData(target) : { type: TYPE.CNAME, target } }] };
}

function ownName(service: Service, type: number, context: ServiceContext): Found {
  // Not in the specification, but CoreDNS gives every port here, and there are clients that ask for it.
  if (type === TYPE.SRV) return withAddresses(service, portNames(service, undefined, context).targets, context);
  return ofTypes(type, hosts(service, context).map(({ address }) => address).filter((address, index, all) => all.indexOf(address) === index).map(addressData));
}

function endpointName(service: Service, wanted: string, type: number, { slices }: ServiceContext): Found {
  const addresses = new Set(shownEndpoints(service, slices()).filter(({ name }) => name === wanted).flatMap((each) => each.addresses));
  return addresses.size === 0 ? MISSING : ofTypes(type, [...addresses].map(addressData));
}

function portName(service: Service, wanted: PortName, type: number, context: ServiceContext): Found {
  const { known, targets } = portNames(service, wanted, context);
  if (!known) return MISSING;
  return type === TYPE.SRV || type === TYPE.ANY ? withAddresses(service, targets, context) : EMPTY;
}

function withAddresses(service: Service, targets: readonly PortTarget[], context: ServiceContext): Found {
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
  const records: RecordData[] = targets.map(({ port, target }) => ({ type: TYPE.SRV, priority: 0, weight, port, target }));
  const named = new Set(targets.map(({ target }) => target));
  const additional = hosts(service, context).filter(({ name }) => named.has(name)).map(({ name, address }) => ({ name, ttl: TTL, data: addressData(address) }));
  return { ...ofTypes(TYPE.SRV, records), additional };
}

/** Where the Service's ports are: at itself, or at each endpoint. `known`: the Service has such a port, whether or not anything serves it. */
function portNames(service: Service, wanted: PortName | undefined, { domain, slices }: ServiceContext): { known: boolean; targets: PortTarget[] } {
  const host = hostOf(service, domain);
  const own = (service.spec?.ports ?? []).map(({ port, name, protocol }): PortTarget => ({ port, portName: name, protocol, target: host })).filter((each) => isPort(each, wanted));
  if (clusterIps(service).length > 0) return { known: own.length > 0, targets: own };
  const served = shownEndpoints(service, slices()).flatMap(({ name, ports }) => ports.map((each): PortTarget => ({ port: each.port ?? 0, portName: each.name, protocol: each.protocol, target: `${name}.${host}` })))
    .filter((each) => isPort(each, wanted));
  // An endpoint with addresses of both families stands in two slices.
  const targets = [...new Map(served.map((each) => [`${each.target} ${String(each.port)} ${each.protocol ?? ''}`, each])).values()];
  return { known: own.length > 0 || targets.length > 0, targets };
}

function isPort({ portName: name, protocol }: PortTarget, wanted: PortName | undefined): boolean {
  if (wanted === undefined) return true;
  return (name ?? '') !== '' && (protocol ?? 'TCP').toLowerCase() === wanted.protocol && (wanted.name === undefined || name === wanted.name);
}

/** Every address of the Service with the name that it has in SRV records. */
function hosts(service: Service, { domain, slices }: ServiceContext): { name: string; address: string }[] {
  const host = hostOf(service, domain);
  const own = clusterIps(service);
  if (own.length > 0) return own.map((address) => ({ name: host, address }));
  return shownEndpoints(service, slices()).flatMap(({ name, addresses }) => addresses.map((address) => ({ name: `${name}.${host}`, address })));
}
