// `skiff agent`: settings → preflight → identity (joined, or kept from an earlier start) → node → ready, and down again on SIGTERM or SIGINT.
// Containers go on. A node that has joined starts without its server, with what it knew last; one that has not waits for it.
import { join } from 'node:path';
import { delay, systemClock } from '../internal/base/clock.ts';
import { startAll, type Running } from '../internal/base/component.ts';
import { isReason, messageOf } from '../internal/base/errors.ts';
import type { Log } from '../internal/base/log.ts';
import { systemRandom } from '../internal/base/random.ts';
import type { HttpsTransport } from '../internal/client/https-transport.ts';
import { keepIdentity, openIdentity, type IdentityOptions } from '../internal/cluster/join/identity.ts';
import { createTunnel } from '../internal/cluster/tunnel/agent.ts';
import { openAccess } from './agent-access.ts';
import type { Settings } from './flags.ts';
import { openNodeAddresses } from './node-addresses.ts';
import { tellOfInstance } from './instance.ts';
import { createNode } from './node.ts';
import { keepNodeName, nodeNameOf } from './node-name.ts';
import { announced } from './service-manager.ts';
import { givenToken } from './settings.ts';
import { runStart, type Start } from './start.ts';
import { untilReady, type Serving } from './termination.ts';
import { SKIFF_VERSION_TEXT } from './version.ts';

export function runAgent(argv: readonly string[]): Promise<number> {
  return runStart('agent', argv, startAgent);
}

async function startAgent(settings: Settings, { stopping, ledger, manager, log }: Start): Promise<Serving> {
  ledger.making(settings['data-dir'], 'tree');
  const nodeName = nodeNameOf(settings);
  const nodeIps = await openNodeAddresses({ given: settings['node-ip'], dataDir: settings['data-dir'], clock: systemClock, log });
  const token = givenToken(settings);
  const directory = join(settings['data-dir'], 'agent');
  const options: IdentityOptions = {
    directory, nodeName, nodeIps: () => [...nodeIps(), ...settings['node-external-ip']], clock: systemClock, random: systemRandom, log, signal: stopping,
    ...(settings.server !== undefined && { server: settings.server }), ...(token !== undefined && { token }),
  };
  manager.starting(`to join ${settings.server ?? 'the server'}`);
  const keeper = keepIdentity(await openIdentity(options), options);
  keepNodeName(settings, nodeName);
  const { server, cluster } = keeper.current;
  log.info('joined', { server, node: nodeName });
  const access = openAccess(keeper, { nodeName, lastKnownDir: join(directory, 'last-known'), log });
  const instance = tellOfInstance('agent', settings, { url: server, nodeName, tokenGiven: token !== undefined, startedAt: systemClock.now() });
  const running = await startAll([instance, access.component, keeper], log, stopping);
  manager.starting(`with what ${server} says`);
  const failed = strangersServer(access.proxy, { server, stopping, log });
  const { ready, components, endPods } = await untilReady(running, access.synced(), { stopping, failed }).then(() => createNode({ ...settings, disable: cluster.disable }, { cluster: access.cluster, nodeName, nodeIps, ledger, log }));
  const tunnel = createTunnel({ server, credentials: () => keeper.credentials('node'), kubeletPort: settings['kubelet-port'], clock: systemClock, random: systemRandom, log });
  const node = await startAll(announced([...components, tunnel], manager), log, stopping).catch((error: unknown) => stopThenThrow(running, error));
  const all = inTurn(node, running);
  manager.starting('the node');
  await untilReady(all, ready, { stopping, failed });
  failed.catch((error: unknown) => (stopping.aborted ? undefined : log.error(messageOf(error))));
  log.info('ready', { node: nodeName, server });
  manager.ready(`Skiff ${SKIFF_VERSION_TEXT} is ready: node ${nodeName} of ${server}`);
  return { ...all, endPods };
}

async function stopThenThrow(running: Running, error: unknown): Promise<never> {
  await running.stop();
  throw error;
}

function inTurn(...parts: Running[]): Running {
  return {
    async stop() {
      for (const part of parts) await part.stop();
    },
  };
}

/** What TLS says of a certificate that another CA signed. */
const OTHER_CA: ReadonlySet<string | undefined> = new Set(['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_SIGNATURE_FAILURE']);

function causeCode(error: unknown): string | undefined {
  return error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
}

/** Says that the server is waited for until it answers. Rejects when it is another cluster's, which is no use to wait for. */
async function strangersServer(transport: HttpsTransport, { server, stopping, log }: { server: string; stopping: AbortSignal; log: Log }): Promise<never> {
  for (let attempt = 0; ; attempt++) {
    try {
      await transport.raw({ method: 'GET', path: '/version' }, stopping);
      return await new Promise<never>(() => {});
    } catch (error) {
      if (stopping.aborted) throw error;
      if (isReason(error, 'Unauthorized') || OTHER_CA.has(causeCode(error))) throw new Error(`the server at ${server} is not of the cluster that this node joined (${messageOf(error)}): if it was set up anew, remove <data-dir>/agent/identity.json and start with its token`, { cause: error });
      if ((attempt & (attempt - 1)) === 0) log.warn('waiting for the server', { server, error: messageOf(error) });
      await delay(systemClock, Math.min(10_000, 500 * 2 ** Math.min(10, attempt)), stopping);
    }
  }
}
