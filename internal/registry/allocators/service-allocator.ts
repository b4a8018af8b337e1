// Cluster addresses and node ports of Services (upstream: registry/core/service/storage/alloc.go; its words). The store is the record: what
// is taken is rebuilt from the Services that are there. One address family, IPv4. Beside the range of the start there are the users' ServiceCIDRs:
// an address may be asked for of any, and they are drawn from when the range is full. The IPAddress objects are written by controllers/cluster-ips.ts.
import { StatusError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { invalid, invalidObject } from '../../api/field-error.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Service, ServicePort } from '../../kinds/generated/api-types.ts';
import { validateClusterIps } from '../../kinds/core/service-validation.ts';
import { needsClusterIp, needsHealthPort, needsNodePort } from '../../kinds/core/service-type.ts';
import type { Store } from '../../store/store.ts';
import type { Held, WriteHook } from '../hooks.ts';
import { numberOf, sizeOf, textOf } from './ipv4-numbers.ts';
import { createNumberRange, type NumberRange } from './number-range.ts';
import { isOwnAddress, isServed, servedNetworks } from './service-networks.ts';

export interface ServiceAllocatorOptions {
  store: Store;
  random: Random;
  /** `10.43.0.0/16`: IPv4. */
  serviceCidr: string;
  /** Default 30000-32767. */
  nodePorts?: { first: number; last: number };
}

const SERVICES = { group: '', resource: 'services' };
const NODE_PORTS = { first: 30000, last: 32767 };

interface Ranges {
  addresses: NumberRange;
  ports: NumberRange;
  options: ServiceAllocatorOptions;
  network: number;
}

/** What one write has taken so far. */
interface Taken {
  addresses: number[];
  ports: number[];
}

/** A hook for createRegistry: `hooks: { '/services': createServiceAllocator({ … }) }`. */
export function createServiceAllocator(options: ServiceAllocatorOptions): WriteHook {
  const ranges = rangesOf(options);
  options.store.list(SERVICES, {
    visit(object) {
      const { addresses, ports } = usedBy(object as Service);
      for (const address of addresses) ranges.addresses.take(address);
      for (const port of ports) ranges.ports.take(port);
      return true;
    },
  });
  return {
    before(draft, old) {
      const taken: Taken = { addresses: [], ports: [] };
      try {
        allocate(ranges, draft as Service, { old: old as Service | undefined, taken });
      } catch (error) {
        release(ranges, taken);
        throw error;
      }
      return held(ranges, draft as Service, { old: old as Service | undefined, taken });
    },
    deleted: (object) => release(ranges, usedBy(object as Service)),
  };
}

function rangesOf(options: ServiceAllocatorOptions): Ranges {
  const size = sizeOf(options.serviceCidr);
  const address = numberOf(options.serviceCidr.split('/')[0] ?? '');
  if (!(size >= 4) || address === undefined) throw new Error(`service-cidr ${options.serviceCidr}: must be an IPv4 network of at most 30 bits`);
  const network = Math.floor(address / size) * size;
  // Neither the network's own address nor the last one is given out.
  const usable = size - 2;
  const { first, last } = options.nodePorts ?? NODE_PORTS;
  return {
    options,
    network,
    addresses: createNumberRange({ first: network + 1, size: usable, band: Math.min(usable - 1, clamp(Math.floor(usable / 16), 16, 256)) }, options.random, (number) => isOwnAddress(options.store, textOf(number))),
    ports: createNumberRange({ first, size: last - first + 1, band: Math.min(last - first, clamp(Math.floor((last - first + 1) / 32), 16, 128)) }, options.random),
  };
}

function held(ranges: Ranges, draft: Service, { old, taken }: { old: Service | undefined; taken: Taken }): Held {
  return {
    release: () => release(ranges, taken),
    commit() {
      if (old === undefined) return;
      const [was, now] = [usedBy(old), usedBy(draft)];
      release(ranges, { addresses: was.addresses.filter((one) => !now.addresses.includes(one)), ports: was.ports.filter((one) => !now.ports.includes(one)) });
    },
  };
}

function allocate(ranges: Ranges, draft: Service, { old, taken }: { old: Service | undefined; taken: Taken }): void {
  if (draft.spec === undefined) return; // validation will say so
  const had: Taken = old === undefined ? { addresses: [], ports: [] } : usedBy(old);
  if (needsClusterIp(draft)) {
    chooseFamilies(draft);
    chooseAddress(ranges, draft, { had, taken });
  }
  if (needsNodePort(draft)) chooseNodePorts(ranges, draft, { had, taken });
  if (needsHealthPort(draft)) chooseHealthPort(ranges, draft, { had, taken });
}

function chooseFamilies(draft: Service): void {
  const { spec } = draft;
  const families = spec.ipFamilies ?? [];
  const headlessWithoutSelector = (spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') && Object.keys(spec.selector ?? {}).length === 0;
  if (headlessWithoutSelector) {
    // Its endpoints are written by hand and may be of any family.
    spec.ipFamilyPolicy ??= 'RequireDualStack';
    if (families.length === 0) spec.ipFamilies = spec.ipFamilyPolicy === 'SingleStack' ? ['IPv4'] : ['IPv4', 'IPv6'];
    return;
  }
  spec.ipFamilyPolicy ??= 'SingleStack';
  const wrong = validateClusterIps(draft);
  if (wrong.length > 0) throw invalidObject({ group: '', kind: 'Service' }, draft.metadata.name, wrong);
  if (spec.ipFamilyPolicy === 'RequireDualStack') throw refusal(draft, 'spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services');
  const foreign = families.findIndex((family) => family !== 'IPv4');
  if (foreign >= 0) throw refusal(draft, `spec.ipFamilies[${String(foreign)}]`, families[foreign], 'not configured on this cluster');
  spec.ipFamilies = ['IPv4'];
}

function chooseAddress(ranges: Ranges, draft: Service, { had, taken }: { had: Taken; taken: Taken }): void {
  const { addresses, network, options: { store } } = ranges;
  const { spec, metadata } = draft;
  const wanted = spec.clusterIP || spec.clusterIPs?.[0] || (metadata.namespace === 'default' && metadata.name === 'kubernetes' ? textOf(network + 1) : '');
  if (wanted === 'None') {
    spec.clusterIP = 'None';
    spec.clusterIPs ??= ['None'];
    return;
  }
  let number = wanted === '' ? undefined : numberOf(wanted);
  if (wanted === '') {
    number = addresses.takeAny() ?? anyServed(ranges);
    if (number === undefined) throw new StatusError('InternalError', `Internal error occurred: failed to allocate a serviceIP for Service ${JSON.stringify(metadata.name)}: range is full`);
    taken.addresses.push(number);
  } else if (number === undefined) {
    return; // not an address: validation will say so
  } else if (!had.addresses.includes(number)) {
    const why = !addresses.contains(number) && !isServed(store, wanted)
      ? 'the provided network does not match the current range'
      : addresses.isFree(number) ? undefined : 'provided IP is already allocated';
    if (why !== undefined) throw refusal(draft, 'spec.clusterIPs', spec.clusterIPs ?? [wanted], `failed to allocate IP ${wanted}: ${why}`);
    addresses.take(number);
    taken.addresses.push(number);
  }
  const text = textOf(number as number);
  spec.clusterIP ||= text;
  if (spec.clusterIPs === undefined || spec.clusterIPs.length === 0) spec.clusterIPs = [text];
}

/** Of the networks that users added. */
function anyServed({ addresses, options: { store } }: Ranges): number | undefined {
  for (const network of servedNetworks(store)) {
    const number = addresses.takeAnyOf((numberOf(network.split('/')[0] ?? '') ?? 0) + 1, sizeOf(network) - 2);
    if (number !== undefined) return number;
  }
  return undefined;
}

function chooseNodePorts(ranges: Ranges, draft: Service, { had, taken }: { had: Taken; taken: Taken }): void {
  const ports = draft.spec.ports ?? [];
  // Those asked for first, so that none of them is given to another by chance. One number may serve TCP and UDP of one Service.
  ports.forEach((port, at) => {
    if (port.nodePort) claimPort(ranges, draft, { number: port.nodePort, field: `spec.ports[${String(at)}].nodePort`, had, taken });
  });
  for (const port of ports) {
    if (port.nodePort) continue;
    port.nodePort = sharedPort(ports, port) ?? anyPort(ranges, taken);
  }
}

function sharedPort(ports: readonly ServicePort[], port: ServicePort): number | undefined {
  return ports.find((other) => other !== port && other.nodePort && other.port === port.port && other.protocol !== port.protocol)?.nodePort;
}

function chooseHealthPort(ranges: Ranges, draft: Service, { had, taken }: { had: Taken; taken: Taken }): void {
  const { healthCheckNodePort } = draft.spec;
  if (healthCheckNodePort) claimPort(ranges, draft, { number: healthCheckNodePort, field: 'spec.healthCheckNodePort', had, taken });
  else draft.spec.healthCheckNodePort = anyPort(ranges, taken);
}

function claimPort({ ports, options: { nodePorts = NODE_PORTS } }: Ranges, draft: Service, { number, field, had, taken }: { number: number; field: string; had: Taken; taken: Taken }): void {
  if (had.ports.includes(number) || taken.ports.includes(number)) return;
  if (!ports.contains(number)) throw refusal(draft, field, number, `provided port is not in the valid range. The range of valid ports is ${String(nodePorts.first)}-${String(nodePorts.last)}`);
  if (!ports.isFree(number)) throw refusal(draft, field, number, 'provided port is already allocated');
  ports.take(number);
  taken.ports.push(number);
}

function anyPort({ ports }: Ranges, taken: Taken): number {
  const number = ports.takeAny();
  if (number === undefined) throw new StatusError('InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full');
  taken.ports.push(number);
  return number;
}

function usedBy({ spec }: Service): Taken {
  const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort ?? 0), spec?.healthCheckNodePort ?? 0].filter((port) => port !== 0);
  const addresses = (spec?.clusterIPs ?? []).map(numberOf).filter((number) => number !== undefined);
  return { addresses, ports: [...new Set(ports)] };
}

function release({ addresses, ports }: Ranges, taken: Taken): void {
  for (const address of taken.addresses) addresses.release(address);
  for (const port of taken.ports) ports.release(port);
}

function refusal(draft: KubeObject, field: string, value: unknown, why: string): StatusError {
  return invalidObject({ group: '', kind: 'Service' }, draft.metadata.name, [invalid(field, value, why)]);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
