// The control plane of one server, wired in flow order: what answers (api-core.ts) → the roads out → the loops → the socket → what keeps it going.
import { systemClock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import type { Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import type { AggregatedServers } from '../internal/api/aggregation.ts';
import type { KubeletCalls } from '../internal/api/kubelet-calls.ts';
import type { Resource } from '../internal/api/request.ts';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, type UserInfo } from '../internal/api/user.ts';
import { bootstrapPolicy } from '../internal/authz/bootstrap-policy.ts';
import { createAggregatedServers } from '../internal/client/aggregated-servers.ts';
import type { Client } from '../internal/client/client.ts';
import type { Authority } from '../internal/cluster/authority.ts';
import type { KeyPair } from '../internal/cluster/certificate.ts';
import type { Leaves } from '../internal/cluster/leaves.ts';
import type { ClusterSettings } from '../internal/cluster/join/protocol.ts';
import { FRONT_PROXY_LEAF } from '../internal/cluster/front-proxy.ts';
import { createJoinPaths } from '../internal/cluster/join/server.ts';
import { createCertificateSigner } from '../internal/cluster/signer.ts';
import { TUNNEL_PATH } from '../internal/cluster/tunnel/protocol.ts';
import { createTunnels, type Tunnels } from '../internal/cluster/tunnel/server.ts';
import { ensureSystemObjects } from '../internal/cluster/system-objects.ts';
import { controllers, userOf } from '../internal/controllers/index.ts';
import type { NodeDialer } from '../internal/http/kubelet-connection.ts';
import { createKubeletCalls } from '../internal/http/kubelet-calls.ts';
import type { Pipeline } from '../internal/http/pipeline.ts';
import { createApiServer } from '../internal/http/server.ts';
import { createEventRecorder } from '../internal/informer/event-recorder.ts';
import type { Loop } from '../internal/informer/loop.ts';
import type { ServedResources } from '../internal/informer/served-resources.ts';
import { runLoop } from '../internal/informer/run-loop.ts';
import { createSeriesRecorder } from '../internal/informer/series-recorder.ts';
import type { Views } from '../internal/informer/view.ts';
import { webhookConverter } from '../internal/kinds/custom/conversion-webhook.ts';
import type { Kinds } from '../internal/kinds/index.ts';
import type { Kind } from '../internal/kinds/kind.ts';
import { keepCustomKinds } from '../internal/registry/custom-kinds.ts';
import { createEventExpiry } from '../internal/registry/event-expiry.ts';
import { createScheduler, SCHEDULER_NAME, SCHEDULER_USER } from '../internal/scheduler/index.ts';
import type { Store } from '../internal/store/store.ts';
import { firstAddress } from './addresses.ts';
import { LOOPBACK_USER, openApiCore } from './api-core.ts';
import type { Settings } from './flags.ts';
import { createResourceMetrics } from './resource-metrics.ts';
import { hostNodeName } from './host.ts';
import { openApiWords } from './openapi-words.ts';
import { KUBERNETES_VERSION, SKIFF_VERSION_TEXT } from './version.ts';

export interface ControlPlane {
  components: Component[];
  pipeline: Pipeline;
  views: Views;
  /** A client that speaks for a user, down the same road as everyone's. */
  clientOf(user: UserInfo): Client;
  /** Runs a loop in this process for a user; `component` is who its Events name. */
  run(loop: Loop, user: UserInfo, component: string): Component;
}

export interface ControlPlaneOptions {
  authority: Authority;
  leaves: Leaves;
  /** Of this server for others, as they are now; the first is what it is called by. */
  addresses(): readonly string[];
  /** Its own node's: nobody else's. */
  nodeName: string;
  /** With which nodes may join, as of now. */
  passwords(): readonly string[];
  log: Log;
}

export async function createControlPlane(settings: Settings, { authority, leaves, addresses, nodeName, passwords, log }: ControlPlaneOptions): Promise<ControlPlane> {
  const [clock, random] = [systemClock, systemRandom];
  const { store, kinds, schemas, views, tokens, authenticator, callout, pipeline, clientOf, auditing } = await openApiCore(settings, { authority, log });
  const run = (loop: Loop, user: UserInfo, component: string): Component => {
    const client = clientOf(user);
    return runLoop(loop, { views, client, clock, random, log, recorder: createEventRecorder({ client, clock, random, log, component }) });
  };
  const runScheduler = (): Component => {
    const client = clientOf({ username: SCHEDULER_USER, groups: [AUTHENTICATED_GROUP] });
    const recorder = createSeriesRecorder({ client, clock, random, log, component: SCHEDULER_NAME, instance: `${SCHEDULER_NAME}-${nodeName}` });
    return runLoop(createScheduler() as Loop, { views, client, clock, random, log, recorder });
  };
  const resources = storedResources(kinds);
  const port = settings['https-listen-port'];
  const sign = createCertificateSigner({ authority, clock, random });
  const { aggregated, tunnels, dialer, kubelets } = roadsOut({ authority, leaves, store });
  const metrics = settings.disable.includes('metrics') ? undefined : createResourceMetrics({ kinds, views, kubelets, clock });
  const loops = controllers({
    sign, issueSecretToken: (subject) => tokens.issueForSecret(subject), rootCertificates: () => authority.serverCa.certificate,
    aggregated, kubelets, ...(metrics !== undefined && { usage: metrics.usage }), resources, types: { kinds, schemas }, disabled: settings.disable,
    clusterCidr: settings['cluster-cidr'][0] ?? '', apiServer: { clusterIp: firstAddress(settings['service-cidr'][0] ?? ''), addresses: () => addresses().slice(0, 1), port },
  });
  const names = (): string[] => servingNames(settings, addresses());
  const serving = leaves.hold({ file: 'serving-kube-apiserver', ca: 'serverCa', subject: { commonName: 'kube-apiserver' }, names, usages: ['server'] });
  const apiServer = createApiServer({
    pipeline, authenticator, tokens, clock, random, log,
    tls: { ...pairOf(serving.current), clientCa: authority.clientCa.certificate + authority.requestHeaderCa.certificate },
    address: settings['bind-address'],
    port,
    advertise: `${addresses()[0] ?? ''}:${String(port)}`,
    version: { gitVersion: `v${KUBERNETES_VERSION}+skiff1`, platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`, build: SKIFF_VERSION_TEXT },
    aggregated,
    processMetrics: async () => (await import('../agents/kubelet/stats/process.ts')).processMetrics(),
    ...openApiWords(),
    extraPaths: createJoinPaths({ authority, client: clientOf(LOOPBACK_USER), passwords, cluster: clusterSettings(settings), reserved: () => [...names(), nodeName], clock, random }),
    dialer,
    extraUpgrades: new Map([[TUNNEL_PATH, (user, client) => tunnels.accept(user, client)]]),
  });
  serving.onRenewed((pair) => apiServer.renew(pairOf(pair)));
  const components: Component[] = [
    closing(store),
    ...(auditing === undefined ? [] : [auditing]),
    createEventExpiry({ store, clock }),
    keepCustomKinds({ store, kinds, schemas, converterOf: (crd) => webhookConverter(crd, { callout, uuid: random.uuid }) }),
    { name: 'policy', start: () => prepare(settings, authority, { pipeline, client: clientOf(LOOPBACK_USER) }), stop: () => Promise.resolve() },
    ...(metrics === undefined ? [] : [metrics.component]),
    apiServer,
    ...loops.map((loop) => run(loop, userOf(loop), loop.component ?? loop.name)),
    runScheduler(),
  ];
  return { components, pipeline, views, clientOf, run };
}

/** Each stored kind once: what is served under two names or in several versions is collected under one of them. */
function storedResources(kinds: Kinds): ServedResources {
  const isStoredHere = ({ group, resource, rules: { storage } }: Kind): boolean => storage === undefined || (storage.group === group && storage.resource === resource);
  const isFirst = (kind: Kind): boolean => kind.custom === undefined || kinds.preferred(kind.group, kind.resource) === kind;
  const list = (): Resource[] => kinds.all().filter((kind) => kind.verbs.includes('watch') && kind.verbs.includes('delete') && isStoredHere(kind) && isFirst(kind));
  return Object.assign(list, { onChange: kinds.onChange });
}

/** To whom the server itself speaks: nodes, and servers of aggregated groups. */
function roadsOut({ authority, leaves, store }: { authority: Authority; leaves: Leaves; store: Store }): { aggregated: AggregatedServers; tunnels: Tunnels; dialer: NodeDialer; kubelets: KubeletCalls } {
  const frontProxy = leaves.hold(FRONT_PROXY_LEAF);
  const aggregated = createAggregatedServers({ source: store, identity: () => pairOf(frontProxy.current), random: systemRandom });
  const tunnels = createTunnels(systemClock);
  const dialer = nodeDialer({ authority, leaves, tunnels });
  return { aggregated, tunnels, dialer, kubelets: createKubeletCalls({ store, dialer }) };
}

function nodeDialer({ authority, leaves, tunnels }: { authority: Authority; leaves: Leaves; tunnels: Tunnels }): NodeDialer {
  const client = leaves.hold({ file: 'client-kube-apiserver', ca: 'clientCa', subject: { commonName: 'kube-apiserver-kubelet-client', organizations: [MASTERS_GROUP] }, usages: ['client'] });
  return { credentials: () => ({ ca: authority.serverCa.certificate, ...pairOf(client.current) }), tunnel: tunnels.open, tunnelAwaited: tunnels.awaited };
}

function closing(store: Store): Component {
  return { name: 'store', start: () => Promise.resolve(), stop: () => store.close() };
}

async function prepare(settings: Settings, authority: Authority, { pipeline, client }: { pipeline: Pipeline; client: Client }): Promise<void> {
  await bootstrapPolicy(pipeline.options);
  const dns = settings.disable.includes('dns') ? undefined : settings['cluster-dns'][0];
  await ensureSystemObjects(client, {
    clientCa: authority.clientCa.certificate, requestHeaderCa: authority.requestHeaderCa.certificate,
    serviceCidrs: settings['service-cidr'], ...(dns !== undefined && { dnsAddress: dns }),
    localStorage: !settings.disable.includes('local-storage'), metrics: !settings.disable.includes('metrics'),
  });
}

/** What every node must know of the cluster: agents are told when they join, the server's own node by this. */
export function clusterSettings(settings: Settings): ClusterSettings {
  return {
    clusterCidr: settings['cluster-cidr'][0] ?? '', clusterDns: settings['cluster-dns'], clusterDomain: settings['cluster-domain'],
    networkBackend: settings['network-backend'], disable: settings.disable,
    ...(settings['default-local-storage-path'] !== undefined && { localStoragePath: settings['default-local-storage-path'] }),
  };
}

function servingNames(settings: Settings, addresses: readonly string[]): string[] {
  const domain = settings['cluster-domain'];
  const inCluster = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`, firstAddress(settings['service-cidr'][0] ?? '')];
  return [...new Set([...inCluster, 'localhost', '127.0.0.1', hostNodeName(), ...addresses, ...settings['node-external-ip'], ...settings['tls-san']])];
}

function pairOf({ certificate, key }: KeyPair): { cert: string; key: string } {
  return { cert: certificate, key };
}
