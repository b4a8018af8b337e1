// Validation of EndpointSlices (upstream: pkg/apis/discovery/validation).
import { duplicate, invalid, notSupported, required, tooMany, type FieldError } from '../../api/field-error.ts';
import { dnsLabelProblems, labelKeyProblems, labelValueProblems, subdomainProblems } from '../../api/names.ts';
import type { Endpoint, EndpointSlice } from '../generated/api-types.ts';
import { endpointIpProblems, isIpv4, isIpv6 } from '../networking/ip-address.ts';
import { oneOf } from '../choices.ts';

const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20_000;

const HINTS_MAX = 8;
const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];

export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const { addressType, ports } = slice as Partial<EndpointSlice>;
  return [...oneOf(addressType, 'addressType', ADDRESS_TYPES), ...validatePorts(ports ?? [])];
}

function validatePorts(ports: NonNullable<EndpointSlice['ports']>): FieldError[] {
  if (ports.length > PORTS_MAX) return [tooMany('ports', ports.length, PORTS_MAX)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', protocol, appProtocol }, index) => {
    const path = `ports[${String(index)}]`;
    const errors = name === '' ? [] : dnsLabelProblems(name).map((problem) => invalid(`${path}.name`, name, problem));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    errors.push(...(protocol === undefined ? [required(`${path}.protocol`)] : ['SCTP', 'TCP', 'UDP'].includes(protocol) ? [] : [notSupported(`${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])]));
    if (appProtocol !== undefined) errors.push(...labelKeyProblems(appProtocol).map((problem) => invalid(`${path}.appProtocol`, appProtocol, problem)));
    return errors;
  });
}

export function validateEndpoints(endpoints: readonly Endpoint[], type: string): FieldError[] {
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany('endpoints', endpoints.length, ENDPOINTS_MAX)];
  return endpoints.flatMap((endpoint, index) => validateEndpoint(endpoint, type, `endpoints[${String(index)}]`));
}

function validateEndpoint({ hostname, nodeName, hints, ...endpoint }: Endpoint, type: string, path: string): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(`${path}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > ADDRESSES_MAX) errors.push(tooMany(`${path}.addresses`, addresses.length, ADDRESSES_MAX));
  addresses.forEach((address, index) => errors.push(...validateAddress(address, type, { path: `${path}.addresses`, index })));
  if (nodeName !== undefined) for (const problem of subdomainProblems(nodeName)) errors.push(invalid(`${path}.nodeName`, nodeName, problem));
  if (hostname !== undefined) for (const problem of dnsLabelProblems(hostname)) errors.push(invalid(`${path}.hostname`, hostname, problem));
  for (const field of ['forZones', 'forNodes'] as const) errors.push(...validateHints(hints?.[field] ?? [], `${path}.hints.${field}`, field === 'forZones' ? labelValueProblems : subdomainProblems));
  return errors;
}

function validateAddress(address: string, type: string, { path, index }: { path: string; index: number }): FieldError[] {
  const at = `${path}[${String(index)}]`;
  if (type === 'FQDN') return [...subdomainProblems(address.replace(/\.$/, '')), ...(address.includes('.') ? [] : ['should be a domain with at least two segments separated by dots'])].map((problem) => invalid(at, address, problem));
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  if (!isIpv4(address) && !isIpv6(address)) return [invalid(at, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  const isFamily = type === 'IPv4' ? isIpv4(address) : isIpv6(address);
  return [...(isFamily ? [] : [invalid(path, address, `must be an ${type} address`)]), ...endpointIpProblems(address).map((problem) => invalid(at, address, problem))];
}

function validateHints(hints: readonly { name?: string }[], path: string, problemsOf: (name: string) => string[]): FieldError[] {
  if (hints.length > HINTS_MAX) return [tooMany(path, hints.length, HINTS_MAX)];
  return hints.flatMap(({ name = '' }, index) => {
    const at = `${path}[${String(index)}].name`;
    return [...(hints.findIndex((hint) => (hint.name ?? '') === name) < index ? [duplicate(at, name)] : []), ...problemsOf(name).map((problem) => invalid(at, name, problem))];
  });
}
