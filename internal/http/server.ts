// The API server's socket: TLS with HTTP/2 and HTTP/1.1, client certificates asked for and not required. Stopping lets answers finish and
// ends watches and streams, whose clients come again.
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { AggregatedServers } from '../api/aggregation.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import type { TokenIssuer } from '../authn/service-account-tokens.ts';
import { createRemoteDocuments } from './aggregation/documents.ts';
import { handle, type ExtraUpgrade, type HandlerOptions } from './handler.ts';
import { socketOf } from './request-parts.ts';
import { createImpersonator } from './impersonation.ts';
import { createFanOut } from './fan-out.ts';
import { createFairness } from './fairness/index.ts';
import { createMetrics } from './metrics.ts';
import { createOpenApiServer, type WordsSource } from './openapi.ts';
import type { HealthCheck } from './health.ts';
import { createNonResources, type ExtraPath } from './non-resources.ts';
import type { Pipeline } from './pipeline.ts';
import { handleUpgrade } from './upgrade.ts';
import type { NodeDialer } from './kubelet-connection.ts';
import type { VersionInfo } from './version-info.ts';

export interface ApiServerOptions {
  pipeline: Pipeline;
  authenticator: Authenticator;
  /** PEM. `clientCa`, one or several, verifies client certificates; `cert` may be renewed with `renew`. */
  tls: { cert: string; key: string; clientCa: string };
  address: string;
  /** 0 is a free one. */
  port: number;
  /** host:port that discovery names; default the address it listens on. */
  advertise?: string;
  version: VersionInfo;
  tokens?: TokenIssuer;
  readiness?: readonly HealthCheck[];
  dialer: NodeDialer;
  /** Servers of groups that are not answered here. */
  aggregated?: AggregatedServers;
  extraPaths?: readonly ExtraPath[];
  extraUpgrades?: ReadonlyMap<string, ExtraUpgrade>;
  /** The prose of OpenAPI documents. */
  words?: WordsSource;
  /** More lines of /metrics: of the process. */
  processMetrics?: () => Promise<string>;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface ApiServer extends Component {
  /** The port it listens on, once started. */
  readonly port: number;
  /** Serves with this certificate from the next handshake on. */
  renew(tls: { cert: string; key: string }): void;
}

const STOP_GRACE_MS = 2000;
const KEEP_ALIVE_MS = 90_000;

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { tls, address, port, log, clock, random, pipeline, authenticator, dialer, aggregated } = options;
  const fairness = createFairness({ store: pipeline.options.store, clock });
  const metrics = createMetrics({ clock, kinds: pipeline.options.kinds, store: pipeline.options.store, gauges: () => ({
    'apiserver_current_inflight_requests{request_kind="readOnly"}': fairness.reading,
    'apiserver_current_inflight_requests{request_kind="mutating"}': fairness.writing,
  }) });
  const remotes = aggregated === undefined ? {} : { remotes: createRemoteDocuments(aggregated, clock) };
  const { kinds, schemas } = pipeline.options;
  const openApi = createOpenApiServer({ kinds, schemas, version: options.version, clock, ...remotes, ...(options.words !== undefined && { words: options.words }) });
  const nonResources = createNonResources({
    clock: options.clock,
    pipeline: pipeline.options, openApi, address: options.advertise ?? `${address}:${String(port)}`, version: options.version, metrics, ...(options.processMetrics !== undefined && { processMetrics: options.processMetrics }), readiness: options.readiness ?? [],
    ...(options.tokens !== undefined && { tokens: options.tokens }),
    ...remotes,
  });
  const extraPaths = new Map((options.extraPaths ?? []).map((extra) => [extra.path, extra]));
  const handling: HandlerOptions = { pipeline, authenticator, impersonate: createImpersonator(pipeline.options.authorizer), nonResources, extraPaths, extraUpgrades: options.extraUpgrades ?? new Map<string, ExtraUpgrade>(), fairness, fanOut: createFanOut(clock), metrics, dialer, ...(aggregated !== undefined && { aggregated }), clock, random, log };
  // Each with how many requests it has in hand.
  const connections = new Map<Socket, number>();
  const secure = { ca: tls.clientCa, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' as const, allowHTTP1: true };
  const server = createSecureServer({ ...secure, cert: tls.cert, key: tls.key, settings: { maxConcurrentStreams: 250 } });
  wire(server, { connections, handling, log });
  return {
    name: 'api server',
    get port() {
      const bound = server.address();
      return typeof bound === 'object' && bound !== null ? bound.port : port;
    },
    renew: ({ cert, key }) => server.setSecureContext({ cert, key, ca: tls.clientCa }),
    start: () => listen(server, { address, port }),
    stop: () => close(server, connections, clock),
  };
}

function wire(server: Http2SecureServer, { connections, handling, log }: { connections: Map<Socket, number>; handling: HandlerOptions; log: Log }): void {
  server.on('request', (request, response) => {
    const socket = socketOf(request);
    const count = (by: number): void => void (connections.has(socket) && connections.set(socket, (connections.get(socket) ?? 0) + by));
    count(1);
    handle(handling, request, response).catch((error: unknown) => {
      // No answer was possible: this request's end, and no other's.
      log.error('answering failed', { error, cause: error instanceof Error ? error.stack : undefined });
      response.destroy();
    }).finally(() => count(-1));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void handleUpgrade(handling, request, { socket: socket as Socket, head }));
  server.on('secureConnection', (socket) => {
    connections.set(socket, 0);
    socket.setNoDelay(true);
    socket.on('error', () => {}); // a client that goes away is not ours to mend
    socket.once('close', () => connections.delete(socket));
  });
  server.on('sessionError', (error: Error) => log.debug('connection failed', { error }));
  server.on('tlsClientError', (error: Error) => log.debug('handshake failed', { error }));
  server.setTimeout(0);
  // As long as upstream: who keeps connections of HTTP/1.1 for later (Python, Java) would find them closed after Node's five seconds.
  Object.assign(server, { keepAliveTimeout: KEEP_ALIVE_MS });
}

function listen(server: Http2SecureServer, { address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(explain(error, address, port));
    server.once('error', onError);
    server.listen({ host: address, port, backlog: 1024 }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function explain(error: NodeJS.ErrnoException, address: string, port: number): Error {
  const where = `${address}:${String(port)}`;
  if (error.code === 'EADDRINUSE') return new Error(`${where} is already in use: stop what listens there, or choose another --https-listen-port`, { cause: error });
  if (error.code === 'EACCES') return new Error(`not allowed to listen on ${where}: run as root, or choose a port above 1023 with --https-listen-port`, { cause: error });
  if (error.code === 'EADDRNOTAVAIL') return new Error(`this machine has no address ${address}: correct --bind-address`, { cause: error });
  return error;
}

async function close(server: Http2SecureServer, connections: ReadonlyMap<Socket, number>, clock: Clock): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = clock.setTimer(STOP_GRACE_MS, () => {
    for (const socket of connections.keys()) socket.destroy();
  });
  // Idle connections are cut at once; what is being answered has the grace.
  for (const [socket, inHand] of connections) if (inHand === 0) socket.destroy();
  await closed;
  timer.cancel();
}
