// Endpoints: the addresses of a Service, the older way (upstream: registry/core/endpoint, ValidateEndpoints).
import { objectAge } from '../../api/age.ts';
import { invalid, required, type FieldError } from '../../api/field-error.ts';
import { sameSemantically } from '../../api/json-equality.ts';
import { dnsLabelProblems, labelKeyProblems, portNumberProblems, subdomainName, subdomainProblems } from '../../api/names.ts';
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from '../generated/api-types.ts';
import type { KindRules } from '../kind.ts';
import { firstThree } from '../cells.ts';
import { oneOf } from '../choices.ts';
import { endpointIpProblems, ipProblems } from '../networking/ip-address.ts';

export const endpoints: KindRules<Endpoints> = {
  validateName: subdomainName,
  applyDefaults: ({ subsets = [] }) => { for (const { ports = [] } of subsets) for (const port of ports) port.protocol ||= 'TCP'; },
  validateCreate: (object) => validate(object),
  // Subsets that are as they were are not judged again.
  validateUpdate: (object, old) => (sameSemantically(object.subsets, old.subsets) ? [] : validate(object)),
  cells: (object, now) => [object.metadata.name, firstThree(addressesOf(object), (object.subsets ?? []).length === 0 ? '<none>' : ''), objectAge(object, now)],
  allowCreateOnUpdate: true,
};

function validate({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap((subset, index) => validateSubset(subset, `subsets[${String(index)}]`));
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, path: string): FieldError[] {
  return [
    ...(addresses.length + notReadyAddresses.length === 0 ? [required(path, 'must specify `addresses` or `notReadyAddresses`')] : []),
    ...addresses.flatMap((address, index) => validateAddress(address, `${path}.addresses[${String(index)}]`)),
    ...notReadyAddresses.flatMap((address, index) => validateAddress(address, `${path}.notReadyAddresses[${String(index)}]`)),
    ...ports.flatMap((port, index) => validatePort(port, `${path}.ports[${String(index)}]`, ports.length > 1)),
  ];
}

function validateAddress({ ip = '', hostname = '', nodeName }: Partial<EndpointAddress>, path: string): FieldError[] {
  const bad = ipProblems(ip);
  return [
    ...bad.map((problem) => invalid(`${path}.ip`, ip, problem)),
    ...(hostname === '' ? [] : dnsLabelProblems(hostname).map((problem) => invalid(`${path}.hostname`, hostname, problem))),
    ...(nodeName === undefined ? [] : subdomainProblems(nodeName).map((problem) => invalid(`${path}.nodeName`, nodeName, problem))),
    ...(bad.length > 0 ? ['must be a valid IP address'] : endpointIpProblems(ip)).map((problem) => invalid(`${path}.ip`, ip, problem)),
  ];
}

function validatePort({ name = '', port = 0, protocol, appProtocol }: Partial<EndpointPort>, path: string, nameNeeded: boolean): FieldError[] {
  return [
    ...(name === '' ? (nameNeeded ? [required(`${path}.name`)] : []) : dnsLabelProblems(name).map((problem) => invalid(`${path}.name`, name, problem))),
    ...portNumberProblems(port).map((problem) => invalid(`${path}.port`, port, problem)),
    ...oneOf(protocol, `${path}.protocol`, ['SCTP', 'TCP', 'UDP']),
    ...(appProtocol === undefined ? [] : labelKeyProblems(appProtocol).map((problem) => invalid(`${path}.appProtocol`, appProtocol, problem))),
  ];
}

function addressesOf({ subsets = [] }: Endpoints): string[] {
  return subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${String(port)}`));
  });
}
