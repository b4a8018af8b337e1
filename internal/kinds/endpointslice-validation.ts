// Validation of EndpointSlices (upstream: pkg/apis/discovery/validation).
import { duplicate, invalid, required, tooMany, type FieldError } from '../api/field-error.ts';
import { dnsLabelProblems, portNumberProblems, subdomainProblems } from '../api/names.ts';
import type { Endpoint, EndpointSlice } from './generated/api-types.ts';
import { isIpv4, isIpv6 } from './ip-address.ts';

const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20_000;

export function validateEndpointSlice({ addressType, endpoints = [], ports = [] }: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany('endpoints', endpoints.length, ENDPOINTS_MAX)];
  endpoints.forEach((endpoint, index) => errors.push(...validateEndpoint(endpoint, addressType, `endpoints[${String(index)}]`)));
  if (ports.length > PORTS_MAX) return [...errors, tooMany('ports', ports.length, PORTS_MAX)];
  const names = new Set<string>();
  ports.forEach(({ name = '', port }, index) => {
    const path = `ports[${String(index)}]`;
    if (name !== '') for (const problem of dnsLabelProblems(name)) errors.push(invalid(`${path}.name`, name, problem));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    if (port !== undefined) for (const problem of portNumberProblems(port)) errors.push(invalid(`${path}.port`, port, problem));
  });
  return errors;
}

function validateEndpoint({ hostname, ...endpoint }: Endpoint, type: string, path: string): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(`${path}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > ADDRESSES_MAX) errors.push(tooMany(`${path}.addresses`, addresses.length, ADDRESSES_MAX));
  addresses.forEach((address, index) => {
    const at = `${path}.addresses[${String(index)}]`;
    if (type === 'FQDN') errors.push(...subdomainProblems(address).map((problem) => invalid(at, address, problem)));
    else if (!isIpv4(address) && !isIpv6(address)) errors.push(invalid(at, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
    else if (type === 'IPv4' && !isIpv4(address)) errors.push(invalid(at, address, 'must be an IPv4 address'));
    else if (type === 'IPv6' && !isIpv6(address)) errors.push(invalid(at, address, 'must be an IPv6 address'));
  });
  if (hostname !== undefined) for (const problem of dnsLabelProblems(hostname)) errors.push(invalid(`${path}.hostname`, hostname, problem));
  return errors;
}
