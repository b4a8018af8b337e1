// The Available condition of APIServices: of what this server answers itself always, else when the Service is there, leads to a ready pod, and that
// answers discovery for the group (upstream: kube-aggregator, pkg/controllers/status).
import { messageOf } from '../../base/errors.ts';
import { discoveryPath, type AggregatedServers, AGGREGATOR_USER } from '../../api/aggregation.ts';
import { copy, formatTime } from '../../api/meta.ts';
import { sameJson } from '../../api/json-equality.ts';
import { wake, type Acting } from '../../informer/loop.ts';
import type { Views } from '../../informer/view.ts';
import type { APIService, EndpointSlice, Service } from '../../kinds/generated/api-types.ts';
import { APISERVICES, ENDPOINTSLICES, SERVICES } from '../../kinds/generated/resources.ts';
import type { ControllerLoop } from '../action.ts';

const CHECK_EVERY_MS = 30_000;
const CHECK_TIMEOUT_MS = 5000;
const HTTPS_PORT = 443;

type Verdict = { status: 'True' | 'False' | 'Unknown'; reason: string; message: string };

export interface AvailabilityState {
  apiService: APIService;
  service: Service | undefined;
  slices: EndpointSlice[];
}

/** What is known without asking, or that it must be asked. */
export type AvailabilityAction = { apiService: APIService; verdict: Verdict | 'ask' };

export function apiServiceAvailabilityLoop(servers: AggregatedServers): ControllerLoop<AvailabilityState, AvailabilityAction> {
  return {
    name: 'apiservice-availability-controller',
    user: 'system:apiserver',
    wakes: [
      wake(APISERVICES, ({ metadata }) => [metadata.name]),
      wake(SERVICES, ({ metadata: { namespace, name } }, views) => behind(views, namespace, name)),
      wake(ENDPOINTSLICES, ({ metadata: { namespace, labels } }, views) => behind(views, namespace, labels?.['kubernetes.io/service-name'])),
    ],
    observe(key, views) {
      const apiService = views.of(APISERVICES).get('', key);
      if (apiService === undefined) return undefined;
      const { namespace = '', name = '' } = apiService.spec?.service ?? {};
      const slices = views.of(ENDPOINTSLICES).list(namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
      return { apiService, service: views.of(SERVICES).get(namespace, name), slices };
    },
    plan: (state) => ({ actions: [{ apiService: state.apiService, verdict: verdictOf(state) }], ...(state.apiService.spec?.service !== undefined && { againInMs: CHECK_EVERY_MS }) }),
    act: (action, acting) => act(action, servers, acting),
  };
}

function behind(views: Views, namespace: string | undefined, name: string | undefined): string[] {
  return views.of(APISERVICES).list().filter(({ spec }) => spec?.service !== undefined && spec.service.namespace === namespace && spec.service.name === name).map(({ metadata }) => metadata.name);
}

function verdictOf({ apiService, service, slices }: AvailabilityState): Verdict | 'ask' {
  const wanted = apiService.spec?.service;
  if (wanted === undefined) return { status: 'True', reason: 'Local', message: 'Local APIServices are always available' };
  const { name = '', namespace = '', port = HTTPS_PORT } = wanted;
  const [where, no] = [`service/${name} in ${JSON.stringify(namespace)}`, (reason: string, message: string): Verdict => ({ status: 'False', reason, message })];
  if (service === undefined) return no('ServiceNotFound', `${where} is not present`);
  if ((service.spec?.type ?? 'ClusterIP') !== 'ClusterIP') return 'ask';
  const offered = service.spec?.ports?.find((one) => one.port === port);
  if (offered === undefined) return no('ServicePortError', `${where} is not listening on port ${String(port)}`);
  if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${where}`);
  const portName = offered.name ?? '';
  const ready = slices.some(({ endpoints = [], ports = [] }) => endpoints.some(({ conditions }) => conditions?.ready !== false) && ports.some((one) => (one.name ?? '') === portName && one.port !== undefined));
  return ready ? 'ask' : no('MissingEndpoints', `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`);
}

async function act({ apiService, verdict }: AvailabilityAction, servers: AggregatedServers, { client, clock }: Acting): Promise<void> {
  const found = verdict === 'ask' ? await ask(apiService, servers) : verdict;
  const before = apiService.status?.conditions ?? [];
  const old = before.find(({ type }) => type === 'Available');
  const lastTransitionTime = old !== undefined && old.status === found.status ? old.lastTransitionTime : formatTime(clock.now());
  const condition = { type: 'Available', ...found, ...(lastTransitionTime !== undefined && { lastTransitionTime }) };
  const conditions = old === undefined ? [...before, condition] : before.map((one) => (one === old ? condition : one));
  if (!sameJson(conditions, before)) await client.updateStatus(APISERVICES, { ...copy(apiService), status: { ...copy(apiService.status ?? {}), conditions } });
  // A server that is just starting is asked again soon, by the runner's backoff.
  if (verdict === 'ask' && found.status !== 'True') throw new Error(`APIService ${apiService.metadata.name}: ${found.message}`);
}

async function ask({ metadata, spec }: APIService, servers: AggregatedServers): Promise<Verdict> {
  const { group = '', version = '', groupPriorityMinimum, versionPriority } = spec ?? {};
  const api = { name: metadata.name, group, version, groupPriority: groupPriorityMinimum ?? 0, versionPriority: versionPriority ?? 0, available: true };
  const path = discoveryPath(api);
  const fail = (message: string): Verdict => ({ status: 'False', reason: 'FailedDiscoveryCheck', message: `failing or missing response from ${path}: ${message}` });
  try {
    const { code } = await servers.get(api, AGGREGATOR_USER, path, { accept: 'application/json', timeoutMs: CHECK_TIMEOUT_MS });
    return code >= 200 && code < 300 ? { status: 'True', reason: 'Passed', message: 'all checks passed' } : fail(`bad status from ${path}: ${String(code)}`);
  } catch (error) {
    return fail(messageOf(error));
  }
}
