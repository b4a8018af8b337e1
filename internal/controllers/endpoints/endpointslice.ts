// EndpointSlice: a Service's addresses with their state (ready, serving, terminating), at most 100 to a slice. Slices that someone else
// made for the Service are left alone. Existing slices are filled before new ones are made, so that a change touches few of them.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, keyOf, parseKey, type Draft } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Endpoint, EndpointPortDiscoveryV1, EndpointSlice, Node, Pod, Service } from '../../kinds/generated/api-types.ts';
import { ENDPOINTSLICES, NODES, PODS, SERVICES } from '../../kinds/generated/resources.ts';
import { SERVICE_NAME, SLICES_BY_SERVICE } from '../../informer/service-slices.ts';
import { controllerLoop, create, remove, update, type Action, type ControllerLoop } from '../action.ts';
import { controllerReference } from '../pod-state.ts';
import { hostnameOf, isHeadless, isManaged, podsOfService, portOf, readinessOf, servicesOfPod } from './service-pods.ts';

const ENDPOINTS_MAX = 100;
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';

export interface SliceState {
  service: Service | undefined;
  pods: Pod[];
  /** The Service's slices that this loop manages. */
  slices: EndpointSlice[];
  zones: Map<string, string>;
}

export function endpointSliceLoop(): ControllerLoop<SliceState> {
  return controllerLoop<SliceState>({
    name: 'endpointslice-controller',
    wakes: [
      wake(SERVICES, (service) => [keyOf(service)]),
      wake(PODS, servicesOfPod),
      wake(ENDPOINTSLICES, (slice, _views, previous) => [slice, ...(previous === undefined ? [] : [previous])].filter(isOurs).flatMap(SLICES_BY_SERVICE.values)),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const service = views.of(SERVICES).get(namespace, name);
      const slices = views.of(ENDPOINTSLICES).by(SLICES_BY_SERVICE, key).filter(isOurs);
      if (service === undefined && slices.length === 0) return undefined;
      return { service, slices, pods: service === undefined ? [] : podsOfService(service, views), zones: new Map(views.of(NODES).list().map(zoneOf)) };
    },
    plan,
  });
}

function isOurs({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[MANAGED_BY] === CONTROLLER;
}

function zoneOf({ metadata }: Node): [string, string] {
  return [metadata.name, metadata.labels?.['topology.kubernetes.io/zone'] ?? ''];
}

interface Group {
  addressType: 'IPv4' | 'IPv6';
  ports: EndpointPortDiscoveryV1[];
  endpoints: Endpoint[];
}

export function plan({ service, pods, slices, zones }: SliceState): Plan<Action> {
  // The garbage collector takes the slices of a Service that is gone; ExternalName has none.
  if (service === undefined || !isManaged(service)) return { actions: service === undefined || service.spec.type !== 'ExternalName' ? [] : slices.map((slice) => remove(ENDPOINTSLICES, slice)) };
  if (service.metadata.deletionTimestamp !== undefined) return { actions: [] };
  const groups = groupsOf(service, pods, zones);
  const actions: Action[] = [];
  const left = new Set(slices);
  for (const group of groups) {
    const existing = slices.filter((slice) => slice.addressType === group.addressType && sameWhenWritten(slice.ports, group.ports));
    for (const slice of existing) left.delete(slice);
    actions.push(...fill(service, group, existing));
  }
  return { actions: [...actions, ...[...left].map((slice) => remove(ENDPOINTSLICES, slice))] };
}

/** Endpoints that share address type and ports; at least one group, so that an empty Service has a slice that says so. */
function groupsOf(service: Service, pods: readonly Pod[], zones: Map<string, string>): Group[] {
  const groups = new Map<string, Group>();
  for (const addressType of service.spec.ipFamilies?.filter((family) => family !== '') ?? ['IPv4' as const]) {
    const before = groups.size;
    for (const pod of pods) {
      const addresses = (pod.status?.podIPs ?? [{ ip: pod.status?.podIP ?? '' }]).map(({ ip }) => ip).filter((ip) => ip !== '' && ip.includes(':') === (addressType === 'IPv6'));
      if (addresses.length === 0) continue;
      const ports = portsOf(service, pod);
      const key = `${addressType} ${JSON.stringify(ports)}`;
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpointOf(service, pod, addresses, zones));
    }
    if (groups.size === before) groups.set(addressType, { addressType, ports: [], endpoints: [] });
  }
  return [...groups.values()];
}

