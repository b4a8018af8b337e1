// Where a streamed request goes: the kubelet's path for a container, or the address behind a proxied pod, service or node.
import { notFound, StatusError } from '../base/errors.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Node, Pod, Service } from '../kinds/generated/api-types.ts';
import type { Store } from '../store/store.ts';
import type { Pipeline } from './pipeline.ts';
import { checkLogOptions } from './log-options.ts';
import type { RequestInfo } from './route.ts';

export interface Target {
  host: string;
  port: number;
  path: string;
  /** kubelet: with the API server's client certificate. */
  tls: 'none' | 'pod' | 'kubelet';
  /** Whose kubelet it is. */
  node?: string;
}

const KUBELET_PORT = 10250;
const PATHS: Readonly<Record<string, string>> = { exec: 'exec', attach: 'attach', portforward: 'portForward', log: 'containerLogs' };
/** Query parameters of exec and attach, as the kubelet names them. */
const STREAMS: readonly [string, string][] = [['stdin', 'input'], ['stdout', 'output'], ['stderr', 'error'], ['tty', 'tty']];

/** undefined: the log of a pod that is on no node, which is empty. */
export function kubeletTarget(pipeline: Pipeline, info: RequestInfo, query: URLSearchParams | undefined): Target | undefined {
  const { store } = pipeline.options;
  const { namespace, name, subresource } = info;
  if (subresource === 'log') checkLogOptions(name, query ?? new URLSearchParams());
  const pod = read<Pod>(store, 'pods', { namespace, name });
  const asked = new URLSearchParams(query);
  const container = subresource === 'portforward' ? '' : `/${containerOf(pod, asked.get('container') ?? '')}`;
  const nodeName = pod.spec?.nodeName ?? '';
  if (nodeName === '' && subresource === 'log') return undefined;
  if (nodeName === '') throw new StatusError('BadRequest', `pod ${name} does not have a host assigned`);
  const node = nodeAddress(store, nodeName);
  return { ...node, tls: 'kubelet', path: `/${PATHS[subresource] ?? ''}/${namespace}/${name}${container}?${kubeletQuery(asked, subresource).toString()}` };
}

function kubeletQuery(asked: URLSearchParams, subresource: string): URLSearchParams {
  asked.delete('container');
  if (subresource !== 'exec' && subresource !== 'attach') return asked;
  const query = new URLSearchParams();
  for (const [name, kubelet] of STREAMS) if (['true', '1', ''].includes(asked.get(name) ?? 'false')) query.set(kubelet, '1');
  for (const word of asked.getAll('command')) query.append('command', word);
  return query;
}

function containerOf({ metadata: { name }, spec }: Pod, wanted: string): string {
  const names = (list: readonly { name: string }[] | undefined): string[] => (list ?? []).map((container) => container.name);
  const containers = names(spec?.containers);
  const others = [...names(spec?.initContainers), ...names(spec?.ephemeralContainers as { name: string }[] | undefined)];
  if (wanted !== '') {
    if ([...containers, ...others].includes(wanted)) return wanted;
    throw new StatusError('BadRequest', `container ${wanted} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return only;
  const init = names(spec?.initContainers);
  throw new StatusError('BadRequest', `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]${init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`}`);
}

export function proxyTarget(pipeline: Pipeline, info: RequestInfo, query: URLSearchParams | undefined): Target {
  const { store } = pipeline.options;
  const [scheme, name, port] = split(info.name);
  const search = query === undefined || query.size === 0 ? '' : `?${query.toString()}`;
  const slash = info.rest.length > 0 && info.path.endsWith('/') ? '/' : '';
  const path = `/${info.rest.map(encodeURIComponent).join('/')}${slash}${search}`;
  const tls = scheme === 'https' ? ('pod' as const) : ('none' as const);
  if (info.resource === 'nodes') return nodeTarget(store, { name, port, path });
  if (info.resource === 'pods') return { ...podAddress(store, { namespace: info.namespace, name, port }), path, tls };
  return { ...serviceAddress(store, { namespace: info.namespace, name, port }), path, tls };
}

/** `name`, `name:port`, `https:name:port`. */
function split(text: string): [scheme: string, name: string, port: string] {
  const parts = text.split(':');
  if (parts.length === 3) return [parts[0] ?? '', parts[1] ?? '', parts[2] ?? ''];
  return ['', parts[0] ?? '', parts[1] ?? ''];
}

interface Place {
  namespace: string;
  name: string;
  port: string;
}

function podAddress(store: Store, { namespace, name, port }: Place): { host: string; port: number } {
  const pod = read<Pod>(store, 'pods', { namespace, name });
  const host = pod.status?.podIP ?? '';
  if (host === '') throw new StatusError('BadRequest', 'address not allowed');
  const first = pod.spec?.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort;
  return { host, port: port === '' ? (first ?? 80) : Number(port) };
}

function serviceAddress(store: Store, { namespace, name, port }: Place): { host: string; port: number } {
  const service = read<Service>(store, 'services', { namespace, name });
  const ports = service.spec?.ports ?? [];
  const wanted = port === '' ? (ports.length === 1 ? ports[0] : undefined) : ports.find((one) => one.name === port || String(one.port) === port);
  const none = new StatusError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`);
  if (wanted === undefined) throw new StatusError('ServiceUnavailable', `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const found: { host: string; port: number }[] = [];
  store.list({ group: 'discovery.k8s.io', resource: 'endpointslices' }, {
    namespace,
    visit(object) {
      found.push(...addressesOf(object as Slice, name, wanted.name ?? ''));
      return true;
    },
  });
  const chosen = found[found.length === 0 ? 0 : turn++ % found.length];
  if (chosen === undefined) throw none;
  return chosen;
}

/** Endpoints take turns. */
let turn = 0;

type Slice = KubeObject & { endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[]; ports?: { name?: string; port?: number }[] };

function addressesOf({ metadata, endpoints = [], ports = [] }: Slice, service: string, portName: string): { host: string; port: number }[] {
  if (metadata.labels?.['kubernetes.io/service-name'] !== service) return [];
  const port = ports.find(({ name = '' }) => name === portName)?.port;
  if (port === undefined) return [];
  return endpoints.filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port })));
}

/** Another port than the kubelet's own is not reached by its tunnel. */
function nodeTarget(store: Store, { name, port, path }: { name: string; port: string; path: string }): Target {
  const { node, ...address } = nodeAddress(store, name);
  if (port === '' || Number(port) === address.port) return { node, ...address, path, tls: 'kubelet' };
  return { ...address, port: Number(port), path, tls: 'kubelet' };
}

export function nodeAddress(store: Store, name: string): { node: string; host: string; port: number } {
  const { status } = read<Node>(store, 'nodes', { namespace: '', name });
  const address = ['InternalIP', 'ExternalIP', 'Hostname'].map((type) => status?.addresses?.find((one) => one.type === type)?.address).find((one) => one !== undefined);
  if (address === undefined) throw new StatusError('ServiceUnavailable', `no preferred addresses found; known addresses: []`);
  return { node: name, host: address, port: status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT };
}

function read<T extends KubeObject>(store: Store, resource: string, key: { namespace: string; name: string }): T {
  const found = store.get({ group: '', resource }, key);
  if (found === undefined) throw notFound({ group: '', resource }, key.name);
  return found as T;
}
