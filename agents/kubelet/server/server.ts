// The kubelet's API on 10250: TLS, client certificates of the cluster's CA or bearer tokens reviewed through the API, each request
// authorised there as `nodes/<subresource>`. Routes as upstream's; answers in routes.ts, streams in streams.ts.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../../internal/base/errors.ts';
import type { NodeContext } from '../node-context.ts';
import type { Pods } from '../pods.ts';
import { createAccess } from './access.ts';
import { createRoutes } from './routes.ts';
import { refuse, serveStream } from './streams.ts';

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

/** What a node's owner may turn off (enableDebuggingHandlers). */
const DEBUGGING: ReadonlySet<string> = new Set(['run', 'exec', 'attach', 'portForward', 'containerLogs', 'runningpods', 'checkpoint', 'configz', 'logs', 'debug']);

export function createKubeletServer({ node, pods, tls, port }: ServerOptions): KubeletServer {
  const access = createAccess(node);
  const route = createRoutes({ node, pods, port });
  const server: Server = createServer({ ...tls.pair(), ca: tls.clientCa, requestCert: true, rejectUnauthorized: false });
  tls.onRenewed?.((pair) => server.setSecureContext({ ...pair, ca: tls.clientCa }));

  async function guard(request: IncomingMessage, url: URL): Promise<{ code: number; message: string } | undefined> {
    if (!node.settings.enableDebuggingHandlers && DEBUGGING.has(url.pathname.split('/')[1] ?? '')) return { code: 405, message: 'Debug endpoints are disabled.' };
    const socket = request.socket as TLSSocket;
    const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
    const name = subject?.CN;
    const groups = subject?.O === undefined ? [] : [subject.O].flat();
    return access.check({ certificate: name === undefined ? undefined : { name: String(name), groups: groups.map(String) }, token: /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1], path: url.pathname, method: request.method ?? 'GET' });
  }

  server.on('request', (request, response) => void handle(request, response));
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request);
    if (url === null) return answer(response, 400, '400 Bad Request');
    countRequest({ node, request, response, path: url.pathname });
    try {
      const refused = await guard(request, url);
      if (refused !== undefined) return answer(response, refused.code, refused.message);
      await route(request, response, url);
    } catch (error) {
      if (!response.headersSent) answer(response, 500, messageOf(error));
      else response.destroy();
    }
  }

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const url = urlOf(request);
    if (url === null) return refuse(socket, 400, '400 Bad Request');
    guard(request, url).then((refused) => {
      if (refused !== undefined) return void socket.end(`HTTP/1.1 ${String(refused.code)} Refused\r\ncontent-length: ${String(Buffer.byteLength(refused.message))}\r\nconnection: close\r\n\r\n${refused.message}`);
      return serveStream({ node, pods, request, socket, head, url });
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

/** null: no path that can be one. Anybody who can connect may send it. */
function urlOf({ url = '/' }: IncomingMessage): URL | null {
  return URL.parse(`https://kubelet${url}`);
}

/** Paths that the metrics tell by their first part; pods' names are not in them. */
const TOLD_PATHS: ReadonlySet<string> = new Set([...DEBUGGING, 'healthz', 'pods', 'stats', 'metrics', 'metrics/cadvisor', 'metrics/probes', 'metrics/resource']);

function countRequest({ node: { clock, counts }, request, response, path }: { node: NodeContext; request: IncomingMessage; response: ServerResponse; path: string }): void {
  const told = [path.slice(1), path.split('/')[1] ?? ''].find((name) => TOLD_PATHS.has(name)) ?? 'other';
  const labels = { long_running: 'false', method: request.method ?? '', path: told, server_type: 'readwrite' };
  const begun = clock.monotonicMs();
  counts.count('kubelet_http_requests_total', labels);
  response.once('close', () => counts.observe('kubelet_http_requests_duration_seconds', (clock.monotonicMs() - begun) / 1000, labels));
}

export function answer(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) }).end(text);
}

export function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
