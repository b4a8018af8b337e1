// What users say of cluster addresses: the networks they add (ServiceCIDR) and the addresses they keep for something else (IPAddress).
import type { IPAddress, ServiceCIDR } from '../../kinds/generated/api-types.ts';
import { isAllocated } from '../../kinds/networking/cluster-address.ts';
import { isIpv4, networkGives } from '../../kinds/networking/ip-address.ts';
import type { Store } from '../../store/store.ts';

const IP_ADDRESSES = { group: 'networking.k8s.io', resource: 'ipaddresses' };
const SERVICE_CIDRS = { group: 'networking.k8s.io', resource: 'servicecidrs' };

/** Whether it stands for something else than a Service's address. */
export function isOwnAddress(store: Store, ip: string): boolean {
  const found = store.newest(IP_ADDRESSES, { namespace: '', name: ip });
  return found !== undefined && !isAllocated(found as IPAddress);
}

/** IPv4 networks that addresses may be taken of. */
export function servedNetworks(store: Store): string[] {
  const networks: string[] = [];
  store.list(SERVICE_CIDRS, {
    visit(object) {
      const { metadata, spec, status } = object as ServiceCIDR;
      const isReady = status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'False';
      if (metadata.deletionTimestamp === undefined && isReady) networks.push(...(spec.cidrs ?? []).filter((cidr) => isIpv4(cidr.split('/')[0] ?? '')));
      return true;
    },
  });
  return networks;
}

export function isServed(store: Store, ip: string): boolean {
  return servedNetworks(store).some((network) => networkGives(network, ip));
}
