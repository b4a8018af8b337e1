// A service's ready pod, as the API server finds it: from the service's port through its EndpointSlices to an address and port to dial.
// Error texts are those of upstream's service resolver.
import type { GroupResource, KubeObject, ObjectKey } from '../api/meta.ts';
import type { Random } from '../base/random.ts';
import type { EndpointSlice, Service } from '../kinds/generated/api-types.ts';

/** What of a store is needed: its committed objects. */
export interface ObjectSource {
  get(resource: GroupResource, key: ObjectKey): KubeObject | undefined;
  list(resource: GroupResource, options: { namespace?: string; visit(object: KubeObject): boolean }): unknown;
}

export interface Endpoint {
  host: string;
  port: number;
}

const SERVICES = { group: '', resource: 'services' };
const SLICES = { group: 'discovery.k8s.io', resource: 'endpointslices' };

/** Throws an Error when the service leads nowhere. Endpoints of its first address family come first; among equals chance decides. */
export function serviceEndpoint(source: ObjectSource, { namespace, name, port }: { namespace: string; name: string; port: number }, random: Random): Endpoint {
  const service = source.get(SERVICES, { namespace, name }) as Service | undefined;
  if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
  const { type = 'ClusterIP', externalName = '', ports = [], ipFamilies = [] } = service.spec ?? {};
  if (type === 'ExternalName') return { host: externalName, port };
  const wanted = ports.find((one) => one.port === port);
  if (wanted === undefined) throw new Error(`no service port ${String(port)} found for service ${JSON.stringify(name)}`);
  const slices = slicesOf(source, { namespace, name });
  const found = slices.flatMap((slice) => readyEndpoints(slice, wanted.name ?? ''));
  const first = found.filter(({ family }) => family === ipFamilies[0]);
  const choice = first.length > 0 ? first : found;
  const chosen = choice[Math.floor(random.fraction() * choice.length)];
  if (chosen === undefined) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  return { host: chosen.host, port: chosen.port };
}

function slicesOf(source: ObjectSource, { namespace, name }: { namespace: string; name: string }): EndpointSlice[] {
  const slices: EndpointSlice[] = [];
  source.list(SLICES, {
    namespace,
    visit(object) {
      if (object.metadata.labels?.['kubernetes.io/service-name'] === name) slices.push(object as EndpointSlice);
      return true;
    },
  });
  return slices;
}

function readyEndpoints({ addressType, endpoints = [], ports = [] }: EndpointSlice, portName: string): (Endpoint & { family: string })[] {
  const port = ports.find(({ name = '' }) => name === portName)?.port;
  if (port === undefined) return [];
  return endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port, family: addressType })));
}
