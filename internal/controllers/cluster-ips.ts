// Each cluster address of a Service has an IPAddress that names the Service, as long as the Service has the address (upstream: the allocator of
// registry/core/service writes them, its repair controller puts them right; its words). Which address a Service gets is not decided here, see
// registry/allocators. An IPAddress without the allocator's label is somebody's own and is left alone, unless a Service has that address.
import { wake, type Plan } from '../informer/loop.ts';
import type { Index } from '../informer/view.ts';
import type { IPAddress, Service } from '../kinds/generated/api-types.ts';
import { IPADDRESSES, SERVICES } from '../kinds/generated/resources.ts';
import { ALLOCATOR, FAMILY_LABEL, isAllocated, MANAGED_BY_LABEL } from '../kinds/networking/cluster-address.ts';
import { canonicalIp, isIp, isIpv4 } from '../kinds/networking/ip-address.ts';
import { controllerLoop, create, note, remove, type Action, type ControllerLoop } from './action.ts';

const BY_CLUSTER_IP: Index<Service> = { name: 'clusterIPs', values: addressesOf };

export interface ClusterIpState {
  ip: string;
  address: IPAddress | undefined;
  /** Those that have the address: one, unless something went wrong. */
  services: readonly Service[];
}

/** Keys are addresses. */
export function clusterIpLoop(): ControllerLoop<ClusterIpState> {
  return controllerLoop<ClusterIpState>({
    name: 'ipallocator-repair-controller',
    user: 'system:apiserver',
    wakes: [
      wake(SERVICES, (service, _views, previous) => [...new Set([...addressesOf(service), ...(previous === undefined ? [] : addressesOf(previous))])]),
      wake(IPADDRESSES, ({ metadata }) => [metadata.name]),
    ],
    observe: (ip, views) => ({ ip, address: views.of(IPADDRESSES).get('', ip), services: views.of(SERVICES).by(BY_CLUSTER_IP, ip) }),
    plan,
  });
}

export function plan({ ip, address, services }: ClusterIpState): Plan<Action> {
  const named = services.find((service) => address !== undefined && isNamedBy(service, address));
  const owner = named ?? services[0];
  if (owner === undefined) return { actions: address !== undefined && isAllocated(address) ? [remove(IPADDRESSES, address)] : [] };
  const made = create(IPADDRESSES, addressOf(ip, owner), { tolerate: ['AlreadyExists'] });
  if (address === undefined) return { actions: [made] };
  const isLabelled = isAllocated(address) && address.metadata.labels?.[FAMILY_LABEL] === familyOf(ip);
  if (named !== undefined && isLabelled) return { actions: [] };
  const { namespace = '', name } = owner.metadata;
  const told: Action[] = named === undefined ? [{ type: 'event', note: note(owner, 'Warning', 'ClusterIPNotAllocated', `the ClusterIP [${familyOf(ip)}]: ${ip} for Service ${namespace}/${name} has a wrong reference; repairing`) }] : [];
  return { actions: [...told, remove(IPADDRESSES, address), made] };
}

function addressOf(ip: string, { metadata: { namespace = '', name } }: Service): IPAddress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: ip, labels: { [FAMILY_LABEL]: familyOf(ip), [MANAGED_BY_LABEL]: ALLOCATOR } } as unknown as IPAddress['metadata'],
    spec: { parentRef: { group: '', resource: 'services', namespace, name } },
  };
}

function isNamedBy({ metadata }: Service, { spec: { parentRef } }: IPAddress): boolean {
  const { group = '', resource, namespace, name } = parentRef;
  return group === '' && resource === 'services' && namespace === metadata.namespace && name === metadata.name;
}

function addressesOf({ spec }: Service): string[] {
  return spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? []).filter(isIp).map(canonicalIp);
}

function familyOf(ip: string): string {
  return isIpv4(ip) ? 'IPv4' : 'IPv6';
}
