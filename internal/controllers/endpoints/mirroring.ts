// Endpoints that a user wrote for a Service without a selector are shown as EndpointSlices too, which is what the proxy and DNS read.
import { sameWhenWritten } from '../../api/json-equality.ts';
import { copy, keyOf, parseKey, type Draft } from '../../api/meta.ts';
import { wake, type Plan } from '../../informer/loop.ts';
import type { Endpoint, EndpointAddress, Endpoints, EndpointSlice, EndpointSubset, Service } from '../../kinds/generated/api-types.ts';
import { ENDPOINTS, ENDPOINTSLICES, SERVICES } from '../../kinds/generated/resources.ts';
import { SERVICE_NAME, SLICES_BY_SERVICE } from '../../informer/service-slices.ts';
import { controllerLoop, create, remove, update, type Action, type ControllerLoop } from '../action.ts';
import { controllerReference } from '../pod-state.ts';

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLER = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const NOT_MIRRORED: readonly string[] = ['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration'];
/** Of one subset; more are left out, as upstream does. */
const ADDRESSES_MAX = 1000;

export interface MirrorState {
  service: Service | undefined;
  endpoints: Endpoints | undefined;
  slices: EndpointSlice[];
}

export function endpointSliceMirroringLoop(): ControllerLoop<MirrorState> {
  return controllerLoop<MirrorState>({
    name: 'endpointslicemirroring-controller',
    wakes: [
      wake(SERVICES, (service) => [keyOf(service)]),
      wake(ENDPOINTS, (endpoints) => [keyOf(endpoints)]),
      wake(ENDPOINTSLICES, (slice) => (isOurs(slice) ? SLICES_BY_SERVICE.values(slice) : [])),
    ],
    observe(key, views) {
      const { namespace, name } = parseKey(key);
      const service = views.of(SERVICES).get(namespace, name);
      const endpoints = views.of(ENDPOINTS).get(namespace, name);
      const slices = views.of(ENDPOINTSLICES).by(SLICES_BY_SERVICE, key).filter(isOurs);
      return slices.length === 0 && (service === undefined || endpoints === undefined) ? undefined : { service, endpoints, slices };
    },
    plan,
  });
}

function isOurs({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[MANAGED_BY] === CONTROLLER;
}

export function plan({ service, endpoints, slices }: MirrorState): Plan<Action> {
  const wanted = service === undefined || endpoints === undefined || !isMirrored(service, endpoints) ? [] : slicesOf(endpoints);
  const left = [...slices];
  const actions = wanted.flatMap((draft) => {
    const index = left.findIndex((slice) => slice.addressType === draft.addressType && sameWhenWritten(slice.ports, draft.ports));
    const [existing] = index < 0 ? [] : left.splice(index, 1);
    if (existing === undefined) return [create(ENDPOINTSLICES, draft)];
    const { labels = {}, annotations = {} } = draft.metadata;
    if (sameWhenWritten(existing.endpoints, draft.endpoints) && sameWhenWritten(existing.metadata.labels, labels) && sameWhenWritten(existing.metadata.annotations, annotations)) return [];
    const next = { ...copy(existing), endpoints: draft.endpoints ?? [] };
    next.metadata.labels = labels;
    next.metadata.annotations = annotations;
    return [update(ENDPOINTSLICES, next)];
  });
  return { actions: [...actions, ...left.map((slice) => remove(ENDPOINTSLICES, slice))] };
}

function isMirrored(service: Service, { metadata }: Endpoints): boolean {
  if (service.spec.selector !== undefined && Object.keys(service.spec.selector).length > 0) return false;
  return metadata.deletionTimestamp === undefined && metadata.labels?.[SKIP] !== 'true' && metadata.annotations?.[LEADER] === undefined;
}

function slicesOf(endpoints: Endpoints): Draft<EndpointSlice>[] {
  return (endpoints.subsets ?? []).flatMap((subset) => (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
    const found = endpointsOf(subset, addressType);
    return found.length === 0 ? [] : [draftOf(endpoints, subset, addressType, found)];
  }));
}

function endpointsOf({ addresses = [], notReadyAddresses = [] }: EndpointSubset, addressType: 'IPv4' | 'IPv6'): Endpoint[] {
  const fits = ({ ip }: EndpointAddress): boolean => ip.includes(':') === (addressType === 'IPv6');
  return [...addresses.map((address) => ({ address, ready: true })), ...notReadyAddresses.map((address) => ({ address, ready: false }))]
    .filter(({ address }) => fits(address)).slice(0, ADDRESSES_MAX)
    .map(({ address: { ip, hostname, nodeName, targetRef }, ready }) => ({
      addresses: [ip], conditions: { ready }, ...(hostname !== undefined && { hostname }), ...(nodeName !== undefined && { nodeName }), ...(targetRef !== undefined && { targetRef }),
    }));
}

function draftOf(owner: Endpoints, { ports = [] }: EndpointSubset, addressType: 'IPv4' | 'IPv6', endpoints: Endpoint[]): Draft<EndpointSlice> {
  const { name, namespace = '', labels } = owner.metadata;
  const annotations = Object.fromEntries(Object.entries(owner.metadata.annotations ?? {}).filter(([key]) => !NOT_MIRRORED.includes(key)));
  const metadata = { generateName: `${name}-`, namespace, ...(Object.keys(annotations).length > 0 && { annotations }), labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: CONTROLLER }, ownerReferences: [controllerReference(owner)] };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, endpoints, ports: ports.map((port) => ({ name: port.name ?? '', port: port.port, protocol: port.protocol ?? 'TCP', ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }) })) };
}
