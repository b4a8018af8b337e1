// `skiff agent`: settings → preflight → identity (joined, or kept from an earlier start) → the server's answer → node → ready, and down again on
// SIGTERM or SIGINT. Containers go on. Two identities speak to the server: the node's, which may see what is its own, and the service
// proxy's, which may see Services and where they lead on all nodes.
import { join } from 'node:path';
import { delay, systemClock } from '../internal/base/clock.ts';
import { startAll, type Component, type Running } from '../internal/base/component.ts';
import { isReason, messageOf } from '../internal/base/errors.ts';
import { createLog, type Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import { createHttpsTransport, type HttpsTransport } from '../internal/client/https-transport.ts';
import { createClient } from '../internal/client/typed-client.ts';
import { keepIdentity, openIdentity, type IdentityKeeper, type IdentityOptions } from '../internal/cluster/join/identity.ts';
import { createEventRecorder } from '../internal/informer/event-recorder.ts';
import { createReplicaViews } from '../internal/informer/replica-views.ts';
import { runLoop } from '../internal/informer/run-loop.ts';
import type { Views } from '../internal/informer/view.ts';
import { ENDPOINTSLICES, NODES, SERVICES } from '../internal/kinds/generated/resources.ts';
import type { Settings } from './flags.ts';
import { hostAddress, hostNodeName } from './host.ts';
import { createNode, type ClusterAccess } from './node.ts';
import { findProblems } from './preflight.ts';
import { notifyReady } from './service-manager.ts';
import { givenToken, readSettings } from './settings.ts';
import { terminationSignal } from './termination.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

/** Shorter than a node's lease lasts: a connection that died with the server's power must not cost the node its readiness. */
const TIMEOUT_MS = 10_000;

export async function runAgent(argv: readonly string[]): Promise<number> {
  const settings = readSettings('agent', argv, process.env);
  const log = createLog({ level: settings['log-level'] as 'info', format: settings['log-format'] as 'text', clock: systemClock, write: (line) => void process.stderr.write(line) });
  const problems = findProblems({ dataDir: settings['data-dir'], node: true, ociRuntime: settings['oci-runtime'], path: process.env['PATH'] ?? '', uid: process.getuid?.() ?? 0 });
  if (problems.length > 0) throw new Error(problems.join('; '));
  const stopping = new AbortController();
  const stopped = terminationSignal().then((signal) => {
    stopping.abort(new Error(`stopping on ${signal}`));
    return signal;
  });
  // Waiting for a server has no end but this one; it must keep the process alive meanwhile, which timers do not.
  const alive = setInterval(() => {}, 3_600_000);
  try {
    const running = await startAgent(settings, stopping.signal, log);
    await notifyReady(process.env, `Skiff ${SKIFF_VERSION_TEXT} is ready`);
    log.info(`stopping on ${await stopped}`);
    await running.stop();
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    log.info(messageOf(stopping.signal.reason));
  } finally {
    clearInterval(alive);
  }
  return 0;
}

async function startAgent(settings: Settings, signal: AbortSignal, log: Log): Promise<Running> {
  const nodeName = settings['node-name'] ?? hostNodeName();
  const nodeIps = settings['node-ip'].length > 0 ? settings['node-ip'] : [hostAddress()];
  const token = givenToken(settings);
  const options: IdentityOptions = {
    directory: join(settings['data-dir'], 'agent'), nodeName, nodeIps: [...nodeIps, ...settings['node-external-ip']], clock: systemClock, random: systemRandom, log, signal,
    ...(settings.server !== undefined && { server: settings.server }), ...(token !== undefined && { token }),
  };
  const keeper = keepIdentity(await openIdentity(options), options);
  const { server, cluster } = keeper.current;
  log.info('joined', { server, node: nodeName });
  const access = openAccess(keeper, { nodeName, log });
  await untilServerAnswers(access.proxy, server, { signal, log });
  await access.synced();
  const node = createNode({ ...settings, disable: cluster.disable }, { cluster: access.cluster, nodeName, nodeIps, log });
  const running = await startAll([access.component, keeper, ...node.components], log);
  await Promise.race([node.ready, new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))]).catch(async (error: unknown) => {
    await running.stop();
    throw error;
  });
  log.info('ready', { node: nodeName, server });
  return running;
}

