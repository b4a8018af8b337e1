// The kubelet's API on 10250: TLS, client certificates of the cluster's CA or bearer tokens reviewed through the API, each request
// authorised there as `nodes/<subresource>`. Paths as upstream's (places.ts); answers in routes.ts, streams in streams.ts.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../../internal/base/errors.ts';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { createAccess } from './access.ts';
import { answer, refuse } from './answers.ts';
import { placeOf, type FoundPlace, type Problem } from './places.ts';
import { createRoutes } from './routes.ts';
import { serveStream } from './streams.ts';

/** PEM. */
export interface ServingPair {
  cert: string;
  key: string;
}
export interface KubeletTls {
  /** As it is now. */
  pair(): ServingPair;
  /** Tells of a renewed one, which is served with from the next handshake on. */
  onRenewed?(listener: (pair: ServingPair) => void): void;
  /** PEM of the CA whose client certificates are accepted. */
  clientCa: string;
}

export interface KubeletServer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  node: NodeContext;
  pods: Pods;
  tls: KubeletTls;
  port: number;
}

export function createKubeletServer({ node, pods, tls, port }: ServerOptions): KubeletServer {
  const access = createAccess(node);
  const route = createRoutes({ node, pods, port });
  const server: Server = createServer({ ...tls.pair(), ca: tls.clientCa, requestCert: true, rejectUnauthorized: false, shouldUpgradeCallback: ({ url = '/' }) => STREAMED.test(url) });
  tls.onRenewed?.((pair) => server.setSecureContext({ ...pair, ca: tls.clientCa }));

  /** Where a request goes, or why it goes nowhere: what is not there, then who asks, then how. */
  async function find(request: IncomingMessage, url: URL): Promise<{ found: FoundPlace } | { refused: Problem }> {
    const method = request.method ?? 'GET';
    const place = placeOf({ raw: (request.url ?? '/').split('?')[0] ?? '/', path: url.pathname, method }, node.settings);
    if ('refused' in place) return place;
    const socket = request.socket as TLSSocket;
    const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
    const name = subject?.CN;
    const groups = subject?.O === undefined ? [] : [subject.O].flat();
    const refused = await access.check({ certificate: name === undefined ? undefined : { name: String(name), groups: groups.map(String) }, token: /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1], path: url.pathname, method });
    if (refused !== undefined) return { refused };
    return place.problem === undefined ? { found: place } : { refused: place.problem };
  }

  server.on('request', (request, response) => void handle(request, response));
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request);
    if (url === null) return answer(response, { code: 400, text: '400 Bad Request' });
    countRequest({ node, request, response, path: url.pathname });
    try {
      const place = await find(request, url);
      if ('refused' in place) return answer(response, place.refused);
      await route(request, response, { ...place.found, url });
    } catch (error) {
      if (!response.headersSent) answer(response, { code: 500, text: messageOf(error) });
      else response.destroy();
    }
  }

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const url = urlOf(request);
    if (url === null) return refuse(socket, { code: 400, text: '400 Bad Request' });
    find(request, url).then((place) => {
      if ('refused' in place) return refuse(socket, place.refused);
      return serveStream({ node, pods, request, socket, head, url, ...place.found });
    }).catch((error: unknown) => {
      node.log.debug('a stream failed', { error: messageOf(error) });
      socket.destroy();
    });
  });

  return {
    start: () => new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, () => {
        server.off('error', reject);
        resolve();
      });
    }),
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** Where an upgrade is taken; elsewhere it is only offered, and the request is answered as others. */
const STREAMED = /^\/(exec|attach|portForward|containerLogs)\//;

/** null: no path that can be one. Anybody who can connect may send it. */
function urlOf({ url = '/' }: IncomingMessage): URL | null {
  return URL.parse(`https://kubelet${url}`);
}

/** Paths that the metrics tell by their first part; pods' names are not in them. */
const TOLD_PATHS: ReadonlySet<string> = new Set(['run', 'exec', 'attach', 'portForward', 'containerLogs', 'runningpods', 'checkpoint', 'configz', 'logs', 'debug', 'healthz', 'pods', 'stats', 'statusz', 'flagz', 'metrics', 'metrics/cadvisor', 'metrics/probes', 'metrics/resource']);
const TOLD_METHODS: ReadonlySet<string> = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']);
const LONG_RUNNING: ReadonlySet<string> = new Set(['exec', 'attach', 'debug']);

function countRequest({ node: { clock, counts }, request: { method = '' }, response, path }: { node: NodeContext; request: IncomingMessage; response: ServerResponse; path: string }): void {
  const told = [path.slice(1), path.split('/')[1] ?? ''].find((name) => TOLD_PATHS.has(name)) ?? 'other';
  const labels = { long_running: String(LONG_RUNNING.has(told)), method: TOLD_METHODS.has(method) ? method : 'other', path: told, server_type: 'readwrite' };
  const begun = clock.monotonicMs();
  counts.count('kubelet_http_requests_total', labels);
  response.once('close', () => counts.observe('kubelet_http_requests_duration_seconds', (clock.monotonicMs() - begun) / 1000, labels));
}
