// How an agent reaches its cluster. Two identities speak to the server: the node's, which may see what is its own, and the service proxy's,
// which may see Services and where they lead on all nodes. What both see is remembered for a start without the server.
import { join } from 'node:path';
import { systemClock } from '../internal/base/clock.ts';
import type { Component } from '../internal/base/component.ts';
import type { Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import { createHttpsTransport, type HttpsTransport } from '../internal/client/https-transport.ts';
import { createClient } from '../internal/client/typed-client.ts';
import type { Identity, IdentityKeeper } from '../internal/cluster/join/identity.ts';
import { createEventRecorder } from '../internal/informer/event-recorder.ts';
import { createReplicaViews } from '../internal/informer/replica-views.ts';
import { runLoop } from '../internal/informer/run-loop.ts';
import type { Views } from '../internal/informer/view.ts';
import { ENDPOINTSLICES, NODES, PODS, SERVICES } from '../internal/kinds/generated/resources.ts';
import { rememberViews } from '../agents/kubelet/last-known/views.ts';
import type { KubeletTls, ServingPair } from '../agents/kubelet/server/server.ts';
import type { ClusterAccess } from './node.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

export interface Access {
  cluster: ClusterAccess;
  /** Ends views and connections; started first, so that it is stopped last. */
  component: Component;
  proxy: HttpsTransport;
  /** Resolves when what every part of the node reads is there, from the server or remembered. */
  synced(): Promise<unknown>;
}

/** Shorter than a node's lease lasts: a connection that died with the server's power must not cost the node its readiness. */
const TIMEOUT_MS = 10_000;

export function openAccess(keeper: IdentityKeeper, { nodeName, lastKnownDir, log }: { nodeName: string; lastKnownDir: string; log: Log }): Access {
  const [clock, random] = [systemClock, systemRandom];
  const ending = new AbortController();
  const { server, cluster } = keeper.current;
  const userAgent = `skiff/${SKIFF_VERSION_TEXT.replaceAll(' ', '-')}`;
  const open = (who: 'node' | 'proxy'): HttpsTransport => createHttpsTransport({ url: server, credentials: () => keeper.credentials(who), userAgent, timeoutMs: TIMEOUT_MS });
  const [node, proxy] = [open('node'), open('proxy')];
  const viewing = { clock, random, log, signal: ending.signal };
  const client = createClient(node);
  const proxyClient = createClient(proxy);
  const views = rememberViews(divided(createReplicaViews(client, viewing), createReplicaViews(proxyClient, viewing)), { directory: join(lastKnownDir, 'views'), clock, log });
  // Asked for together with the rest: what is remembered is not waited for one after the other.
  views.of(NODES, { fieldSelector: `metadata.name=${nodeName}` });
  views.of(PODS, { fieldSelector: `spec.nodeName=${nodeName}` });
  return {
    proxy,
    synced: () => Promise.all([views.of(NODES).synced, views.of(SERVICES).synced, views.of(ENDPOINTSLICES).synced]),
    component: {
      name: 'connections',
      start: () => Promise.resolve(),
      stop() {
        views.save();
        ending.abort(new Error('stopping'));
        node.close();
        proxy.close();
        return Promise.resolve();
      },
    },
    cluster: {
      client, views,
      viewsAreLocal: false,
      lastKnownDir: join(lastKnownDir, 'objects'),
      run: (loop) => runLoop(loop, { views, client: proxyClient, clock, random, log, recorder: createEventRecorder({ client: proxyClient, clock, random, log, component: 'kube-proxy', host: nodeName }) }),
      tls: kubeletTls(keeper),
      clusterCidr: cluster.clusterCidr,
      networkBackend: cluster.networkBackend,
      clusterDns: cluster.clusterDns,
      clusterDomain: cluster.clusterDomain,
      ...(cluster.localStoragePath !== undefined && { localStoragePath: cluster.localStoragePath }),
    },
  };
}

function kubeletTls(keeper: IdentityKeeper): KubeletTls {
  const pairOf = ({ certificates, key }: Identity): ServingPair => ({ cert: certificates.kubelet, key });
  return { pair: () => pairOf(keeper.current), onRenewed: (listener) => keeper.onRenewed((identity) => listener(pairOf(identity))), clientCa: keeper.current.clientCa };
}

/** What is not the node's own is read as the service proxy. */
function divided(own: Views, proxy: Views): Views {
  const shared = new Set([NODES, SERVICES, ENDPOINTSLICES].map(({ group, resource }) => `${group}/${resource}`));
  return { of: (resource, scope) => (shared.has(`${resource.group}/${resource.resource}`) && scope?.fieldSelector === undefined ? proxy : own).of(resource, scope) };
}