interface Access {
  cluster: ClusterAccess;
  /** Ends views and connections; started first, so that it is stopped last. */
  component: Component;
  proxy: HttpsTransport;
  /** Resolves when what every part of the node reads is there. */
  synced(): Promise<unknown>;
}

function openAccess(keeper: IdentityKeeper, { nodeName, log }: { nodeName: string; log: Log }): Access {
  const [clock, random] = [systemClock, systemRandom];
  const ending = new AbortController();
  const { server, certificates, key, clientCa, cluster } = keeper.current;
  const userAgent = `skiff/${SKIFF_VERSION_TEXT.replaceAll(' ', '-')}`;
  const open = (who: 'node' | 'proxy'): HttpsTransport => createHttpsTransport({ url: server, credentials: () => keeper.credentials(who), userAgent, timeoutMs: TIMEOUT_MS });
  const [node, proxy] = [open('node'), open('proxy')];
  const viewing = { clock, random, log, signal: ending.signal };
  const client = createClient(node);
  const proxyClient = createClient(proxy);
  const views = divided(createReplicaViews(client, viewing), createReplicaViews(proxyClient, viewing));
  return {
    proxy,
    synced: () => Promise.all([views.of(NODES).synced, views.of(SERVICES).synced, views.of(ENDPOINTSLICES).synced]),
    component: {
      name: 'connections',
      start: () => Promise.resolve(),
      stop() {
        ending.abort(new Error('stopping'));
        node.close();
        proxy.close();
        return Promise.resolve();
      },
    },
    cluster: {
      client, views,
      viewsAreLocal: false,
      run: (loop) => runLoop(loop, { views, client: proxyClient, clock, random, log, recorder: createEventRecorder({ client: proxyClient, clock, random, log, component: 'kube-proxy', host: nodeName }) }),
      tls: { cert: certificates.kubelet, key, clientCa },
      clusterCidr: cluster.clusterCidr,
      networkBackend: cluster.networkBackend,
      clusterDns: cluster.clusterDns,
      clusterDomain: cluster.clusterDomain,
    },
  };
}

/** What is not the node's own is read as the service proxy. */
function divided(own: Views, proxy: Views): Views {
  const shared = new Set([NODES, SERVICES, ENDPOINTSLICES].map(({ group, resource }) => `${group}/${resource}`));
  return { of: (resource, scope) => (shared.has(`${resource.group}/${resource.resource}`) && scope?.fieldSelector === undefined ? proxy : own).of(resource, scope) };
}

/** What TLS says of a certificate that another CA signed. */
const OTHER_CA: ReadonlySet<string | undefined> = new Set(['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_SIGNATURE_FAILURE']);

function causeCode(error: unknown): string | undefined {
  return error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
}

/** Rides out a server that is down at boot, and says why it waits; one of another cluster is not waited for. */
async function untilServerAnswers(transport: HttpsTransport, server: string, { signal, log }: { signal: AbortSignal; log: Log }): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await transport.raw({ method: 'GET', path: '/version' }, signal);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isReason(error, 'Unauthorized') || OTHER_CA.has(causeCode(error))) throw new Error(`the server at ${server} is not of the cluster that this node joined (${messageOf(error)}): if it was set up anew, remove <data-dir>/agent/identity.json and start with its token`, { cause: error });
      if ((attempt & (attempt - 1)) === 0) log.warn('waiting for the server', { server, error: messageOf(error) });
      await delay(systemClock, Math.min(10_000, 500 * 2 ** Math.min(10, attempt)), signal);
    }
  }
}
