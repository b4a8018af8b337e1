// Service default/kubernetes with its Endpoints and EndpointSlice: how pods reach the API server. Put back when someone deletes it.
import { sameWhenWritten } from '../api/json-equality.ts';
import { copy } from '../api/meta.ts';
import { wake, type Plan } from '../informer/loop.ts';
import type { Endpoints, EndpointSlice, Service } from '../kinds/generated/api-types.ts';
import { ENDPOINTS, ENDPOINTSLICES, NAMESPACES, SERVICES } from '../kinds/generated/resources.ts';
import { controllerLoop, create, update, type Action, type ControllerLoop } from './action.ts';

const NAME = 'kubernetes';
const NAMESPACE = 'default';
/** How soon another address of this machine is told to pods. */
const LOOK_MS = 60_000;
const KEY = `${NAMESPACE}/${NAME}`;

export interface KubernetesServiceOptions {
  /** First address of the service range. */
  clusterIp: string;
  /** Where the API servers listen for pods, as it is now. */
  addresses(): readonly string[];
  port: number;
}

export interface KubernetesServiceState extends Omit<KubernetesServiceOptions, 'addresses'> {
  addresses: readonly string[];
  service: Service | undefined;
  endpoints: Endpoints | undefined;
  slice: EndpointSlice | undefined;
}

export function kubernetesServiceLoop(options: KubernetesServiceOptions): ControllerLoop<KubernetesServiceState> {
  const keys = ({ metadata }: { metadata: { namespace?: string; name: string } }): string[] => (metadata.namespace === NAMESPACE && metadata.name === NAME ? [KEY] : []);
  return controllerLoop<KubernetesServiceState>({
    name: 'kubernetes-service',
    user: 'system:apiserver',
    wakes: [wake(SERVICES, keys), wake(ENDPOINTS, keys), wake(ENDPOINTSLICES, keys), wake(NAMESPACES, ({ metadata }) => (metadata.name === NAMESPACE ? [KEY] : []))],
    resync: { everyMs: LOOK_MS, keys: () => [KEY] },
    observe(_key, views) {
      if (views.of(NAMESPACES).get('', NAMESPACE) === undefined) return undefined;
      return { ...options, addresses: options.addresses(), service: views.of(SERVICES).get(NAMESPACE, NAME), endpoints: views.of(ENDPOINTS).get(NAMESPACE, NAME), slice: views.of(ENDPOINTSLICES).get(NAMESPACE, NAME) };
    },
    plan,
  });
}

export function plan(state: KubernetesServiceState): Plan<Action> {
  const wanted = { service: serviceOf(state), endpoints: endpointsOf(state), slice: sliceOf(state) };
  const actions: Action[] = [];
  if (state.service === undefined) actions.push(create(SERVICES, wanted.service, { tolerate: ['AlreadyExists'] }));
  if (state.endpoints === undefined) actions.push(create(ENDPOINTS, wanted.endpoints, { tolerate: ['AlreadyExists'] }));
  else if (!sameWhenWritten(state.endpoints.subsets, wanted.endpoints.subsets)) actions.push(update(ENDPOINTS, { ...copy(state.endpoints), ...(wanted.endpoints.subsets !== undefined && { subsets: wanted.endpoints.subsets }) }));
  if (state.slice === undefined) actions.push(create(ENDPOINTSLICES, wanted.slice, { tolerate: ['AlreadyExists'] }));
  else if (!sameWhenWritten([state.slice.endpoints, state.slice.ports], [wanted.slice.endpoints, wanted.slice.ports])) actions.push(update(ENDPOINTSLICES, { ...copy(state.slice), endpoints: wanted.slice.endpoints ?? [], ports: wanted.slice.ports ?? [] }));
  return { actions };
}

function serviceOf({ clusterIp, port }: KubernetesServiceState): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { component: 'apiserver', provider: 'kubernetes' } } as unknown as Service['metadata'],
    spec: { type: 'ClusterIP', clusterIP: clusterIp, clusterIPs: [clusterIp], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None', ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }] },
  };
}

function endpointsOf({ addresses, port }: KubernetesServiceState): Endpoints {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } as unknown as Endpoints['metadata'],
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}

function sliceOf({ addresses, port }: KubernetesServiceState): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': NAME } } as unknown as EndpointSlice['metadata'],
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}