function portsOf(service: Service, pod: Pod): EndpointPortDiscoveryV1[] {
  return (service.spec.ports ?? []).flatMap((each) => {
    const port = portOf(pod, each);
    return port === undefined ? [] : [{ name: each.name ?? '', port, protocol: each.protocol ?? 'TCP', ...(each.appProtocol !== undefined && { appProtocol: each.appProtocol }) }];
  });
}

function endpointOf(service: Service, pod: Pod, addresses: string[], zones: Map<string, string>): Endpoint {
  const hostname = hostnameOf(pod, service);
  const zone = zones.get(pod.spec.nodeName ?? '');
  return {
    addresses,
    conditions: { ...readinessOf(pod, service) },
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, uid: pod.metadata.uid },
    ...(zone !== undefined && zone !== '' && { zone }),
  };
}

/** Keeps each endpoint in the slice it is in, then fills what has room, then makes new slices; surplus empty ones go. */
function fill(service: Service, group: Group, existing: readonly EndpointSlice[]): Action[] {
  const wanted = new Map(group.endpoints.map((endpoint) => [endpoint.targetRef?.uid ?? endpoint.addresses.join(), endpoint]));
  const contents = existing.map((slice) => ({ slice, endpoints: (slice.endpoints ?? []).flatMap(({ targetRef, addresses }) => taken(wanted, targetRef?.uid ?? addresses.join())) }));
  for (const content of contents.toSorted((left, right) => right.endpoints.length - left.endpoints.length)) {
    content.endpoints.push(...[...wanted.keys()].slice(0, ENDPOINTS_MAX - content.endpoints.length).flatMap((key) => taken(wanted, key)));
  }
  const labels = labelsOf(service);
  const keepEmpty = group.endpoints.length === 0 ? contents[0] : undefined;
  const actions = contents.flatMap((content) => (content.endpoints.length === 0 && content !== keepEmpty ? [remove(ENDPOINTSLICES, content.slice)] : changed(content.slice, content.endpoints, labels)));
  const rest = [...wanted.values()];
  do {
    const endpoints = rest.splice(0, ENDPOINTS_MAX);
    if (endpoints.length > 0 || contents.length === 0) actions.push(create(ENDPOINTSLICES, sliceOf(service, group, endpoints, labels)));
  } while (rest.length > 0);
  return actions;
}

function taken(wanted: Map<string, Endpoint>, key: string): Endpoint[] {
  const endpoint = wanted.get(key);
  wanted.delete(key);
  return endpoint === undefined ? [] : [endpoint];
}

function changed(slice: EndpointSlice, endpoints: Endpoint[], labels: Record<string, string>): Action[] {
  if (sameWhenWritten(slice.endpoints, endpoints) && sameWhenWritten(slice.metadata.labels, labels)) return [];
  const next = { ...copy(slice), endpoints };
  next.metadata.labels = labels;
  return [update(ENDPOINTSLICES, next)];
}

function sliceOf(service: Service, { addressType, ports }: Group, endpoints: Endpoint[], labels: Record<string, string>): Draft<EndpointSlice> {
  const metadata = { generateName: `${service.metadata.name}-`, namespace: service.metadata.namespace ?? '', labels, ownerReferences: [controllerReference(service)] };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, endpoints, ports };
}

function labelsOf(service: Service): Record<string, string> {
  const { [HEADLESS]: _, ...labels } = service.metadata.labels ?? {};
  return { ...labels, ...(isHeadless(service) && { [HEADLESS]: '' }), [SERVICE_NAME]: service.metadata.name, [MANAGED_BY]: CONTROLLER };
}
