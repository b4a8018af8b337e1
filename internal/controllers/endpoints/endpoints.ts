// Endpoints: the older list of a Service's addresses, grouped by what ports they share. Kept for clients that still read it.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, keyOf, parseKey, type Draft } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '../../kinds/generated/api-types.ts';
import { ENDPOINTS, PODS, SERVICES } from '../../kinds/generated/resources.ts';
import { controllerLoop, create, note, update, type Action, type ControllerLoop } from '../action.ts';
import { hostnameOf, isHeadless, isManaged, podsOfService, portOf, readinessOf, servicesOfPod } from './service-pods.ts';

const ADDRESSES_MAX = 1000;
const HEADLESS = 'service.kubernetes.io/headless';
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

export interface EndpointsState {
  namespace: string;
  name: string;
  service: Service | undefined;
  pods: Pod[];
  current: Endpoints | undefined;
}

export function endpointsLoop(): ControllerLoop<EndpointsState> {
  return controllerLoop<EndpointsState>({
    name: 'endpoint-controller',
    wakes: [
      wake(SERVICES, (service) => [keyOf(service)]),
      wake(PODS, servicesOfPod),
      wake(ENDPOINTS, (endpoints) => [keyOf(endpoints)]),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const service = views.of(SERVICES).get(namespace, name);
      const current = views.of(ENDPOINTS).get(namespace, name);
      if (service === undefined && current === undefined) return undefined;
      return { namespace, name, service, pods: service === undefined ? [] : podsOfService(service, views), current };
    },
    plan,
  });
}

export function plan({ service, pods, current, namespace, name }: EndpointsState): Plan<Action> {
  if (service === undefined) {
    // Leader election of old clients keeps records in Endpoints without a Service: only what this loop made goes.
    const ours = current?.metadata.labels?.[MANAGED_BY] !== undefined;
    return { actions: ours ? [{ type: 'delete', resource: ENDPOINTS, key: { namespace, name } }] : [] };
  }
  if (!isManaged(service) || service.metadata.deletionTimestamp !== undefined) return { actions: [] };
  const { subsets, truncated } = truncate(subsetsOf(service, pods));
  const labels: Record<string, string> = { ...service.metadata.labels, [MANAGED_BY]: 'endpoint-controller' };
  if (isHeadless(service)) labels[HEADLESS] = '';
  else delete labels[HEADLESS];
  const { [OVER_CAPACITY]: _, ...others } = current?.metadata.annotations ?? {};
  const annotations = truncated ? { ...others, [OVER_CAPACITY]: 'truncated' } : others;
  if (current === undefined) {
    const draft: Draft<Endpoints> = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, labels, ...(truncated && { annotations }) }, subsets };
    return { actions: [create(ENDPOINTS, draft, { tolerate: ['AlreadyExists'], failed: note(service, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${namespace}/${name}: $error`) })] };
  }
  if (sameWhenWritten(current.subsets, subsets) && sameWhenWritten(current.metadata.labels, labels) && sameWhenWritten(current.metadata.annotations, annotations)) return { actions: [] };
  const next = { ...copy(current), subsets };
  next.metadata = { ...next.metadata, labels, annotations };
  return { actions: [update(ENDPOINTS, next, { failed: note(current, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${namespace}/${name}: $error`) })] };
}

/** Addresses that offer the same ports share a subset. */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of pods) {
    const readiness = readinessOf(pod, service);
    if (readiness.terminating && service.spec.publishNotReadyAddresses !== true) continue;
    const ports = portsOf(service, pod);
    if (ports.length === 0 && !(isHeadless(service) && (service.spec.ports ?? []).length === 0)) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (readiness.ready ? group.ready : group.notReady).push(addressOf(service, pod));
  }
  return [...groups.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, { ports, ready, notReady }]) => ({
    ...(ready.length > 0 && { addresses: byIp(ready) }),
    ...(notReady.length > 0 && { notReadyAddresses: byIp(notReady) }),
    ...(ports.length > 0 && { ports }),
  }));
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports = (service.spec.ports ?? []).flatMap((each): EndpointPort[] => {
    const port = portOf(pod, each);
    if (port === undefined) return [];
    return [{ ...(each.name !== undefined && { name: each.name }), port, protocol: each.protocol ?? 'TCP', ...(each.appProtocol !== undefined && { appProtocol: each.appProtocol }) }];
  });
  return ports.sort((left, right) => ((left.name ?? '') < (right.name ?? '') ? -1 : 1));
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const hostname = hostnameOf(pod, service);
  return {
    ip: pod.status?.podIP ?? '',
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, uid: pod.metadata.uid },
  };
}

function byIp(addresses: EndpointAddress[]): EndpointAddress[] {
  return addresses.sort((left, right) => (left.ip < right.ip ? -1 : 1));
}

function truncate(subsets: EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  let room = ADDRESSES_MAX;
  let truncated = false;
  const take = (addresses: EndpointAddress[] | undefined): EndpointAddress[] => {
    const kept = (addresses ?? []).slice(0, room);
    truncated ||= kept.length < (addresses ?? []).length;
    room -= kept.length;
    return kept;
  };
  const kept = subsets.map((subset) => ({ subset, addresses: take(subset.addresses) })).map(({ subset, addresses }) => {
    const { addresses: _ready, notReadyAddresses: _notReady, ...rest } = subset;
    const notReady = take(subset.notReadyAddresses);
    return { ...(addresses.length > 0 && { addresses }), ...(notReady.length > 0 && { notReadyAddresses: notReady }), ...rest };
  });
  return { subsets: kept, truncated };
}
